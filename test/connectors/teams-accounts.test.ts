import { describe, expect, test } from "vitest";
import { eventually } from "../service/launch.ts";
import { Kept } from "./kept.ts";
import { PushBench } from "./push-bench.ts";

const ACCOUNTS = "/connect/teams/accounts";
const ADMIN = 2;

/** Two accounts watch the reps; a third is an administrator, and watches nobody. */
async function open(): Promise<PushBench> {
  const bench = await PushBench.open({ accounts: 3 });
  const [, , admin] = bench.tenant.subscribers;
  if (!admin) throw new Error("there is no third account");
  bench.tenant.entra.control.putAccount({ ...admin, appRoles: ["Presence.Admin"] });
  await bench.live();
  await bench.connect(1);
  return bench;
}

/** What the button beside an account would post. */
function refOf(html: string, account: string): string {
  const [, after = ""] = html.split(`<code>${account}</code>`);
  return /name="ref" value="([^"]+)"/.exec(after)?.[1] ?? "";
}

async function press(bench: PushBench, ref: string, type = "application/x-www-form-urlencoded") {
  const answer = await fetch(`http://127.0.0.1:${bench.port}${ACCOUNTS}`, {
    method: "POST",
    headers: { "content-type": type },
    body: new URLSearchParams({ ref }).toString(),
  });
  return { status: answer.status, text: await answer.text() };
}

describe("[R324] an administrator", () => {
  test("takes an account away that nobody can sign in with any more", async () => {
    const bench = await open();
    const [gone, stays] = [bench.accountId(0), bench.accountId(1)];
    const [first] = bench.tenant.subscribers;
    if (first) bench.tenant.entra.control.putAccount({ ...first, enabled: false });
    await bench.clock.advance(40 * 60_000);
    await eventually("the account is known to be signed out", () =>
      bench.codes().includes("entra-subscriber-signed-out"),
    );
    const page = await bench.connect(ADMIN, ACCOUNTS);
    expect([page.status, page.text]).toEqual([200, expect.stringContaining("Connected accounts")]);
    for (const id of [gone, stays]) expect(page.text).toContain(`<code>${id}</code>`);
    expect(page.text).toContain("Is signed out; 5 reps polled");
    expect(page.text).toContain("Watches nobody");

    const ref = refOf(page.text, gone);
    const pressed = await press(bench, ref);
    expect(pressed).toMatchObject({
      status: 200,
      text: expect.stringContaining("The account is disconnected"),
    });
    expect(bench.push.status().shards.map(({ shard }) => shard)).toEqual([stays]);
    expect([...bench.kept.records.values()].filter(({ id }) => id === gone)).toEqual([]);
    expect(bench.codes()).toContain("push-account-disconnected");
    // Her reps have a place with the account that is left.
    await bench.delivering();

    expect((await press(bench, ref)).status).toBe(400);
    const again = await bench.connect(ADMIN, ACCOUNTS);
    expect(again.text).not.toContain(gone);
  });

  test("reads of each how much it tells, and how long it lasts", async () => {
    const bench = await open();
    bench.choose(0, "Busy");
    await bench.told();
    await bench.clock.advance(5 * 60_000);
    const { text } = await bench.connect(ADMIN, ACCOUNTS);
    expect(text).toMatch(
      /Changes of 5 reps are announced: \d+\.\d a minute, the last 5 min ago; good for \d+ min unless renewed\./,
    );
  });

  test("is told that nobody is connected, where nobody is", async () => {
    const bench = await open();
    for (const account of [0, 1]) await bench.connect(account, "/connect/teams/disconnect");
    const page = await bench.connect(ADMIN, ACCOUNTS);
    expect(page.text).toContain("No account is connected");
  });
});

