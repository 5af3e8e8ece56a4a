import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { OUT_OF_THE_BOX } from "../../src/connectors/dynamics/presences.ts";
import type { Engine, HistoryEntry } from "../../src/engine/engine.ts";
import { openStore } from "../../src/store.ts";
import { document } from "../engine/sample.ts";
import { type Environment, run } from "./terminal.ts";

const HOUR_MS = 3_600_000;
const END_MS = Date.parse("2026-03-04T18:00:00Z");
const CALL_MS = END_MS - 3 * HOUR_MS;

let folder: string;
let env: Environment;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lockstep-policy-"));
  env = {
    TENANT_ID: "11111111-1111-4111-8111-111111111111",
    CLIENT_ID: "22222222-2222-4222-8222-222222222222",
    CLIENT_SECRET: "of-no-value",
    DATAVERSE_URL: "https://contoso.crm.dynamics.com",
    DATABASE_URL: `sqlite:${join(folder, "lockstep.db")}`,
  };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function file(json: unknown, name = "policy.json"): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, JSON.stringify(json));
  return path;
}

const policy = (...argv: readonly string[]) =>
  run(env, ["policy", ...argv], { nowMs: () => END_MS });
const store = (readOnly = false): Promise<Engine> =>
  openStore({ kind: "sqlite", path: join(folder, "lockstep.db") }, { readOnly });

/** What the service records of somebody who is Available, and has a call of an hour on the desk phone. */
function recorded(name: string): readonly HistoryEntry[] {
  const rep = document(name).identity.rep;
  const reading = (atMs: number, system: string, native: string): HistoryEntry => ({
    rep,
    atMs,
    kind: "reading",
    says: `${system} shows Available, read for the first time`,
    cause: null,
    detail: { system, classification: "first sight", status: "Available", native },
  });
  const told = (atMs: number, type: string, more: HistoryEntry["detail"]): HistoryEntry => ({
    rep,
    atMs,
    kind: "event",
    says: `desk-phone sent ${type}`,
    cause: null,
    detail: { source: "desk-phone", event: `${atMs}`, type, ...more },
  });
  const decided = (atMs: number, kind: "hold" | "hold ended", status: string): HistoryEntry => ({
    rep,
    atMs,
    kind: "intent",
    says: "",
    cause: { kind, source: "desk-phone", status: "InACall", atMs },
    detail: { intent: 1, status },
  });
  const endMs = CALL_MS + HOUR_MS;
  return [
    reading(CALL_MS - HOUR_MS, "teams", "Available/Available"),
    reading(CALL_MS - HOUR_MS, "dynamics", OUT_OF_THE_BOX.Available),
    told(CALL_MS, "hold.started", { hold: "c", status: "InACall", untilMs: END_MS }),
    decided(CALL_MS, "hold", "InACall"),
    told(endMs, "hold.ended", { hold: "c" }),
    decided(endMs, "hold ended", "Available"),
  ];
}

async function record(...names: readonly string[]): Promise<void> {
  const engine = await store();
  for (const name of names) {
    await engine.commit({ document: document(name), history: recorded(name), settles: [] });
  }
  await engine.close();
}

const DND_IN_CALLS = { dynamics: { writes: { InACall: "Busy - DND" } } };

