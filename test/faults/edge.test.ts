import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Company, openCompany } from "../scenarios/company.ts";
import { sceneOf } from "../scenarios/scene.ts";
import { eventually, WEBHOOK_KEY } from "../service/launch.ts";
import { sendPatiently } from "../service/partner.ts";
import { portOf, repOf } from "./cabled-company.ts";
import { sendHint } from "./hint.ts";

const SLOW = 500;
let company: Company;
beforeAll(async () => {
  company = await openCompany({ reps: 20, webhook: "sync" });
});
afterAll(() => company[Symbol.asyncDispose]());

/** Somebody who opens a connection, says this, and then takes his time. */
function dawdle(says: string) {
  const socket: Socket = connect(portOf(company.service.url), "127.0.0.1");
  const state = { socket, closed: false, heard: "" };
  socket.on("error", () => undefined);
  socket.on("data", (chunk: Buffer) => {
    state.heard += chunk.toString("latin1");
  });
  socket.once("close", () => {
    state.closed = true;
  });
  socket.write(says);
  return state;
}

const head = (path: string, extra = ""): string =>
  `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${extra}`;
const KEY = `x-lockstep-key: ${WEBHOOK_KEY}\r\n`;

test("[R82] [P12] F25 500 sockets that say nothing, little, or a body without end: good traffic goes on, and each of them is cut", async () => {
  const { service, tenant } = company;
  const kinds = [
    "",
    "POST /webhooks/data",
    head("/webhooks/dataverse", KEY),
    `${head("/webhooks/dataverse", `${KEY}content-length: 5000\r\n`)}\r\n{"a":`,
    `${head("/webhooks/dataverse", `${KEY}transfer-encoding: chunked\r\n`)}\r\n5\r\n{"a":\r\n`,
  ];
  const dawdlers = Array.from({ length: SLOW }, (_, index) =>
    dawdle(kinds[index % kinds.length] ?? ""),
  );
  const trickle = setInterval(() => {
    for (const { socket, closed } of dawdlers) if (!closed) socket.write(" ");
  }, 1_000);
  try {
    await eventually("all of them are connected", () =>
      dawdlers.every(({ socket, closed }) => closed || !socket.connecting),
    );
    const isDone = (): boolean => dawdlers.every(({ closed }) => closed);
    let rounds = 0;
    for (; rounds < 10 || !isDone(); rounds += 1) {
      const person = repOf(company, rounds % company.people.length);
      const hold = { rep: person.dynamics, hold: `call-${rounds}` };
      expect(await sendHint(service, person)).toBe(200);
      const started = await sendPatiently(service, {
        ...hold,
        type: "hold.started",
        status: "InACall",
      });
      expect(started.status).toBe(202);
      if (rounds < 10) await sceneOf(company, person).shows("InACall", "Busy");
      expect((await sendPatiently(service, { ...hold, type: "hold.ended" })).status).toBe(202);
      expect((await fetch(`${service.url}/livez`)).status).toBe(200);
    }
  } finally {
    clearInterval(trickle);
    for (const { socket } of dawdlers) socket.destroy();
  }
  const answered = dawdlers.filter(({ heard }) => heard !== "");
  expect(answered.every(({ heard }) => /^HTTP\/1\.1 4\d\d /.test(heard))).toBe(true);
  expect(tenant.dataverse.control.rollbacks()).toEqual([]);
  await eventually("everybody is free again", () =>
    company.people.every((person) => company.witness.look(person).dynamics === "Available"),
  );
});

describe("[P8] F26 a caller resets the connection in the middle of a body:", () => {
  test("nothing of it is taken, and the next one is served", async () => {
    const { service } = company;
    const person = repOf(company, 0);
    for (let round = 0; round < 40; round += 1) {
      const path = round % 2 ? "/webhooks/dataverse" : "/api/v1/events";
      const extra = `${KEY}webhook-id: reset-${round}\r\nwebhook-timestamp: ${Math.floor(Date.now() / 1000)}\r\nwebhook-signature: v1,AAAA\r\ncontent-length: 4000\r\n`;
      const caller = dawdle(`${head(path, extra)}\r\n{"type":"hold.started"`);
      await eventually("it is connected", () => !caller.socket.connecting);
      caller.socket.resetAndDestroy();
    }
    expect(await sendHint(service, person)).toBe(200);
    const event = { type: "hold.ended", rep: person.dynamics, hold: "none" } as const;
    const good = "after-the-resets";
    expect((await sendPatiently(service, event, { id: good })).status).toBe(202);
    // By name: an event of the test before may still be on its way into the history.
    const recorded = async (): Promise<readonly unknown[]> =>
      (await service.history())
        .map(({ detail }) => detail["event"])
        .filter((id) => id === good || String(id).startsWith("reset-"));
    await eventually("the good one is recorded", async () => (await recorded()).includes(good));
    expect(await recorded()).toEqual([good]);
    expect(service.errors).toBe("");
    const faults = service.lines.filter(({ level }) => Number(level) >= 50);
    expect(faults).toEqual([]);
  });
});
