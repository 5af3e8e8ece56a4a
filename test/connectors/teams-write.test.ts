import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Connector } from "../../src/connectors/connector.ts";
import { createTeamsConnector } from "../../src/connectors/teams/teams.ts";
import { makePeople } from "../../src/emulators/people.ts";
import type { Tenant } from "../../src/emulators/tenant.ts";
import type { RepIdentity } from "../../src/presence/identity.ts";
import { DEFAULT_TEAMS_MAPPING } from "../../src/presence/mapping.ts";
import type { Status } from "../../src/presence/status.ts";
import type { Cover } from "../../src/reconcile/rep.ts";
import { identitiesOf, openTenant, secretCredential } from "./bench.ts";
import { aWrite, failureOf, patience } from "./contract.ts";

const HOUR_MS = 3_600_000;

describe("writing to Teams", () => {
  let tenant: Tenant;
  let connector: Connector;
  let rep: RepIdentity;
  let userId: string;
  const seen: string[] = [];
  const state = () => tenant.graph.control.state({ userId });
  const shown = () => `${state().availability}/${state().activity}`;
  const appSession = () => state().sessions.find(({ kind }) => kind === "app");
  const write = (
    status: Status,
    from: Cover,
    to: Cover,
    change: Parameters<typeof aWrite>[2] = {},
  ): Promise<void> =>
    connector.write(rep, aWrite(connector, status, { from, to, ...change }), patience());

  /** Puts our cover there as an earlier write would have, and forgets how. */
  async function cover(kind: Cover): Promise<void> {
    if (kind === "session") await write("InACall", "none", "session");
    if (kind === "preferred") await write("Busy", "none", "preferred");
    seen.length = 0;
  }

  beforeAll(async () => {
    tenant = await openTenant(makePeople(40));
    connector = createTeamsConnector({
      graphUrl: tenant.graph.url,
      clientId: tenant.clientId,
      credential: secretCredential(tenant),
      mapping: DEFAULT_TEAMS_MAPPING,
      nowMs: Date.now,
    });
    tenant.graph.onChange((changed, availability, activity) => {
      if (changed === userId) seen.push(`${availability}/${activity}`);
    });
  });
  afterAll(() => tenant.close());

  test("[R28] a policy may keep Available alive: a session of ours, renewed, which never hides a call", async () => {
    const writes = { ...DEFAULT_TEAMS_MAPPING.writes, Available: "session Available" } as const;
    const keeping = createTeamsConnector({
      graphUrl: tenant.graph.url,
      clientId: tenant.clientId,
      credential: secretCredential(tenant),
      mapping: { ...DEFAULT_TEAMS_MAPPING, writes },
      nowMs: Date.now,
    });
    tenant.graph.control.setClient({ userId, availability: "Away" });
    const available = aWrite(keeping, "Available", { from: "none", to: "session" });
    await keeping.write(rep, available, patience());
    expect(shown()).toBe("Available/Available");
    tenant.graph.control.startCall({ userId });
    expect(shown()).toBe("Busy/InACall");
    tenant.graph.control.endCall({ userId });
    const withdraws = aWrite(keeping, "Busy", { from: "session", to: "preferred" });
    await keeping.write(rep, withdraws, patience());
    expect(appSession()).toBeUndefined();
  });

  let next = 0;
  beforeEach(() => {
    const found = identitiesOf(tenant)[next];
    if (!found) throw new Error("more tests than people");
    next += 1;
    rep = found;
    userId = rep.teamsUserId;
    tenant.graph.control.setClient({ userId, availability: "Available" });
    seen.length = 0;
  });

  test.each<[Status, string, number]>([
    ["Busy", "Busy/Busy", 8],
    ["InAMeeting", "Busy/Busy", 8],
    ["DoNotDisturb", "DoNotDisturb/DoNotDisturb", 8],
    ["Away", "Away/Away", 8],
    ["BeRightBack", "BeRightBack/BeRightBack", 8],
    ["Offline", "Offline/OffWork", 12],
  ])("%s is put on as a preferred presence %s, for %i hours", async (status, pair, hours) => {
    await write(status, "none", "preferred");
    expect(shown()).toBe(pair);
    expect(appSession()).toBeUndefined();
    const leftMs = (state().preferred?.expiresAtMs ?? 0) - Date.now();
    expect(leftMs / HOUR_MS).toBeCloseTo(hours, 1);
  });

  test("a call is put on as a session with a lease of an hour", async () => {
    await write("InACall", "none", "session");
    expect(shown()).toBe("Busy/InACall");
    expect(state().preferred).toBeNull();
    expect(((appSession()?.expiresAtMs ?? 0) - Date.now()) / HOUR_MS).toBeCloseTo(1, 1);
  });

  test("a renewal extends the lease", async () => {
    await cover("session");
    const before = appSession()?.expiresAtMs ?? 0;
    tenant.graph.control.advance({ ms: 1000 });
    await write("InACall", "session", "session", { renewal: true });
    expect(appSession()?.expiresAtMs).toBeGreaterThan(before);
    expect(seen).not.toContain("Available/Available");
  });

  test("from our session to our preferred presence, never Available in between", async () => {
    await cover("session");
    await write("DoNotDisturb", "session", "preferred");
    expect(shown()).toBe("DoNotDisturb/DoNotDisturb");
    expect(appSession()).toBeUndefined();
    expect(seen).toEqual(["DoNotDisturb/DoNotDisturb"]);
  });

  test("from our preferred presence to our session, never Available in between", async () => {
    await cover("preferred");
    await write("InACall", "preferred", "session");
    expect(shown()).toBe("Busy/InACall");
    expect(state().preferred).toBeNull();
    expect(seen).toEqual(["Busy/InACall"]);
  });

  test("from one preferred presence to another in one step", async () => {
    await cover("preferred");
    await write("Away", "preferred", "preferred");
    expect(seen).toEqual(["Away/Away"]);
  });

  test("[R75] withdrawing our session leaves her own manual status", async () => {
    await cover("session");
    tenant.graph.control.setManual({ userId, availability: "DoNotDisturb" });
    await write("DoNotDisturb", "session", "none");
    expect(shown()).toBe("DoNotDisturb/DoNotDisturb");
    expect(appSession()).toBeUndefined();
    expect(state().preferred?.setBy).toBe("human");
  });

  test("[R75] withdrawing our preferred presence leaves her call", async () => {
    tenant.graph.control.startCall({ userId });
    await cover("preferred");
    await write("Available", "preferred", "none");
    expect(shown()).toBe("Busy/InACall");
    expect(state().preferred).toBeNull();
  });

  test("[R75] withdrawing nothing asks nothing of Graph", async () => {
    tenant.graph.control.setManual({ userId, availability: "Away" });
    const before = tenant.graph.control.requests().total;
    await write("Available", "none", "none");
    expect(tenant.graph.control.requests().total).toBe(before);
    expect(shown()).toBe("Away/Away");
  });

  test("a later choice elsewhere lifts her older manual status", async () => {
    tenant.graph.control.setManual({ userId, availability: "Busy" });
    await write("Available", "none", "none", { lifts: true });
    expect(shown()).toBe("Available/Available");
  });

  test("[R356] a session that may lie there goes with what is lifted; where there was none, nothing is asked for it", async () => {
    tenant.graph.control.setManual({ userId, availability: "Busy" });
    const before = tenant.graph.control.requests().total;
    await write("Available", "none", "none", { lifts: true });
    expect(tenant.graph.control.requests().total).toBe(before + 1);
    await cover("session");
    tenant.graph.control.setManual({ userId, availability: "Busy" });
    await write("Available", "none", "none", { lifts: true, session: true });
    expect(appSession()).toBeUndefined();
    expect(shown()).toBe("Available/Available");
  });

  test("a call after a later choice elsewhere lifts her older manual status from over it", async () => {
    tenant.graph.control.setManual({ userId, availability: "Away" });
    seen.length = 0;
    await write("InACall", "none", "session", { lifts: true });
    expect(shown()).toBe("Busy/InACall");
    expect(seen).toEqual(["Busy/InACall"]);
  });

  test("withdrawing a session that has expired is no failure", async () => {
    await write("Available", "session", "none");
    expect(shown()).toBe("Available/Available");
    await write("Away", "session", "preferred");
    expect(shown()).toBe("Away/Away");
  });

  test.each<[number, string]>([
    [429, "graph-throttled"],
    [503, "graph-unavailable"],
    [403, "graph-forbidden"],
    [400, "graph-rejected"],
  ])(
    "[R74] when the second half fails with %i, nobody knows what was applied",
    async (status, code) => {
      await cover("preferred");
      const operation = "clearUserPreferredPresence";
      tenant.graph.control.failNext({ operation, status, retryAfter: 4 });
      const error = await failureOf(write("InACall", "preferred", "session"));
      expect(error).toMatchObject({ code, retry: "unavailable", surelyNotApplied: false });
      expect(shown()).toBe("Busy/Busy");
    },
  );

  test("[R74] when the first half is refused, nothing was applied", async () => {
    await cover("preferred");
    tenant.graph.control.failNext({ operation: "setPresence", status: 429, retryAfter: 4 });
    const error = await failureOf(write("InACall", "preferred", "session"));
    expect(error).toMatchObject({
      code: "graph-throttled",
      surelyNotApplied: true,
      retryAfterMs: 4000,
    });
    expect(seen).toEqual([]);
  });
});
