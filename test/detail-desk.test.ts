import { describe, expect, test } from "vitest";
import type { RepDetail } from "../src/connectors/dynamics/rep-detail.ts";
import { createDynamicsConnector } from "../src/connectors/dynamics/dynamics.ts";
import { createDetailDesk } from "../src/detail-desk.ts";
import { DEFAULT_DYNAMICS_MAPPING } from "../src/presence/mapping.ts";
import { openTenant, secretCredential } from "./connectors/bench.ts";
import { VirtualClock } from "./controller/clock.ts";
import { person } from "./controller/crew.ts";

const ANA = person("ana");

async function openDesk() {
  const tenant = await openTenant();
  const [user] = tenant.people.users;
  const identity = { ...ANA, systemUserId: person(user?.systemUserId ?? "").systemUserId };
  const dynamics = createDynamicsConnector({
    dataverseUrl: tenant.dataverse.url,
    credential: secretCredential(tenant),
    mapping: DEFAULT_DYNAMICS_MAPPING,
    nowMs: Date.now,
  });
  const clock = new VirtualClock();
  const asked = { count: 0 };
  const desk = createDetailDesk({
    ask: (key, signal) => {
      asked.count += 1;
      return dynamics.repDetail(key, signal);
    },
    nowMs: () => clock.nowMs(),
    after: (delayMs, fire) => clock.after(delayMs, fire),
    signal: AbortSignal.timeout(30_000),
  });
  return {
    tenant,
    clock,
    asked,
    look: () => desk(identity),
    roles: (...roles: string[]) =>
      tenant.dataverse.control.setRoles({ appId: tenant.clientId, roles }),
    async [Symbol.asyncDispose]() {
      await dynamics.close();
      await tenant.close();
    },
  };
}

describe("[R173] [R313] what the contact centre says of one rep, for her card", () => {
  test("is asked in her name, once in half a minute, however many look", async () => {
    await using bench = await openDesk();
    bench.roles("Omnichannel Supervisor", "Delegate");
    const [first, second] = await Promise.all([bench.look(), bench.look()]);
    expect(first).toMatchObject({ presence: "Available", browserSessions: 1 });
    expect(first?.signedInAtMs).toBeGreaterThan(Date.now() - 600_000);
    expect(second).toEqual(first);
    expect(bench.asked.count).toBe(1);
    await bench.clock.advance(30_000);
    expect((await bench.look())?.asOfMs).toBe(bench.clock.nowMs());
    expect(bench.asked.count).toBe(2);
  });

  test("is left out where nobody made us Delegate, and not asked for again for ten minutes", async () => {
    await using bench = await openDesk();
    bench.roles("Omnichannel Supervisor");
    expect(await bench.look()).toBeNull();
    const { count } = bench.asked;
    await bench.clock.advance(9 * 60_000);
    expect(await bench.look()).toBeNull();
    expect(bench.asked.count).toBe(count);
    bench.roles("Omnichannel Supervisor", "Delegate");
    await bench.clock.advance(60_000);
    expect(await bench.look()).toMatchObject({ presence: "Available" });
  });

  test("is left out of a card that would have to wait for it", async () => {
    const clock = new VirtualClock();
    const desk = createDetailDesk({
      ask: () => new Promise<RepDetail>(() => undefined),
      nowMs: () => clock.nowMs(),
      after: (delayMs, fire) => clock.after(delayMs, fire),
      signal: AbortSignal.timeout(30_000),
    });
    const looked = desk(ANA);
    await clock.advance(1_500);
    expect(await looked).toBeNull();
  });
});
