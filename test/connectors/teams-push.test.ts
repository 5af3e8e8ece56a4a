import { describe, expect, test } from "vitest";
import { modeLine } from "../../src/connectors/teams/push-says.ts";
import { teamsUserId } from "../../src/presence/identity.ts";
import { eventually } from "../service/launch.ts";
import { PushBench } from "./push-bench.ts";

const SECOND = 1_000;
const MINUTE = 60_000;

describe("[R131] a change is a hint", () => {
  test.each([
    ["basic", false],
    ["rich", true],
  ] as const)("that comes as a %s notification", async (_what, rich) => {
    const bench = await PushBench.open({ push: { rich } });
    await bench.live();
    bench.hints.splice(0);
    const user = bench.choose(2, "Busy");
    await bench.told();
    await eventually("she is hinted at", () => bench.hints.length > 0);
    expect([bench.hints, bench.counts]).toEqual([[user], ["change"]]);
    expect(bench.push.status().shards).toMatchObject([{ lastNotifiedAtMs: bench.clock.nowMs() }]);
  });

  test.each(["1.0", "2.0"] as const)(
    "[R132] with a token of version %s, by either name of the issuer",
    async (tokenVersion) => {
      const bench = await PushBench.open({ push: { rich: true } });
      await bench.live();
      bench.hints.splice(0);
      bench.tenant.graph.control.setPush({ tokenVersion });
      bench.choose(1, "Busy");
      await bench.told();
      await eventually("it counts", () => bench.counts.length > 0);
      expect(bench.counts).toEqual(["change"]);
    },
  );

  test.each(["expired", "wrongCaller", "wrongAudience", "wrongTenant", "foreignKey"] as const)(
    "[R132] but not with a token that is %s",
    async (tokenFault) => {
      const bench = await PushBench.open({ push: { rich: true } });
      await bench.live();
      bench.hints.splice(0);
      bench.tenant.graph.control.setPush({ tokenFault });
      bench.choose(1, "Busy");
      await bench.told();
      await eventually("it is looked at", () => bench.counts.length > 0);
      expect([bench.hints, bench.counts]).toEqual([[], ["bad-token"]]);
    },
  );

  test("[R132] and a plain one when Graph could get no token", async () => {
    const bench = await PushBench.open({ push: { rich: true } });
    await bench.live();
    bench.hints.splice(0);
    bench.tenant.graph.control.setPush({ tokenFault: "null" });
    const user = bench.choose(1, "Busy");
    await bench.told();
    await eventually("it is looked at", () => bench.counts.length > 0);
    expect([bench.hints, bench.counts]).toEqual([[user], ["change"]]);
  });
});

describe("[R121] a subscription lives", () => {
  test("for three hours, renewed at half its life", async () => {
    const bench = await PushBench.open();
    bench.tenant.graph.control.setPush({ reauthorizationEveryMs: 0 });
    await bench.live();
    const [{ id } = { id: "" }] = bench.subscriptions();
    for (let minutes = 0; minutes < 180; minutes += 10) {
      await bench.clock.advance(10 * MINUTE);
      await bench.delivering();
      expect(bench.subscriptions()).toMatchObject([{ id }]);
      // Graph pauses delivery when the token that it was given is over.
      const [{ tokenExpiresAtMs } = { tokenExpiresAtMs: 0 }] = bench.subscriptions();
      expect(tokenExpiresAtMs).toBeGreaterThan(bench.clock.nowMs());
    }
    const { total } = bench.tenant.graph.control.requests();
    expect(total).toBeLessThan(3 * 2 + 5);
  });

  test("although its validation times out now and then", async () => {
    const bench = await PushBench.open();
    bench.tenant.graph.control.failHandshakes({ times: 2, as: "timeout" });
    await bench.connect();
    bench.push.follow(bench.users);
    for (let tries = 0; tries < 2; tries += 1) {
      await eventually("it waits", () => bench.push.status().shards[0]?.state === "waiting");
      expect(bench.push.status().shards[0]?.lastError).toBe("graph-subscription-unvalidated");
      await bench.clock.advance(5 * SECOND);
    }
    await bench.delivering();
    expect(bench.push.status().shards[0]).toMatchObject({ lastError: null, delivering: true });
  });

  test("[R128] F16 with its first handshake only once its creation was asked for", async () => {
    const bench = await PushBench.open();
    const knock = (): Promise<Response> =>
      fetch(`http://127.0.0.1:${bench.port}/webhooks/graph?validationToken=early`, {
        method: "POST",
        headers: { "content-type": "text/plain" },
      });
    expect((await knock()).status).toBe(400);
    await bench.live();
    const late = await knock();
    expect([late.status, await late.text()]).toEqual([400, '{"code":"bad-request"}']);
  });
});

