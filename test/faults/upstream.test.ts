import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dice } from "../scenarios/day.ts";
import { sceneOf } from "../scenarios/scene.ts";
import { eventually } from "../service/launch.ts";
import { type CabledCompany, openCabledCompany, order, portOf, repOf } from "./cabled-company.ts";
import { sendHint } from "./hint.ts";
import { type Impostor, type Reply, startImpostor, type Tamper } from "./impostor.ts";
import type { Proxy, Toxic } from "./proxy.ts";

/**
 * Every way in which a system can fail its caller, one after another, with the Dataverse webhook registered
 * synchronously: what is not answered 2xx undoes what a rep has chosen.
 */
type Fault = {
  readonly name: string;
  readonly strike: (company: CabledCompany) => Promise<void> | void;
  readonly end: (company: CabledCompany) => Promise<void> | void;
  /** Whether the service has felt it by now. */
  readonly felt: (company: CabledCompany, since: Since) => boolean;
};
type System = "graph" | "dataverse";
type Cable = System | "entra";
/** Where the log and the cables stood when the fault struck. */
type Since = {
  readonly line: number;
  readonly through: Readonly<Record<Cable, number>>;
  readonly swallowed: Readonly<Record<Cable, number>>;
};

let company: CabledCompany;
const impostors = new Map<System, Impostor>();
/** How many webhooks were sent while something was wrong. */
let hints = 0;

const impostorOf = (system: System): Impostor => {
  const impostor = impostors.get(system);
  if (!impostor) throw new Error("the impostors are started first");
  return impostor;
};

const saidBy =
  (code: RegExp, times = 1): Fault["felt"] =>
  ({ service }, { line }) =>
    service.lines.slice(line).filter((said) => code.test(String(said["code"]))).length >= times;

/** The cable to a system is bad, on the way back unless told otherwise. */
const cable = (
  name: string,
  system: Cable,
  toxics: readonly Toxic[],
  felt: Fault["felt"],
  way: "upstream" | "downstream" = "downstream",
): Fault => ({
  name,
  strike: ({ cables }) => cables[system].poison(toxics, way),
  end: ({ cables }) => cables[system].heal(),
  felt,
});

/** Somebody between answers for a system. */
const tampered = (name: string, system: System, how: Tamper, felt: Fault["felt"]): Fault => ({
  name,
  strike: ({ cables }) => {
    impostorOf(system).tamper(how);
    cables[system].aim(impostorOf(system).port);
  },
  end: ({ cables, tenant }) => cables[system].aim(portOf(tenant[system].url)),
  felt,
});

const json = (body: string | Buffer): Pick<Reply, "status" | "headers" | "body"> => ({
  status: 200,
  headers: { "content-type": "application/json" },
  body: Buffer.from(body),
});
const html = "<!doctype html><title>Sign in to the guest network</title>";

/** A black hole has swallowed something of it. */
const swallowed =
  (system: Cable): Fault["felt"] =>
  ({ cables }, since) =>
    cables[system].swallowed > since.swallowed[system];

/** It has worked for a while as it is. */
const carried =
  (system: Cable, bytes: number): Fault["felt"] =>
  ({ cables }, since) =>
    cables[system].through.downstream > since.through[system] + bytes;

const dieOf = dice(10);

const codeOf = { graph: /^graph-/, dataverse: /^dataverse-/ } as const;
/** Without one that can be read, the service picks a pause itself, which takes long enough once for each system. */
const THROTTLED: readonly (readonly [System, form: string, header: () => string | undefined])[] = [
  ["graph", "in seconds", () => "2"],
  ["graph", "left out", () => undefined],
  ["dataverse", "as a date", () => new Date(Date.now() + 2_000).toUTCString()],
  ["dataverse", "that is absurd", () => "-7 moons"],
];
const throttled = (system: System): readonly Fault[] =>
  THROTTLED.filter(([of]) => of === system).map(([, form, header]) =>
    tampered(
      `F9 ${system} answers 429 with a Retry-After ${form}`,
      system,
      ({ body }) => {
        const retryAfter = header();
        const headers = retryAfter === undefined ? {} : { "retry-after": retryAfter };
        return { status: 429, headers, body };
      },
      saidBy(new RegExp(`^${system}-throttled`)),
    ),
  );

const ofEither = (system: System): readonly Fault[] => [
  ...throttled(system),
  tampered(
    `F10 every other answer of ${system} is a 5xx`,
    system,
    (reply) => (dieOf() < 0.5 ? reply : { ...reply, status: 500 + Math.floor(dieOf() * 5) }),
    saidBy(codeOf[system], 5),
  ),
  tampered(
    `F11 ${system} answers 401 once to each of its tokens`,
    system,
    (
      (refused): Tamper =>
      (reply) => {
        refused += 1;
        return refused > 3 ? reply : { ...reply, status: 401 };
      }
    )(0),
    () => impostorOf(system).tampered > 0,
  ),
  tampered(
    `F27 ${system} answers garbage`,
    system,
    () => json(Buffer.from([0xff, 0xfe, 0, 0x7b, 0x22])),
    saidBy(/-malformed$/),
  ),
  tampered(
    `F27 ${system} answers with the page of a guest network`,
    system,
    () => ({ ...json(html), headers: { "content-type": "text/html" } }),
    saidBy(/-malformed$/),
  ),
  tampered(
    `F27 ${system} answers JSON of another kind`,
    system,
    () => json(`{"value":{"value":[1]},"@odata.nextLink":7}`),
    saidBy(/-malformed$/),
  ),
  tampered(
    `F27 half of the answer of ${system} is missing`,
    system,
    (reply) => ({ ...reply, cutAfterBytes: Math.floor(reply.body.length / 2) }),
    saidBy(codeOf[system]),
  ),
  tampered(
    `F27 ${system} answers 40 MB`,
    system,
    () => json(Buffer.alloc(40_000_000, " ")),
    saidBy(/-oversized$/),
  ),
  cable(
    `F26 ${system} resets the connection in the middle of each answer`,
    system,
    [
      { type: "limit_data", bytes: 300 },
      { type: "reset_peer", timeoutMs: Number.POSITIVE_INFINITY },
    ],
    saidBy(codeOf[system]),
  ),
  cable(`${system} cannot be reached`, system, [{ type: "down" }], saidBy(/-unreachable$/)),
  cable(
    `F5 nothing that is sent to ${system} arrives`,
    system,
    [{ type: "timeout", timeoutMs: 0 }],
    swallowed(system),
    "upstream",
  ),
  cable(
    `F6 nothing that ${system} answers arrives`,
    system,
    [{ type: "timeout", timeoutMs: 0 }],
    swallowed(system),
  ),
  cable(
    `${system} is far away, and the line is bad`,
    system,
    [
      { type: "latency", latencyMs: 300, jitterMs: 300 },
      { type: "slicer", averageBytes: 300, variationBytes: 250, delayMs: 1 },
      { type: "bandwidth", bytesPerSecond: 100_000 },
      { type: "slow_close", delayMs: 1_000 },
    ],
    carried(system, 5_000),
  ),
];