describe("[R324] nobody else", () => {
  test("sees the accounts, though she be one of them", async () => {
    const bench = await open();
    const page = await bench.connect(0, ACCOUNTS);
    expect([page.status, page.text]).toEqual([403, expect.stringContaining("Presence.Admin")]);
    for (const account of [0, 1]) expect(page.text).not.toContain(bench.accountId(account));
  });

  test("takes one away: not with a button of hers, of before, or of nobody", async () => {
    const bench = await open();
    const { text } = await bench.connect(ADMIN, ACCOUNTS);
    const ref = refOf(text, bench.accountId());
    const { cookie } = await bench.begin(ACCOUNTS);
    const forged = [
      "",
      "v1.",
      bench.accountId(),
      `${ref}A`,
      ref.slice(0, -2),
      cookie.split("=")[1],
    ];
    for (const other of forged) expect((await press(bench, other ?? "")).status).toBe(400);
    expect((await press(bench, ref, "text/plain")).status).toBe(415);
    await bench.clock.advance(10 * 60_000);
    expect((await press(bench, ref)).status).toBe(400);
    expect(bench.push.status().shards).toHaveLength(2);
  });

  test("is sent a form from elsewhere: only the page with the list may send one, and only to us", async () => {
    const bench = await open();
    bench.tenant.entra.control.setPresent({ account: bench.accountId(ADMIN) });
    const policies = [];
    for (const path of [ACCOUNTS, "/connect/teams/disconnect"]) {
      const { location, cookie } = await bench.begin(path);
      const { pathname, search } = new URL(await bench.signIn(location));
      const answer = await fetch(`http://127.0.0.1:${bench.port}${pathname}${search}`, {
        headers: { cookie },
      });
      await answer.body?.cancel();
      policies.push(
        /form-action ([^;]+)/.exec(answer.headers.get("content-security-policy") ?? ""),
      );
    }
    expect(policies.map((found) => found?.[1])).toEqual(["'self'", "'none'"]);
  });
});

describe("[R383] an account that is taken away", () => {
  test("stays connected, and can be taken away again, when the store refused", async () => {
    let isFull = false;
    const kept = new Kept();
    const records = {
      keep: (record: Parameters<Kept["keep"]>[0]) => kept.keep(record),
      kept: (kind: string) => kept.kept(kind),
      forget: async (kind: string, id: string) => {
        if (isFull) throw new Error("the disk is full");
        return kept.forget(kind, id);
      },
    };
    const bench = await PushBench.open({ push: { records } });
    await bench.live();
    isFull = true;
    expect((await bench.connect(0, "/connect/teams/disconnect")).status).toBe(500);
    expect(bench.push.status()).toMatchObject({ mode: "push", pushedReps: 5 });
    expect(bench.subscriptions()).toHaveLength(1);
    isFull = false;
    const page = await bench.connect(0, "/connect/teams/disconnect");
    expect(page.text).toContain("The account is disconnected");
    expect([kept.records.size, bench.subscriptions()]).toEqual([0, []]);
  });

  test("is not brought back by a token that is refreshed for the last call", async () => {
    const bench = await PushBench.open();
    bench.tenant.graph.control.setPush({ reauthorizationEveryMs: 0 });
    await bench.live();
    const issued = (): number => bench.tenant.entra.control.tokenRequests({}).issued;
    const before = issued();
    // What is left of the token would not last until a renewal.
    await bench.clock.advance(25 * 60_000);
    expect(issued()).toBe(before);
    await bench.connect(0, "/connect/teams/disconnect");
    expect(issued()).toBeGreaterThan(before + 1);
    expect([bench.kept.records.size, bench.subscriptions()]).toEqual([0, []]);
  });

  test("and is connected again meanwhile is known to the next process", async () => {
    const bench = await PushBench.open();
    await bench.live();
    const released = Promise.withResolvers<void>();
    const forgotten = Promise.withResolvers<void>();
    const forget = bench.kept.forget.bind(bench.kept);
    bench.kept.forget = async (kind, id) => {
      forgotten.resolve();
      await released.promise;
      return forget(kind, id);
    };
    const signedIn = (): number => bench.tenant.entra.control.tokenRequests({}).issued;
    const taken = bench.connect(0, "/connect/teams/disconnect");
    await forgotten.promise;
    const before = signedIn();
    const again = bench.connect(0);
    await eventually("she has signed in again", () => signedIn() > before);
    await bench.clock.settle();
    released.resolve();
    expect((await taken).text).toContain("The account is disconnected");
    expect((await again).text).toContain("connected");
    await bench.delivering();
    await bench.stop();
    await bench.start();
    expect(bench.push.status().shards.map(({ shard }) => shard)).toEqual([bench.accountId()]);
  });
});
