import { describe, expect, test } from "vitest";
import { type TeamsUserId, teamsUserId } from "../../src/presence/identity.ts";
import { eventually } from "../service/launch.ts";
import { PushBench } from "./push-bench.ts";

const SECOND = 1_000;
const MINUTE = 60_000;

describe("[R122] F14 a subscription that is gone", () => {
  test("is noticed when it should be renewed, made anew, and everybody is read", async () => {
    const bench = await PushBench.open();
    bench.tenant.graph.control.setPush({ reauthorizationEveryMs: 0 });
    await bench.live();
    bench.tenant.graph.control.removeSubscription({});
    bench.hints.splice(0);
    await bench.clock.advance(31 * MINUTE);
    await eventually("it is made anew", () => bench.subscriptions().length === 1);
    await bench.delivering();
    expect(new Set(bench.hints)).toEqual(new Set(bench.users));
  });

  test("[R136] one that exists already is adopted, if the answer to its creation was lost", async () => {
    const bench = await PushBench.open();
    await bench.connect();
    bench.tenant.graph.control.dropAckNext({ operation: "createSubscription" });
    bench.push.follow(bench.users);
    await eventually("it is there", () => bench.subscriptions().length === 1);
    const [{ id } = { id: "" }] = bench.subscriptions();
    await eventually(
      "the answer is missed",
      () => bench.push.status().shards[0]?.state === "waiting",
    );
    await bench.clock.advance(5 * SECOND);
    await bench.delivering();
    expect(bench.subscriptions()).toMatchObject([{ id }]);
    bench.hints.splice(0);
    const user = bench.choose(0, "Busy");
    await bench.told();
    await eventually("it still speaks", () => bench.hints.includes(user));
  });

  test("one that is not ours is replaced", async () => {
    const bench = await PushBench.open();
    await bench.live();
    const [{ id } = { id: "" }] = bench.subscriptions();
    // As after a backup of the database: the account is known, what was subscribed is not.
    await bench.stop();
    for (const [key, { kind }] of bench.kept.records) {
      if (kind === "teams-subscription") bench.kept.records.delete(key);
    }
    await bench.start();
    bench.push.follow(bench.users);
    await bench.delivering();
    const now = bench.subscriptions();
    expect(now).toHaveLength(1);
    expect(now[0]?.id).not.toBe(id);
  });
});

test.each([
  ["subscriptions than it may have", "graph-subscription-quota"],
  ["rights than it needs", "graph-subscriber-forbidden"],
] as const)(
  "[R123] where Graph allows no more %s, the reps are polled, until it does",
  async (_of, code) => {
    const bench = await PushBench.open();
    const { control } = bench.tenant.graph;
    const isQuota = code === "graph-subscription-quota";
    if (isQuota) control.setPush({ tenantQuota: 0 });
    else control.failNext({ status: 403, operation: "createSubscription" });
    await bench.connect();
    bench.push.follow(bench.users);
    await eventually("it is refused", () => bench.codes().includes(code));
    expect(bench.push.status()).toMatchObject({ mode: "poll", polledReps: 5 });
    control.setPush({ tenantQuota: 10_000 });
    await bench.clock.advance(5 * SECOND);
    await bench.delivering();
  },
);

describe("[R124] F15 every lifecycle event is obeyed", () => {
  const reauthorise = async (bench: PushBench, event: string): Promise<void> => {
    bench.hints.splice(0);
    bench.tenant.graph.control.sendLifecycle({ event });
    await bench.told();
    await eventually("it was heard", () => bench.counts.includes("lifecycle"));
  };

  test("reauthorizationRequired renews", async () => {
    const bench = await PushBench.open();
    await bench.live();
    const [{ id } = { id: "" }] = bench.subscriptions();
    await bench.clock.advance(10 * MINUTE);
    const requests = await bench.requestsDuring(async () => {
      await reauthorise(bench, "reauthorizationRequired");
      await bench.delivering();
      await eventually("it was renewed", () =>
        bench
          .subscriptions()
          .some(({ expiresAtMs }) => expiresAtMs > bench.clock.nowMs() + 55 * MINUTE),
      );
    });
    expect(requests).toBe(1);
    expect(bench.subscriptions()).toMatchObject([{ id }]);
  });

  test("subscriptionRemoved makes it anew, and everybody is read", async () => {
    const bench = await PushBench.open();
    await bench.live();
    await reauthorise(bench, "subscriptionRemoved");
    await eventually("it is made anew", () => bench.subscriptions().length === 1);
    await bench.delivering();
    expect(new Set(bench.hints)).toEqual(new Set(bench.users));
  });

  test.each(["missed", "somethingNew"])("%s has everybody read", async (event) => {
    const bench = await PushBench.open();
    await bench.live();
    await reauthorise(bench, event);
    expect(bench.hints).toEqual(bench.users);
  });
});

