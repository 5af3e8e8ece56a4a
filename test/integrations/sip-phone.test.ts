import { expect, onTestFinished, test } from "vitest";
import { createLockstep } from "../../integrations/client.ts";
import { Bridge } from "../../integrations/sip-phone/bridge.ts";
import { parseDialogInfo } from "../../integrations/sip-phone/dialog-info.ts";
import { IDLE, taken } from "../../integrations/sip-phone/line.ts";
import { parseSip } from "../../integrations/sip-phone/sip-message.ts";
import { Watcher } from "../../integrations/sip-phone/watcher.ts";
import { openCompany } from "../scenarios/company.ts";
import { eventually } from "../service/launch.ts";
import { PARTNER_SECRET } from "../service/partner.ts";
import { findSipp, startOwnPeer, type StartPbx } from "./pbx.ts";

const LINES = 20;
const STEP_MS = 200;

const sipp = await findSipp();
const PBXES: readonly (readonly [string, StartPbx])[] = [
  ...(sipp ? [["SIPp", sipp] as const] : []),
  ["a peer of our own", startOwnPeer],
];

test.each(PBXES)(
  "[R203] calls on the lines of a PBX, played by %s, reach Teams and Dynamics, and what was there before comes back",
  async (_name, startPbx) => {
    await using company = await openCompany({ reps: LINES });
    const { people, tenant, witness, service } = company;
    for (const [index, { dynamics: userId }] of people.entries()) {
      if (index % 2 === 1) tenant.dataverse.control.choose({ userId, presenceId: AWAY });
    }
    const all = (shown: (index: number) => readonly [teams: string, dynamics: string]) => () =>
      people.every((person, index) => {
        const { teams, dynamics } = witness.look(person);
        const [inTeams, inDynamics] = shown(index);
        return teams === inTeams && dynamics === inDynamics;
      });
    const before = all((index) =>
      index % 2 === 1 ? ["Away", "Away"] : ["Available", "Available"],
    );
    await eventually("half of them are away", before);

    await using pbx = await startPbx({ lines: LINES, stepMs: STEP_MS });
    const lines = people.map((_, index) => String(200 + index));
    const refusals: number[] = [];
    const bridge = new Bridge({
      lockstep: createLockstep({ url: service.url, secret: PARTNER_SECRET }),
      reps: new Map(lines.map((line, index) => [line, people[index]?.dynamics ?? ""])),
      ttlSeconds: 60,
      onRefused: (_what, status) => refusals.push(status),
    });
    const trouble: string[] = [];
    const watcher = new Watcher({
      pbx: { host: "127.0.0.1", port: pbx.port },
      local: { host: "127.0.0.1", port: 0 },
      lines,
      onChange: (line, change) => bridge.take(line, change),
      onTrouble: (line, why) => trouble.push(`${line}: ${why}`),
    });
    onTestFinished(async () => {
      watcher.stop();
      await bridge.stop();
    });
    await watcher.start();
    await eventually(
      "all of them talk",
      all(() => ["InACall", "Busy"]),
    );
    await pbx.hangUp();
    await eventually("all have hung up, and are what they were", before);
    expect(refusals).toEqual([]);
    expect(trouble).toEqual([]);
  },
);

const AWAY = "3dacae76-c07a-e811-8162-000d3aa11f50";

const info = (version: number, state: string, ...dialogs: readonly [string, string][]): string => {
  const inner = dialogs.map(
    ([id, said]) => `<d:dialog id="${id}"><d:state>${said}</d:state></d:dialog>`,
  );
  return `<?xml version="1.0"?><d:dialog-info xmlns:d="urn:ietf:params:xml:ns:dialog-info" version="${version}" state="${state}" entity="sip:a@b">${inner.join("")}</d:dialog-info>`;
};

test("[R203] what a line is doing follows from its notifications, in whatever order and how often they come", () => {
  const read = (text: string) => {
    const parsed = parseDialogInfo(text);
    if (!parsed) throw new Error("it is well formed");
    return parsed;
  };
  const ringing = taken(IDLE, read(info(0, "full", ["a", "early"])));
  expect(ringing.change).toEqual({ began: [], ended: [] });
  const talking = taken(
    ringing.line,
    read(info(2, "partial", ["a", "confirmed"], ["b", "trying"])),
  );
  expect(talking.change).toEqual({ began: ["a"], ended: [] });
  const again = taken(talking.line, read(info(2, "partial", ["a", "terminated"])));
  expect(again.change).toEqual({ began: [], ended: [] });
  const late = taken(talking.line, read(info(1, "full")));
  expect(late.line).toBe(talking.line);
  const other = taken(talking.line, read(info(3, "full", ["b", "confirmed"])));
  expect(other.change).toEqual({ began: ["b"], ended: ["a"] });
});

test.each([
  ["nothing", ""],
  ["no XML", "busy"],
  ["a document type", `<!DOCTYPE a [<!ENTITY b "c">]>${info(1, "full")}`],
  ["no version", "<dialog-info state='full'/>"],
  ["another state", info(1, "half")],
  ["too much", info(1, "full") + " ".repeat(70_000)],
])("[R203] %s is no notification", (_what, text) => {
  expect(parseDialogInfo(text)).toBeNull();
});

test("[R203] a message is read with short names, folded lines, and nothing that is none", () => {
  const message = parseSip(
    "NOTIFY sip:a@b SIP/2.0\r\nf: <sip:x>;\r\n tag=1\r\ni: 7\r\no: dialog\r\n\r\nbody",
  );
  expect(message).toMatchObject({
    request: { method: "NOTIFY", uri: "sip:a@b" },
    headers: [
      ["from", "<sip:x>; tag=1"],
      ["call-id", "7"],
      ["event", "dialog"],
    ],
    body: "body",
  });
  expect(parseSip("SIP/2.0 200 OK\r\n\r\n")).toMatchObject({ status: 200, request: null });
  for (const text of ["", "\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "SIP/2.0 2000 OK\r\n\r\n"]) {
    expect(parseSip(text)).toBeNull();
  }
});