const FAULTS: readonly Fault[] = [
  ...ofEither("graph"),
  ...ofEither("dataverse"),
  {
    name: "F12 no token can be had, and none that was had is good any more",
    strike: async ({ tenant: { entra } }) => {
      entra.control.setDown({ down: true });
      await entra.control.rotateSigningKey({ retireOld: true });
    },
    end: ({ tenant: { entra } }) => entra.control.setDown({ down: false }),
    felt: saidBy(/^entra-unavailable/),
  },
  {
    name: "F12 whoever gives the tokens does not answer, and none that was had is good any more",
    strike: async ({ cables, tenant: { entra } }) => {
      await cables.entra.poison([{ type: "timeout", timeoutMs: 0 }]);
      await entra.control.rotateSigningKey({ retireOld: true });
    },
    end: ({ cables }) => cables.entra.heal(),
    felt: swallowed("entra"),
  },
];

beforeAll(async () => {
  const env = { TEAMS_POLL_SECONDS: "1", DYNAMICS_POLL_SECONDS: "1" };
  company = await openCabledCompany({ reps: 2 * FAULTS.length, webhook: "sync", env });
  for (const system of ["graph", "dataverse"] as const) {
    impostors.set(system, await startImpostor(company.tenant[system].url));
  }
});
afterAll(async () => {
  await company[Symbol.asyncDispose]();
  for (const impostor of impostors.values()) await impostor.close();
});

async function webhookNow(index: number): Promise<number> {
  hints += 1;
  return sendHint(company.service, repOf(company, index));
}

function nowIn({ service, cables }: CabledCompany): Since {
  const { entra, graph, dataverse } = cables;
  const of = (count: (cable: Proxy) => number) => ({
    entra: count(entra),
    graph: count(graph),
    dataverse: count(dataverse),
  });
  return {
    line: service.lines.length,
    through: of(({ through }) => through.downstream),
    swallowed: of((cable) => cable.swallowed),
  };
}

describe("[P1] [P10] [P12] the webhook is answered, a partner is heard, and all is caught up with when", () => {
  test.each(FAULTS.map((fault, index) => [fault.name, fault, index] as const))(
    "%s",
    async (_name, fault, index) => {
      const [choosing, phoning] = [repOf(company, 2 * index), repOf(company, 2 * index + 1)];
      const [chooser, phone] = [sceneOf(company, choosing), sceneOf(company, phoning)];
      const since = nowIn(company);
      await fault.strike(company);
      chooser.inDynamics("Away");
      await phone.reported({ type: "hold.started", hold: "call", status: "InACall" });
      await eventually("the fault is felt", async () => {
        expect(await webhookNow(2 * index)).toBe(200);
        return fault.felt(company, since);
      });
      await fault.end(company);
      await chooser.shows("Away", "Away");
      await phone.shows("InACall", "Busy");
    },
  );
});

const SILENT: readonly Cable[] = ["entra", "graph", "dataverse"];

test("[P12] no answer waits for a system: nothing comes back from any of them, nobody gives a call up, and every webhook is answered", async () => {
  const { cables } = company;
  const [chooser, phone] = [
    sceneOf(company, repOf(company, 0)),
    sceneOf(company, repOf(company, 1)),
  ];
  await order(company, "patience endless");
  const since = nowIn(company);
  for (const system of SILENT) await cables[system].poison([{ type: "timeout", timeoutMs: 0 }]);
  chooser.inDynamics("Available");
  await phone.reported({ type: "hold.ended", hold: "call" });
  await eventually("both systems were asked, and are silent", () =>
    (["graph", "dataverse"] as const).every((system) => swallowed(system)(company, since)),
  );
  // With a call that is never answered and never given up, whatever waits for it is never answered either.
  for (const [index] of company.people.entries()) expect(await webhookNow(index)).toBe(200);
  for (const system of SILENT) await cables[system].heal();
  await order(company, "patience usual");
  await chooser.shows("Available", "Available");
  await phone.shows("Available", "Available");
});

test("[P12] throughout, no webhook was answered anything but 2xx, and nobody's choice was rolled back", () => {
  const { dataverse } = company.tenant;
  const statuses = dataverse.control.webhooks().map(({ status }) => status);
  expect(statuses.length).toBeGreaterThan(FAULTS.length);
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
  expect(dataverse.control.rollbacks()).toEqual([]);
  expect(hints).toBeGreaterThanOrEqual(FAULTS.length);
});
