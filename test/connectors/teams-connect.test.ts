import { describe, expect, onTestFinished, test } from "vitest";
import { createConnectRoutes } from "../../src/connectors/teams/connect.ts";
import { createSealing } from "../../src/connectors/teams/sealing.ts";
import type { SignedIn } from "../../src/connectors/teams/subscriber.ts";
import { ask, request, start } from "../http/raw-http.ts";
import { eventually } from "../service/launch.ts";
import { CALLBACK, PushBench } from "./push-bench.ts";

describe("[R134] an account is connected", () => {
  test("by a sign-in with state, PKCE and a nonce, and then watches", async () => {
    const bench = await PushBench.open();
    const { location, cookie } = await bench.begin();
    const asked = new URL(location);
    const { searchParams } = asked;
    expect(asked.origin).toBe(new URL(bench.tenant.entra.url).origin);
    expect(searchParams.get("redirect_uri")).toBe(CALLBACK);
    expect(searchParams.get("response_type")).toBe("code");
    expect(searchParams.get("code_challenge_method")).toBe("S256");
    expect(searchParams.get("scope")).toContain("/Presence.Read.All");
    for (const name of ["state", "nonce", "code_challenge"]) {
      expect(searchParams.get(name)).toMatch(/^[\w-]{43}$/);
    }
    expect(cookie).toMatch(/^__Host-/);
    for (const name of ["state", "nonce"]) expect(cookie).not.toContain(searchParams.get(name));

    bench.tenant.entra.control.setPresent({ account: bench.accountId() });
    const page = await bench.finish(await bench.signIn(location), cookie);
    expect([page.status, page.text]).toEqual([
      200,
      expect.stringContaining("The account is connected"),
    ]);
    bench.push.follow(bench.users);
    await bench.delivering();
    expect(bench.subscriptions()).toMatchObject([{ creatorId: bench.accountId() }]);
  });

  test("once, by however many browsers at a time, and without waiting for a silence of Graph", async () => {
    const bench = await PushBench.open();
    bench.tenant.graph.control.failNext({
      status: 429,
      retryAfter: 600,
      operation: "createSubscription",
    });
    bench.push.follow(bench.users);
    await bench.connect();
    await eventually("it was throttled", () => bench.codes().includes("graph-throttled"));
    const pages = await Promise.all([bench.connect(), bench.connect(), bench.connect()]);
    expect(pages.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(bench.push.status().shards).toHaveLength(1);
    await bench.clock.advance(11 * 60_000);
    await bench.delivering();
    expect(bench.subscriptions()).toHaveLength(1);
    expect(bench.tenant.graph.control.requests().byOperation.createSubscription).toBe(2);
  });

  test("only in the browser that asked, once, and within ten minutes", async () => {
    const bench = await PushBench.open();
    bench.tenant.entra.control.setPresent({ account: bench.accountId() });
    const stranger = await bench.begin();
    const ours = await bench.begin();
    const answer = await bench.signIn(ours.location);
    const refused = [
      await bench.finish(answer, ""),
      await bench.finish(answer, stranger.cookie),
      await bench.finish(answer.replace(/([?&])state=/, "$1state=x"), ours.cookie),
      await bench.finish(answer, `${ours.cookie}x`),
    ];
    expect(refused.map(({ status }) => status)).toEqual([400, 400, 400, 400]);
    expect((await bench.finish(answer, ours.cookie)).status).toBe(200);
    expect((await bench.finish(answer, ours.cookie)).status).toBe(400);

    const late = await bench.begin();
    const lateAnswer = await bench.signIn(late.location);
    await bench.clock.advance(10 * 60_000);
    expect((await bench.finish(lateAnswer, late.cookie)).status).toBe(400);
    expect(bench.codes().filter((code) => code === "push-account-connected")).toHaveLength(1);
  });

  test("not by an answer whose ID token was meant for another sign-in", async () => {
    const bench = await PushBench.open();
    bench.tenant.entra.control.setPresent({ account: bench.accountId() });
    const { location, cookie } = await bench.begin();
    const swapped = new URL(location);
    swapped.searchParams.set("nonce", "of-another-sign-in");
    const page = await bench.finish(await bench.signIn(swapped.href), cookie);
    expect(page.status).not.toBe(200);
    expect(bench.codes()).not.toContain("push-account-connected");
  });

  test("only if it is listed, whoever else can sign in", async () => {
    const bench = await PushBench.open({ push: { admitted: [] } });
    const page = await bench.connect();
    expect([page.status, page.text]).toEqual([403, expect.stringContaining("SUBSCRIBER_ACCOUNTS")]);
    expect(bench.codes()).toEqual(["push-account-not-admitted"]);
    expect(bench.kept.records.size).toBe(0);
  });

  const SIGNED_IN = { id: "a", tenantId: "11111111-2222-3333-4444-555555555555", roles: [] };
  test.each<readonly [string, Partial<SignedIn>, number]>([
    ["nobody said so", {}, 403],
    ["the app role says so", { roles: ["Presence.Admin"] }, 200],
    ["the list says so", { id: "listed" }, 200],
    ["it is listed, and of another tenant", { id: "listed", tenantId: "other" }, 403],
    [
      "it has the app role in another tenant",
      { roles: ["Presence.Admin"], tenantId: "other" },
      403,
    ],
  ])("or not: %s", async (_what, change, status) => {
    const credential = { token: async () => "", replacement: async () => "" };
    const signedIn: SignedIn = {
      ...SIGNED_IN,
      ...change,
      keep: async () => ({ id: "a", tenantId: "a", credential }),
    };
    const connected: string[] = [];
    let nowMs = 1_000_000;
    const running = await start(() =>
      createConnectRoutes({
        app: {
          signInUrl: async ({ state }) => `https://login.example/?state=${state}`,
          redeem: async () => signedIn,
        },
        sealing: createSealing([Buffer.alloc(32)]),
        publicUrl: "http://localhost:3978",
        tenantId: SIGNED_IN.tenantId,
        admitted: ["listed"],
        connect: async (keep) => void connected.push((await keep()).id),
        disconnect: async () => true,
        accounts: () => [],
        report: () => undefined,
        nowMs: () => nowMs,
      }),
    );
    onTestFinished(() => running.stop());
    const begun = await ask(running.port, request("GET /connect/teams"));
    const state = new URL(begun.headers.get("location") ?? "").searchParams.get("state");
    const cookie = begun.headers.get("set-cookie")?.split(";")[0] ?? "";
    const target = `GET /connect/teams/callback?code=x&state=${state}`;
    const looked = await ask(running.port, request(target.replace("GET", "HEAD"), { cookie }));
    expect([looked.status, connected]).toEqual([200, []]);
    const answer = await ask(running.port, request(target, { cookie }));
    expect([answer.status, connected.length]).toEqual([status, status === 200 ? 1 : 0]);
    // Whatever Entra would say to the code: this state was answered.
    expect((await ask(running.port, request(target, { cookie }))).status).toBe(400);

    const late = await ask(running.port, request("GET /connect/teams"));
    const lateState = new URL(late.headers.get("location") ?? "").searchParams.get("state");
    nowMs += 600_000;
    const lateAnswer = await ask(
      running.port,
      request(`GET /connect/teams/callback?code=x&state=${lateState}`, {
        cookie: late.headers.get("set-cookie")?.split(";")[0] ?? "",
      }),
    );
    expect([lateAnswer.status, connected.length]).toEqual([400, status === 200 ? 1 : 0]);
  });
});

describe("[R138] what Entra refuses is explained", () => {
  test.each([
    ["declined by the person", "decline", "declined on the consent page", "AADSTS65004"],
    ["left to an administrator", "blocked", "lets only an administrator consent", "AADSTS90094"],
  ] as const)("consent %s", async (_what, answer, words, number) => {
    const bench = await PushBench.open();
    bench.tenant.entra.control.setConsentAnswer({ answer });
    bench.tenant.entra.control.putApp({
      clientId: bench.tenant.clientId,
      secrets: [{ value: bench.tenant.clientSecret }],
      certificates: [],
      roles: [],
      redirectUris: [CALLBACK],
      delegatedScopes: [],
    });
    const page = await bench.connect();
    expect(page.status).toBe(403);
    expect(page.text).toContain(words);
    expect(page.text).toContain(number);
    expect(bench.codes()).toContain("push-sign-in-refused");
  });

  test("in our words: nothing that was sent is repeated, and no script runs", async () => {
    const bench = await PushBench.open();
    const { location, cookie } = await bench.begin();
    const query = new URLSearchParams({
      error: "<script>alert(1)</script>",
      error_description: "AADSTS50105: <b>hello</b>",
      state: new URL(location).searchParams.get("state") ?? "",
    });
    const answer = await fetch(
      `http://127.0.0.1:${bench.port}/connect/teams/callback?${query.toString()}`,
      {
        headers: { cookie },
      },
    );
    const text = await answer.text();
    expect(answer.status).toBe(403);
    expect(text).toContain("open to assigned accounts only");
    expect(text).not.toMatch(/<script|<b>|hello/);
    expect(answer.headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-/,
    );
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
  });

  test.each([
    ["PUBLIC_URL", { publicUrl: null }],
    ["CACHE_KEY", { cacheKeys: [] }],
  ] as const)("and so is what is not set: %s", async (name, push) => {
    const bench = await PushBench.open({ push });
    const answer = await fetch(`http://127.0.0.1:${bench.port}/connect/teams`);
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining(name)]);
  });
});