describe("[R125] F13 an account whose sign-in was revoked", () => {
  test.each(["revoked", "disabled account"] as const)(
    "%s: its reps are polled, and somebody is told",
    async (how) => {
      const bench = await PushBench.open();
      await bench.live();
      const oid = bench.accountId();
      if (how === "revoked") bench.tenant.entra.control.revokeRefreshTokens({ oid });
      else
        bench.tenant.entra.control.putAccount({
          oid,
          upn: "x@y.example",
          name: "x",
          enabled: false,
        });
      // The access token lives on for an hour; then it is refreshed in vain.
      await bench.tenant.entra.control.rotateSigningKey({ retireOld: true });
      await bench.clock.advance(31 * MINUTE);
      await eventually("it is known", () => bench.push.status().mode === "poll");
      expect(bench.push.status()).toMatchObject({
        polledReps: 5,
        shards: [{ state: "signed-out", lastError: "entra-subscriber-signed-out" }],
      });
      expect(bench.codes()).toContain("entra-subscriber-signed-out");
    },
  );

  test("watches again as soon as it is signed in anew", async () => {
    const bench = await PushBench.open();
    await bench.live();
    bench.tenant.entra.control.revokeRefreshTokens({});
    await bench.tenant.entra.control.rotateSigningKey({ retireOld: true });
    await bench.clock.advance(31 * MINUTE);
    await eventually(
      "it is signed out",
      () => bench.push.status().shards[0]?.state === "signed-out",
    );
    expect((await bench.connect()).status).toBe(200);
    await bench.delivering();
    bench.hints.splice(0);
    const user = bench.choose(3, "Busy");
    await bench.told();
    await eventually("it speaks", () => bench.hints.includes(user));
  });
});

describe("[R126] a live subscription that stops delivering", () => {
  test("is found within one poll and a minute, replaced, and reported with the minutes", async () => {
    const bench = await PushBench.open();
    bench.tenant.graph.control.setPush({ reauthorizationEveryMs: 0 });
    await bench.live();
    await bench.poll();
    await bench.clock.advance(10 * SECOND);
    bench.choose(0, "Busy");
    await bench.told();
    await bench.clock.advance(4 * MINUTE);
    await bench.poll();
    const [{ id } = { id: "" }] = bench.subscriptions();

    bench.tenant.graph.control.silence({});
    bench.hints.splice(0);
    bench.choose(1, "DoNotDisturb");
    await bench.told();
    await bench.clock.advance(5 * SECOND);
    await bench.poll();
    await bench.clock.advance(60 * SECOND - 1);
    expect(bench.codes()).not.toContain("push-silent");
    const before = bench.tenant.graph.control.requests().total;
    await bench.clock.advance(1);
    expect(bench.notes).toContainEqual({
      code: "push-silent",
      shard: bench.accountId(),
      silentMinutes: 5,
    });
    await eventually("it is replaced", () => bench.subscriptions().some((one) => one.id !== id));
    await bench.delivering();
    expect(bench.subscriptions()).toHaveLength(1);
    expect(bench.tenant.graph.control.requests().total - before).toBe(2);
    expect(new Set(bench.hints)).toEqual(new Set(bench.users));
    expect(bench.push.status().shards).toMatchObject([{ silences: 1, delivering: true }]);
    bench.hints.splice(0);
    const user = bench.choose(2, "Busy");
    await bench.told();
    await eventually("it speaks again", () => bench.hints.includes(user));
    expect(bench.push.status().shards).toMatchObject([{ silences: 0 }]);
  });

  test("again and again is replaced in longer and longer intervals, and reported as often", async () => {
    const bench = await PushBench.open();
    bench.tenant.graph.control.setPush({ reauthorizationEveryMs: 0 });
    await bench.live();
    await bench.poll();
    for (let minutes = 0; minutes < 60; minutes += 1) {
      bench.tenant.graph.control.silence({});
      bench.choose(0, minutes % 2 === 0 ? "Busy" : "Away");
      await bench.told();
      await bench.poll();
      await bench.clock.advance(MINUTE);
      await eventually("it rests", () => bench.push.status().shards[0]?.state === "live");
    }
    const reported = bench.codes().filter((code) => code === "push-silent").length;
    const made = bench.tenant.graph.control.requests().byOperation.createSubscription;
    expect(reported).toBeGreaterThan(3);
    expect(reported).toBeLessThan(7);
    expect(made).toBe(reported + 1);
  });

  test("is not condemned by readings that overtake one another", async () => {
    const bench = await PushBench.open();
    bench.tenant.graph.control.setPush({ reauthorizationEveryMs: 0 });
    await bench.live();
    const [user = teamsUserId("nobody")] = bench.users;
    await bench.clock.advance(10 * SECOND);
    const leftAtMs = bench.clock.nowMs();
    const shown = (native: string) => new Map([[user, native]]);
    bench.push.saw(shown("Busy/Busy"), leftAtMs);
    bench.push.saw(shown("Available/Available"), leftAtMs - SECOND);
    bench.push.saw(shown("Busy/Busy"), leftAtMs + SECOND);
    await bench.clock.advance(5 * MINUTE);
    expect(bench.codes()).not.toContain("push-silent");
  });

  test("is left alone while it announces what the polls find, however late and often", async () => {
    const bench = await PushBench.open({ people: 40 });
    bench.tenant.graph.control.setPush({ delayMaxMs: 58_000, duplicateShare: 0.2 });
    await bench.live();
    const choices = ["Busy", "Away", "DoNotDisturb", "Available", "BeRightBack"];
    for (let turn = 0; turn < 300; turn += 1) {
      bench.choose(
        (turn * 7) % 40,
        choices[(turn + Math.floor(turn / 40)) % choices.length] ?? "Busy",
      );
      await bench.clock.advance(5 * SECOND);
      await bench.told();
      await bench.poll();
    }
    expect(bench.counts.filter((result) => result === "change").length).toBeGreaterThan(200);
    expect(bench.codes()).toEqual(["push-account-connected", "push-live"]);
  });
});

