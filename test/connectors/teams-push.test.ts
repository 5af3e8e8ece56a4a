import { describe, expect, test } from "vitest";
import { modeLine } from "../../src/connectors/teams/push-says.ts";
import { type TeamsUserId, teamsUserId } from "../../src/presence/identity.ts";
import { eventually } from "../service/launch.ts";
import { PushBench } from "./push-bench.ts";

const SECOND = 1_000;
const MINUTE = 60_000;

/** Somebody chooses a status in her Teams client. */
function choose(bench: PushBench, index: number, availability: string): TeamsUserId {
  const userId = bench.users[index] ?? teamsUserId("nobody");
  bench.tenant.graph.control.setManual({ userId, availability });
  return userId;
}

/** Counts requests to Graph on subscriptions while something is done. */
async function requestsDuring(bench: PushBench, act: () => Promise<void>): Promise<number> {
  const before = bench.tenant.graph.control.requests().total;
  await act();
  return bench.tenant.graph.control.requests().total - before;
}

describe("[R131] a change is a hint", () => {
  test.each([
    ["basic", false],
    ["rich", true],
  ] as const)("that comes as a %s notification", async (_what, rich) => {
    const bench = await PushBench.open({ push: { rich } });
    await bench.live();
    bench.hints.splice(0);
    const user = choose(bench, 2, "Busy");
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
      choose(bench, 1, "Busy");
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
      choose(bench, 1, "Busy");
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
    const user = choose(bench, 1, "Busy");
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

  test("[R128] with its first handshake only once its creation was asked for (F16)", async () => {
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

describe("[R122] a subscription that is gone (F14)", () => {
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
    const user = choose(bench, 0, "Busy");
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

describe("[R124] every lifecycle event is obeyed (F15)", () => {
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
    const requests = await requestsDuring(bench, async () => {
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

describe("[R125] an account whose sign-in was revoked (F13)", () => {
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
    const user = choose(bench, 3, "Busy");
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
    choose(bench, 0, "Busy");
    await bench.told();
    await bench.clock.advance(4 * MINUTE);
    await bench.poll();
    const [{ id } = { id: "" }] = bench.subscriptions();

    bench.tenant.graph.control.silence({});
    bench.hints.splice(0);
    choose(bench, 1, "DoNotDisturb");
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
    const user = choose(bench, 2, "Busy");
    await bench.told();
    await eventually("it speaks again", () => bench.hints.includes(user));
    expect(bench.push.status().shards).toMatchObject([{ silences: 0 }]);
  });

  test("is left alone while it announces what the polls find", async () => {
    const bench = await PushBench.open();
    bench.tenant.graph.control.setPush({ reauthorizationEveryMs: 0 });
    await bench.live();
    await bench.poll();
    for (const availability of ["Busy", "Away", "DoNotDisturb", "Available"]) {
      choose(bench, 0, availability);
      await bench.told();
      await bench.clock.advance(5 * SECOND);
      await bench.poll();
      await bench.clock.advance(2 * MINUTE);
    }
    expect(bench.codes()).not.toContain("push-silent");
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
  test("is obeyed, however long, and holds back nothing else", async () => {
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
    const requests = await requestsDuring(bench, () => bench.clock.advance(10 * MINUTE - SECOND));
    expect(requests).toBe(0);
    await bench.clock.advance(SECOND);
    await bench.delivering();
  });
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
  const requests = await requestsDuring(bench, async () => {
    await bench.start();
    bench.push.follow(bench.users);
    await bench.delivering();
  });
  expect([requests, bench.subscriptions()]).toMatchObject([1, [{ id }]]);
  bench.hints.splice(0);
  const user = choose(bench, 4, "Busy");
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