describe("[R135] an account that was connected", () => {
  test("is known to the next process, and to nobody who reads the disk", async () => {
    const bench = await PushBench.open();
    await bench.live();
    const disk = JSON.stringify([...bench.kept.records.values()]);
    expect(disk).not.toMatch(/refresh|secret|northharbor|Presence reader/i);
    await bench.stop();
    await bench.start();
    bench.push.follow(bench.users);
    await bench.delivering();
  });

  test("is lost with the key: that is said, and everybody is polled", async () => {
    const cacheKeys: [Buffer] = [Buffer.alloc(32, 1)];
    const bench = await PushBench.open({ push: { cacheKeys } });
    await bench.live();
    await bench.stop();
    cacheKeys[0] = Buffer.alloc(32, 2);
    await bench.start();
    bench.push.follow(bench.users);
    expect(bench.codes()).toContain("push-cache-key-wrong");
    expect(bench.push.status()).toMatchObject({ mode: "poll", shards: [], polledReps: 5 });
  });

  test("is disconnected by signing in with it, and its subscription goes with it", async () => {
    const bench = await PushBench.open();
    await bench.live();
    const stranger = await bench.connect(1, "/connect/teams/disconnect");
    expect(stranger.text).toContain("was not connected");
    expect(bench.subscriptions()).toHaveLength(1);
    const page = await bench.connect(0, "/connect/teams/disconnect");
    expect(page.text).toContain("The account is disconnected");
    expect(bench.subscriptions()).toEqual([]);
    expect(bench.kept.records.size).toBe(0);
    expect(bench.push.status()).toMatchObject({ mode: "poll", shards: [], polledReps: 5 });
  });
});