describe("[R126] an endpoint that Graph finds too slow", () => {
  test.each([
    ["slow", { slowAfterMs: 1, dropAfterMs: 60_000 }],
    ["drop", { slowAfterMs: 1, dropAfterMs: 1 }],
  ] as const)("and calls %s costs nobody a change, and is heard again", async (state, limits) => {
    const bench = await PushBench.open();
    const { control } = bench.tenant.graph;
    control.setPush({ reauthorizationEveryMs: 0, minimumResponses: 1, ...limits });
    await bench.live();
    await bench.poll();
    await bench.clock.advance(10 * SECOND);
    bench.choose(0, "Busy");
    await bench.told();
    expect(Object.values(control.endpoints())).toContain(state);
    await bench.clock.advance(MINUTE);
    await bench.poll();

    bench.hints.splice(0);
    const user = bench.choose(1, "DoNotDisturb");
    await bench.told();
    expect(bench.hints).toEqual([]);
    await bench.clock.advance(5 * SECOND);
    await bench.poll();
    await bench.clock.advance(MINUTE);
    expect(bench.codes()).toContain("push-silent");
    // Whatever was lost, everybody is read when the subscription is made anew.
    await eventually("it is made anew", () => bench.hints.includes(user));
    await bench.delivering();

    control.setPush({ slowAfterMs: 60_000, dropAfterMs: 60_000 });
    await bench.clock.advance(11 * MINUTE);
    await bench.told();
    bench.hints.splice(0);
    const next = bench.choose(2, "Away");
    await bench.told();
    await eventually("it speaks again", () => bench.hints.includes(next));
    expect(bench.push.status()).toMatchObject({ mode: "push" });
  });
});

describe("a clock that is set back by an hour", () => {
  test("[R121] keeps no subscription from being renewed in time", async () => {
    const bench = await PushBench.open();
    bench.tenant.graph.control.setPush({ reauthorizationEveryMs: 0 });
    await bench.live();
    await bench.clock.advance(10 * MINUTE);
    bench.clock.set(-60 * MINUTE);
    // Graph's own clock goes on: within 58 minutes of its making it must have been asked.
    const asked = (): number => bench.tenant.graph.control.requests().total;
    const before = asked();
    await bench.clock.advance(40 * MINUTE);
    await eventually("Graph is asked to renew it", () => asked() > before);
    await bench.delivering();
  });

  test("[R126] hides no subscription that has fallen silent", async () => {
    const bench = await PushBench.open();
    await bench.live();
    // Who signed in to the emulated Teams later than its clock now shows is not there: the readings are told.
    const read = (shown: string): void => {
      const all = bench.users.map((user): [TeamsUserId, string] => [user, shown]);
      bench.push.saw(all, bench.clock.nowMs());
    };
    read("Available/Available");
    bench.clock.set(-60 * MINUTE);
    await bench.clock.advance(MINUTE);
    read("Available/Available");
    await bench.clock.advance(10 * SECOND);
    read("Busy/Busy");
    await bench.clock.advance(2 * MINUTE);
    expect(bench.codes()).toContain("push-silent");
  });
});
