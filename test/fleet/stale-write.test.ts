import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import type { Connector } from "../../src/connectors/connector.ts";
import type { Credential } from "../../src/connectors/credential.ts";
import { createDynamicsConnector } from "../../src/connectors/dynamics/dynamics.ts";
import { createTeamsConnector } from "../../src/connectors/teams/teams.ts";
import { makePeople } from "../../src/emulators/people.ts";
import type { Tenant } from "../../src/emulators/tenant.ts";
import { openSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import { bounded } from "../../src/fleet-root.ts";
import type { Tenure } from "../../src/fleet/shard.ts";
import { Shards, TTL_MS } from "../../src/fleet/shards.ts";
import type { RepIdentity } from "../../src/presence/identity.ts";
import { DEFAULT_DYNAMICS_MAPPING, DEFAULT_TEAMS_MAPPING } from "../../src/presence/mapping.ts";
import { identitiesOf, openTenant, secretCredential } from "../connectors/bench.ts";
import { aWrite, patience } from "../connectors/contract.ts";
import { VirtualClock } from "../controller/clock.ts";

let tenant: Tenant;
beforeAll(async () => {
  tenant = await openTenant(makePeople(20));
});
afterAll(() => tenant.close());

/** Time that passes while no timer fires and nothing is renewed: the process is stopped. */
let hungMs = 0;
const hang = (): void => void (hungMs += 60_000);
let onToken = (): void => undefined;
let tenure: Tenure;
let teams: Connector;
let dynamics: Connector;
let rep: RepIdentity;
let reps = 0;

beforeEach(async () => {
  hungMs = 0;
  onToken = () => undefined;
  const engine = await openSqliteEngine({ path: ":memory:" });
  const clock = new VirtualClock();
  const tenures: Tenure[] = [];
  const shards = new Shards({
    engine,
    clock,
    elapsedMs: () => clock.nowMs() + hungMs,
    instance: "one",
    count: 1,
    ttlMs: TTL_MS,
    onGained: async (gained) => void tenures.push(gained),
    onLost: async () => undefined,
    onFault: () => undefined,
  });
  await shards.start();
  const inner = secretCredential(tenant);
  const credential: Credential = {
    token: async (request) => {
      const token = await inner.token(request);
      onToken();
      return token;
    },
    replacement: (request, refused) => inner.replacement(request, refused),
  };
  const common = { credential, nowMs: Date.now };
  const [gained] = tenures;
  const someone = identitiesOf(tenant)[reps];
  if (!gained || !someone) throw new Error("nobody is there");
  [tenure, rep] = [gained, someone];
  reps += 1;
  tenant.graph.control.setClient({ userId: rep.teamsUserId, availability: "Available" });
  teams = createTeamsConnector({
    ...common,
    graphUrl: tenant.graph.url,
    clientId: tenant.clientId,
    mapping: DEFAULT_TEAMS_MAPPING,
  });
  const unbounded = createDynamicsConnector({
    ...common,
    dataverseUrl: tenant.dataverse.url,
    mapping: DEFAULT_DYNAMICS_MAPPING,
  });
  dynamics = unbounded;
  onTestFinished(async () => {
    await shards.stop();
    await unbounded.close();
    await engine.close();
  });
});

const inTeams = () => tenant.graph.control.state({ userId: rep.teamsUserId });
const sessions = (): number => inTeams().sessions.filter(({ kind }) => kind === "app").length;
const writesToDynamics = (): number => tenant.dataverse.control.writes().length;
const fenced = (surelyNotApplied: boolean) => ({
  name: "SystemError",
  code: "write-fenced",
  retry: "unavailable",
  surelyNotApplied,
});

test("[R259] an instance that hangs after it began a write, and before that left, does not send it", async () => {
  const busy = aWrite(teams, "InACall", { from: "none", to: "session" });
  const shown = aWrite(dynamics, "Busy");
  await bounded(teams, tenure).write(rep, busy, patience());
  await bounded(dynamics, tenure).write(rep, shown, patience());
  expect([sessions(), writesToDynamics()]).toEqual([1, 1]);
  const off = aWrite(teams, "Available", { from: "session", to: "none" });
  onToken = hang;
  await expect(bounded(teams, tenure).write(rep, off, patience())).rejects.toMatchObject(
    fenced(true),
  );
  hungMs = 0;
  await expect(bounded(dynamics, tenure).write(rep, shown, patience())).rejects.toMatchObject(
    fenced(true),
  );
  expect([sessions(), writesToDynamics()]).toEqual([1, 1]);
});

test("[R259] what an instance had sent when it hung is not followed by the rest, and nobody takes it for undone", async () => {
  const call = aWrite(teams, "InACall", { from: "none", to: "session" });
  await bounded(teams, tenure).write(rep, call, patience());
  tenant.graph.onChange((changed, availability) => {
    if (changed === rep.teamsUserId && availability === "DoNotDisturb") hang();
  });
  const covered = aWrite(teams, "DoNotDisturb", { from: "session", to: "preferred" });
  const writing = bounded(teams, tenure).write(rep, covered, patience());
  await expect(writing).rejects.toMatchObject(fenced(false));
  // It was to take the session away afterwards. Whoever has the rep now reads first, and does what is left.
  expect(inTeams()).toMatchObject({ availability: "DoNotDisturb" });
  expect(sessions()).toBe(1);
});

test("[R45] [R259] a write under a right counts as many calls as it takes", () => {
  const both = aWrite(teams, "Busy", { from: "session", to: "preferred" });
  expect(bounded(teams, tenure).callsFor?.(both)).toBe(2);
  expect(bounded(teams, tenure).callsFor?.(both)).toBe(teams.callsFor?.(both));
});