describe("policy replay", () => {
  test("[R378, R379] says what the file would have made different, for each rep, why, and what that rests on", async () => {
    await record("ana", "ben");
    const { exit, printed } = await policy("replay", await file(DND_IN_CALLS));
    expect(exit).toBe(1);
    expect(printed).toContain("dynamics.writes.InACall: Busy - DND instead of Busy");
    expect(printed).toContain("2 reps");
    expect(printed).toMatch(/writes to Dynamics +4 +4/);
    expect(printed).toMatch(/Dynamics shows something else +720[0-9]/);
    expect(printed).toMatch(/Teams shows something else +0/);
    expect(printed).toContain("ana: Dynamics shows Busy - DND instead of Busy");
    expect(printed).toContain("the file: Dynamics ← Do not disturb, because desk-phone reports");
    expect(printed).toContain("comes to 4 of the 4 recorded decisions");
  });

  test("[R378, R379] takes one rep by either id, as JSON, and changes nothing in the store", async () => {
    await record("ana", "ben");
    const path = await file(DND_IN_CALLS);
    const { printed } = await policy("replay", path, "--rep", "BEN@teams", "--json");
    const { reps, together } = JSON.parse(printed) as {
      readonly reps: readonly { readonly rep: string }[];
      readonly together: { readonly otherwiseSeconds: Readonly<Record<string, number>> };
    };
    expect(reps.map(({ rep }) => rep)).toEqual(["ben"]);
    // Dynamics is released when Teams has been withdrawn from and read again.
    expect(together.otherwiseSeconds).toEqual({ teams: 0, dynamics: 3_601 });
    const engine = await store(true);
    expect((await engine.history({ limit: 100 })).length).toBe(12);
    await engine.close();
  });

  test("[R378] somebody who has left since is in it, and is known by her Dynamics id", async () => {
    await record("ana", "ben");
    const service = await store();
    await service.remove(document("ben").identity.rep);
    await service.close();
    const path = await file(DND_IN_CALLS);
    expect((await policy("replay", path)).printed).toContain("2 reps");
    const { printed } = await policy("replay", path, "--rep", "BEN");
    expect(printed).toContain("1 reps");
    expect(printed).toContain("ben: Dynamics shows Busy - DND instead of Busy");
    // What was recorded of her is older than what is asked for.
    expect((await policy("replay", path, "--hours", "1")).printed).toContain("1 reps");
  });

  test("[R379] runs beside the service, which has the store open", async () => {
    await record("ana");
    const service = await store();
    expect((await policy("replay", await file(DND_IN_CALLS))).exit).toBe(1);
    await service.close();
  });

  test("[R378] the same policy differs in nothing, and the hours before are not counted", async () => {
    await record("ana");
    const same = await policy("replay", await file({}));
    expect([same.exit, same.printed.includes("0 of them differ")]).toEqual([0, true]);
    const path = await file(DND_IN_CALLS);
    expect((await policy("replay", path, "--hours", "1")).exit).toBe(0);
  });

  test("[R379] refuses what it cannot use, with a code", async () => {
    await record("ana");
    const broken = await file({ dynamics: { writes: { Busy: "Available" } } }, "broken.json");
    const path = await file(DND_IN_CALLS);
    expect((await policy("replay", broken)).said).toMatch(
      /^policy-refused: .*L3: Busy would look/s,
    );
    const unknown = await file({ calls: {} }, "unknown.json");
    expect((await policy("show", unknown)).said).toMatch(/^policy-refused: .*- Unrecognized key/s);
    expect((await policy("replay", join(folder, "none"))).said).toMatch(/^cli-policy-unreadable/);
    expect((await policy("replay", path, "--rep", "zoe")).said).toMatch(/^cli-policy-rep-unknown/);
    for (const argv of [["replay"], ["forget"], ["replay", path, "--hours", "0"]]) {
      expect((await policy(...argv)).exit).toBe(64);
    }
  });
});

describe("policy show", () => {
  test("[R380] prints each cell of the policy in force, and what it changes of the default", async () => {
    const own = await policy("show");
    expect(own.exit).toBe(0);
    expect(own.printed).toMatch(/teams\.writes\.InACall +session InACall/);
    expect(own.printed).toContain("It is the same as the default.");
    env = { ...env, POLICY_FILE: await file(DND_IN_CALLS) };
    const changed = (await policy("show")).printed;
    expect(changed).toMatch(/dynamics\.writes\.InACall +Busy - DND +the default: Busy/);
  });

  test("[R380] prints another file beside the policy in force, or why it would be refused", async () => {
    env = { ...env, POLICY_FILE: await file(DND_IN_CALLS, "in-force.json") };
    const { printed } = await policy("show", await file({}));
    expect(printed).toContain("dynamics.writes.InACall: Busy instead of Busy - DND");
    const broken = await file({ dynamics: { writes: { Busy: "Available" } } });
    expect((await policy("show", broken)).said).toContain("L3: Busy would look Available");
  });
});