describe("[R120] a shard follows the directory", () => {
  test("made anew for who joins and who leaves, and everybody in it is read", async () => {
    const bench = await PushBench.open();
    await bench.connect();
    bench.push.follow(bench.users.slice(0, 3));
    await bench.delivering();
    bench.hints.splice(0);
    bench.push.follow(bench.users.slice(1));
    await eventually("the others are watched", () =>
      bench.subscriptions().some(({ userIds }) => userIds.length === 4),
    );
    await bench.delivering();
    expect(bench.subscriptions()[0]?.userIds.toSorted()).toEqual(bench.users.slice(1).toSorted());
    expect(new Set(bench.hints)).toEqual(new Set(bench.users.slice(1)));
  });
});

describe("[R139] a Retry-After on subscriptions", () => {
  test("is obeyed, far beyond the three minutes of the client library, and holds back nothing else", async () => {
    const bench = await PushBench.open();
    await bench.connect();
    bench.tenant.graph.control.failNext({
      status: 429,
      retryAfter: 600,
      operation: "createSubscription",
    });
    bench.push.follow(bench.users);
    await eventually("it waits", () => bench.push.status().shards[0]?.state === "waiting");
    await bench.poll();
    const requests = await bench.requestsDuring(() => bench.clock.advance(10 * MINUTE - SECOND));
    expect(requests).toBe(0);
    await bench.clock.advance(SECOND);
    await bench.delivering();
  });
});

test("[R139] a Retry-After for one account holds back the calls for the others", async () => {
  const bench = await PushBench.open({ accounts: 2 });
  await bench.live();
  bench.tenant.graph.control.failNext({
    status: 429,
    retryAfter: 600,
    operation: "updateSubscription",
  });
  await bench.clock.advance(31 * MINUTE);
  await eventually("it was throttled", () => bench.codes().includes("graph-throttled"));
  await bench.connect(1);
  bench.push.follow([...bench.users, teamsUserId("00000000-0000-4000-8000-000000000001")]);
  const requests = await bench.requestsDuring(() => bench.clock.advance(8 * MINUTE));
  expect(requests).toBe(0);
  await bench.clock.advance(3 * MINUTE);
  await bench.delivering(2);
});

describe("[R137] with no account", () => {
  test("everybody is polled, and what is posted is answered like anything else", async () => {
    const bench = await PushBench.open();
    bench.push.follow(bench.users);
    expect(bench.push.status()).toEqual({ mode: "poll", shards: [], pushedReps: 0, polledReps: 5 });
    const answer = await fetch(`http://127.0.0.1:${bench.port}/webhooks/graph`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"value":[]}',
    });
    expect(answer.status).toBe(202);
  });

  test("the log says so, and how late a change is seen", async () => {
    const bench = await PushBench.open();
    bench.push.follow(bench.users);
    const polled = modeLine(bench.push.status(), 5_000);
    expect(polled.fields).toMatchObject({ mode: "poll", polledReps: 5, pollSeconds: 5 });
    expect(polled.says).toContain("up to 5 s later");
    await bench.live();
    expect(modeLine(bench.push.status(), 5_000).fields).toMatchObject({
      mode: "push",
      pushedReps: 5,
      polledReps: 0,
    });
  });
});

test("[R136] a restart adopts what exists, with one request", async () => {
  const bench = await PushBench.open();
  await bench.live();
  const [{ id } = { id: "" }] = bench.subscriptions();
  await bench.stop();
  const requests = await bench.requestsDuring(async () => {
    await bench.start();
    bench.push.follow(bench.users);
    await bench.delivering();
  });
  expect([requests, bench.subscriptions()]).toMatchObject([1, [{ id }]]);
  bench.hints.splice(0);
  const user = bench.choose(4, "Busy");
  await bench.told();
  await eventually("it speaks", () => bench.hints.includes(user));
});

test("[R123] a store that fails makes it try again, and no subscription without a secret on disk", async () => {
  const bench = await PushBench.open();
  await bench.connect();
  bench.kept.broken = true;
  bench.push.follow(bench.users);
  await eventually("it waits", () => bench.push.status().shards[0]?.state === "waiting");
  expect([bench.subscriptions(), bench.codes()]).toEqual([
    [],
    expect.arrayContaining(["push-fault"]),
  ]);
  bench.kept.broken = false;
  await bench.clock.advance(5 * SECOND);
  await bench.delivering();
});
