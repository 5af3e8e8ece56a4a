import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Connector, SystemError } from "../../src/connectors/connector.ts";
import { createTeamsConnector } from "../../src/connectors/teams/teams.ts";
import { makePeople } from "../../src/emulators/people.ts";
import type { Tenant } from "../../src/emulators/tenant.ts";
import type { RepIdentity } from "../../src/presence/identity.ts";
import { DEFAULT_TEAMS_MAPPING } from "../../src/presence/mapping.ts";
import { identitiesOf, openTenant, secretCredential } from "./bench.ts";
import { aWrite, patience } from "./contract.ts";

const REPS = 60;

describe("writes for many reps at once", () => {
  let tenant: Tenant;
  let connector: Connector;
  let reps: readonly RepIdentity[];
  const shown = ({ teamsUserId: userId }: RepIdentity): string => {
    const { availability, activity } = tenant.graph.control.state({ userId });
    return `${availability}/${activity}`;
  };
  const write = (
    status: Parameters<typeof aWrite>[1],
    change: Parameters<typeof aWrite>[2] = {},
  ): Promise<readonly PromiseSettledResult<void>[]> => {
    const asked = aWrite(connector, status, change);
    const signal = patience();
    return Promise.allSettled(reps.map((rep) => connector.write(rep, asked, signal)));
  };
  const calls = () => tenant.graph.control.requests().byOperation;

  beforeAll(async () => {
    tenant = await openTenant(makePeople(REPS));
    reps = identitiesOf(tenant);
  });
  beforeEach(() => {
    connector = createTeamsConnector({
      graphUrl: tenant.graph.url,
      clientId: tenant.clientId,
      credential: secretCredential(tenant),
      mapping: DEFAULT_TEAMS_MAPPING,
      nowMs: Date.now,
    });
    for (const { teamsUserId: userId } of reps) {
      tenant.graph.control.setClient({ userId, availability: "Available" });
    }
  });
  afterAll(() => tenant.close());

  test("[R370] share calls, and each counts there", async () => {
    const answers = await write("Busy");
    expect(answers.filter(({ status }) => status === "rejected")).toEqual([]);
    expect(new Set(reps.map(shown))).toEqual(new Set(["Busy/Busy"]));
    expect(calls().setUserPreferredPresence).toBe(reps.length);
    expect(calls().batch).toBeGreaterThanOrEqual((reps.length - 4) / 20);
    expect(calls().batch).toBeLessThan(reps.length / 4);
  });

  test("[R371] whose two requests have an order keep it, for everybody", async () => {
    await write("InACall", { to: "session" });
    const seen = new Set<string>();
    tenant.graph.onChange((_user, availability, activity) =>
      seen.add(`${availability}/${activity}`),
    );
    await write("DoNotDisturb", { from: "session" });
    expect([...seen]).toEqual(["DoNotDisturb/DoNotDisturb"]);
    await write("InACall", { from: "preferred", to: "session" });
    expect([...seen]).toEqual(["DoNotDisturb/DoNotDisturb", "Busy/InACall"]);
    for (const { teamsUserId: userId } of reps) {
      expect(tenant.graph.control.state({ userId }).preferred).toBeNull();
    }
    const before = calls().batch ?? 0;
    await write("Available", { from: "session", to: "none" });
    expect(new Set(reps.map(shown))).toEqual(new Set(["Available/Available"]));
    expect(calls().batch).toBeGreaterThan(before);
  });

  test("[R371] beyond the limit are throttled one by one, and the others are applied", async () => {
    tenant.graph.control.limit({ bucket: "presence", requests: 30, windowSeconds: 60 });
    tenant.graph.control.advance({ ms: 60_000 });
    const answers = await write("Away");
    const refused = answers.flatMap((one) =>
      one.status === "rejected" && one.reason instanceof SystemError ? [one.reason] : [],
    );
    expect(refused).toHaveLength(reps.length - 30);
    for (const error of refused) {
      expect(error).toMatchObject({ code: "graph-throttled", surelyNotApplied: true });
      expect(error.retryAfterMs).toBeGreaterThan(30_000);
    }
    const applied = reps.filter((_, place) => answers[place]?.status === "fulfilled");
    expect(reps.filter((rep) => shown(rep) === "Away/Away")).toEqual(applied);
  });
});
