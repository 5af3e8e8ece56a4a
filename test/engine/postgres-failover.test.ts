import { setImmediate as nextTurn } from "node:timers/promises";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { CommitResult, Engine } from "../../src/engine/engine.ts";
import { EngineError } from "../../src/engine/engine-error.ts";
import { openPostgresEngine } from "../../src/engine/postgres/postgres-engine.ts";
import type { PostgresOptions } from "../../src/engine/postgres/postgres-engine.ts";
import { repId } from "../../src/presence/identity.ts";
import { PostgresServer } from "./postgres-server.ts";
import { commit, document, entry, event } from "./sample.ts";
import { TcpProxy } from "./tcp-proxy.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.dispose());
afterEach(() => server.sql("DROP SCHEMA IF EXISTS lockstep CASCADE"));

async function open(options: Partial<PostgresOptions> = {}): Promise<Engine> {
  const engine = await openPostgresEngine({ url: server.url(), ...options });
  onTestFinished(() => engine.close());
  return engine;
}

async function openThroughProxy(): Promise<{ engine: Engine; proxy: TcpProxy }> {
  const proxy = await TcpProxy.to(server.port);
  onTestFinished(() => proxy.close());
  return { proxy, engine: await open({ url: server.url("postgres", proxy.port), connections: 1 }) };
}

/** The same with so short a time limit that a machine which is held up may not even open it in time: then once more. */
async function openWithin(options: Partial<PostgresOptions>): Promise<Engine> {
  for (;;) {
    try {
      return await open(options);
    } catch (error) {
      if (!(error instanceof EngineError && error.retry === "unavailable")) throw error;
    }
  }
}

/** The code that a call fails with; `null` if it does not. Whatever fails here may be tried again. */
async function failureOf(call: Promise<unknown>): Promise<string | null> {
  try {
    await call;
    return null;
  } catch (error) {
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ retry: "unavailable" });
    return (error as EngineError).code;
  }
}

/** Calls until it is not the connection that fails, which was cut, or was given up. */
async function failureOnceNoticed(call: () => Promise<unknown>): Promise<string | null> {
  for (;;) {
    const code = await failureOf(call());
    if (code !== "engine-unreachable") return code;
  }
}

type Writer = { readonly acknowledged: () => number; readonly done: Promise<void> };

/** Commits one generation after the other, as the controller does: what failed is tried, what conflicts is loaded. */
function startWriter(engine: Engine, name: string, until: number): Writer {
  const rep = repId(name);
  let acknowledged = 0;
  const once = async (generation: number): Promise<CommitResult> => {
    const { id, source } = event(`${name}/${generation + 1}`, rep);
    await engine.accept(event(id, rep));
    const says = (half: string) => entry(rep, `${generation + 1} ${half}`);
    return engine.commit({
      document: document(name, generation),
      history: [says("first"), says("second")],
      settles: [{ id, source }],
    });
  };
  const work = async (): Promise<void> => {
    let generation = 0;
    while (generation < until) {
      try {
        const result = await once(generation);
        generation = result.ok
          ? result.generation
          : ((await engine.get(rep))?.generation ?? generation);
        if (result.ok) acknowledged = generation;
      } catch (error) {
        expect(error).toMatchObject({ name: "EngineError", retry: "unavailable" });
        await nextTurn();
      }
    }
  };
  return { acknowledged: () => acknowledged, done: work() };
}

/** Each generation told in both its halves, once, in order, and nothing else. */
async function expectWhole(engine: Engine, name: string, generations: number): Promise<void> {
  const rep = repId(name);
  expect(await engine.get(rep)).toMatchObject({ generation: generations });
  const told: string[] = [];
  for (let after = 0; ;) {
    const page = await engine.history({ rep, after, limit: 1_000 });
    told.push(...page.map(({ says }) => says));
    if (page.length < 1_000) break;
    after = page.at(-1)?.position ?? 0;
  }
  const expected = Array.from({ length: generations }, (_, n) => [
    `${n + 1} first`,
    `${n + 1} second`,
  ]);
  expect(told).toEqual(expected.flat());
}

const NAMES = Array.from({ length: 8 }, (_, n) => `rep-${n}`);

async function atLeast(writers: readonly Writer[], generation: number): Promise<void> {
  while (writers.some((writer) => writer.acknowledged() < generation)) await nextTurn();
}

describe("a server that goes away", () => {
  test.each([["kill"], ["stop"]] as const)(
    "[R61] [R62] [R63] [R258] loses nothing acknowledged and doubles nothing, however often (%s)",
    async (end) => {
      const engine = await open();
      const writers = NAMES.map((name) => startWriter(engine, name, 120));
      for (const generation of [20, 50, 80]) {
        await atLeast(writers, generation);
        await server[end]();
        const acknowledged = writers.map((writer) => writer.acknowledged());
        await server.run();
        const fresh = await openPostgresEngine({ url: server.url() });
        for (const [at, name] of NAMES.entries()) {
          const stored = (await fresh.get(repId(name)))?.generation ?? 0;
          expect(stored).toBeGreaterThanOrEqual(acknowledged[at] ?? Number.NaN);
        }
        await fresh.close();
      }
      await Promise.all(writers.map(({ done }) => done));
      for (const name of NAMES) await expectWhole(engine, name, 120);
      expect(await engine.unsettled()).toEqual([]);
    },
    120_000,
  );

  test("[R258] while it is away every call fails and says so; when it is back they go on", async () => {
    const engine = await open();
    await engine.commit(commit(document("ana"), "before"));
    await server.stop();
    const calls = [
      engine.commit(commit(document("ana", 1), "never")),
      engine.accept(event("1")),
      engine.get(repId("ana")),
      engine.history({ limit: 1 }),
      engine.load(),
      engine.lease("shard", "a", 1),
    ];
    for (const code of await Promise.all(calls.map(failureOf)))
      expect(code).toBe("engine-unreachable");
    await server.run();
    expect(await engine.commit(commit(document("ana", 1), "after"))).toEqual({
      ok: true,
      generation: 2,
    });
    expect((await engine.history({ limit: 9 })).map(({ says }) => says)).toEqual([
      "before",
      "after",
    ]);
  });
});

describe("a wire that is cut", () => {
  test("[R258] after the server has committed: the call fails, and compare-and-set tells that it happened", async () => {
    const { engine, proxy } = await openThroughProxy();
    await engine.accept(event("1"));
    const lost = {
      ...commit(document("ana"), "unanswered"),
      settles: [{ source: "desk-phone", id: "1" }],
    };
    proxy.cutAfter("unanswered");
    expect(await failureOf(engine.commit(lost))).toBe("engine-unreachable");
    expect(await engine.commit(lost)).toEqual({ ok: false, reason: "conflict" });
    expect(await engine.get(repId("ana"))).toEqual({ ...document("ana"), generation: 1 });
    expect(await engine.unsettled()).toEqual([]);
    expect((await engine.history({ limit: 9 })).map(({ says }) => says)).toEqual(["unanswered"]);
  });

  test("[R63] [R258] an event whose acceptance was not answered is there once, and its repetition a duplicate", async () => {
    const { engine, proxy } = await openThroughProxy();
    proxy.cutAfter("call-7");
    expect(await failureOf(engine.accept(event("call-7")))).toBe("engine-unreachable");
    expect(await engine.accept(event("call-7"))).toBe("duplicate");
    expect(await engine.unsettled()).toHaveLength(1);
  });

  test("[R258] before the server has heard of it: the same call succeeds when it is made again", async () => {
    const { engine, proxy } = await openThroughProxy();
    const unheard = commit(document("ana"), "unheard of");
    proxy.cutBefore("unheard of");
    expect(await failureOf(engine.commit(unheard))).toBe("engine-unreachable");
    expect(await engine.get(repId("ana"))).toBeNull();
    expect(await engine.commit(unheard)).toEqual({ ok: true, generation: 1 });
  });

  test("[R61] [R258] in the middle of a batch: it happened whole", async () => {
    const { engine, proxy } = await openThroughProxy();
    proxy.cutAfter("line of rep-299");
    const names = Array.from({ length: 300 }, (_, n) => `rep-${n}`);
    const codes = await Promise.all(
      names.map((name) => failureOf(engine.commit(commit(document(name), `line of ${name}`)))),
    );
    expect(new Set(codes)).toEqual(new Set(["engine-unreachable"]));
    expect([0, 300]).toContain((await engine.load()).length);
    const again = await Promise.all(names.map((name) => engine.commit(commit(document(name)))));
    expect(new Set(again.map(({ ok }) => ok)).size).toBe(1);
    expect(await engine.load()).toHaveLength(300);
  });
});

test("[R257] an instance that hangs in the middle of a commit holds up no other", async () => {
  const { engine: hangs, proxy } = await openThroughProxy();
  const other = await open();
  const waiting = proxy.hold();
  const hanging = hangs.commit(commit(document("ana"), "hanging"));
  await waiting;
  expect(await other.commit(commit(document("ben"), "beside"))).toEqual({
    ok: true,
    generation: 1,
  });
  expect(await other.commit(commit(document("ana", 1), "taken over"))).toEqual({
    ok: true,
    generation: 2,
  });
  proxy.release();
  expect(await hanging).toEqual({ ok: true, generation: 1 });
  expect(await hangs.commit(commit(document("ana", 1), "stale"))).toEqual({
    ok: false,
    reason: "conflict",
  });
});

describe("a server that cannot", () => {
  /** Somebody else's transaction that keeps every write waiting. */
  async function holdLedger(): Promise<pg.Client> {
    const holder = new pg.Client(server.url());
    await holder.connect();
    onTestFinished(() => holder.end());
    await holder.query("BEGIN");
    await holder.query("SELECT FROM lockstep.ledger FOR UPDATE");
    return holder;
  }

  test("[R258] with every connection in use a call is told so, and what runs is not disturbed", async () => {
    const engine = await openWithin({ connections: 1, connectMs: 2_000 });
    const holder = await holdLedger();
    const waiting = engine.commit(commit(document("ana")));
    await nextTurn();
    expect(await failureOf(engine.get(repId("ana")))).toBe("engine-busy");
    await holder.query("COMMIT");
    expect(await waiting).toEqual({ ok: true, generation: 1 });
  });

  test("[R258] a statement that takes too long is ended, and has changed nothing", async () => {
    // The tables are there: making them is no quick statement on a busy machine.
    await open();
    const engine = await openWithin({ statementMs: 2_000 });
    const holder = await holdLedger();
    // A client that had no time to read the server's word for four seconds has given up by itself: then once more.
    const late = (): Promise<CommitResult> => engine.commit(commit(document("ana"), "late"));
    expect(await failureOnceNoticed(late)).toBe("engine-busy");
    await holder.query("COMMIT");
    expect(await engine.commit(commit(document("ana"), "on time"))).toEqual({
      ok: true,
      generation: 1,
    });
    expect((await engine.history({ limit: 9 })).map(({ says }) => says)).toEqual(["on time"]);
  });

  test("[R258] a server that takes no more connections is busy, not gone", async () => {
    await server.sql("CREATE ROLE crowd LOGIN CONNECTION LIMIT 0");
    onTestFinished(async () => {
      await server.sql("DROP ROLE crowd");
    });
    const url = server.url().replace("admin", "crowd");
    expect(await failureOf(openPostgresEngine({ url }))).toBe("engine-busy");
  });

  const CUT =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lockstep'";

  test("[R258] a replica reads, refuses to write, and is left for the primary when the name leads there", async () => {
    const engine = await open();
    await engine.commit(commit(document("ana"), "before"));
    await server.sql("ALTER DATABASE postgres SET default_transaction_read_only = on");
    await server.sql(CUT);
    const next = (): Promise<CommitResult> => engine.commit(commit(document("ana", 1), "after"));
    expect(await failureOnceNoticed(next)).toBe("engine-unwritable");
    expect((await engine.get(repId("ana")))?.generation).toBe(1);
    await server.sql("ALTER DATABASE postgres RESET default_transaction_read_only");
    await server.sql(CUT);
    expect(await failureOnceNoticed(next)).toBeNull();
    expect((await engine.history({ limit: 9 })).map(({ says }) => says)).toEqual([
      "before",
      "after",
    ]);
  });

  test.each([
    ["53100", "engine-full"],
    ["53200", "engine-busy"],
    ["58030", "engine-io"],
  ])(
    "[R61] [R258] SQLSTATE %s in the middle of a batch undoes it whole (%s)",
    async (state, code) => {
      const engine = await open();
      await engine.accept(event("before"));
      await server.sql(`
      CREATE FUNCTION lockstep.fails() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '${state}'; END $$;
      CREATE TRIGGER fails BEFORE INSERT ON lockstep.history FOR EACH ROW EXECUTE FUNCTION lockstep.fails();
    `);
      const calls = [engine.accept(event("with it")), engine.commit(commit(document("ana"), "no"))];
      expect(await Promise.all(calls.map(failureOf))).toEqual([code, code]);
      expect((await engine.unsettled()).map(({ id }) => id)).toEqual(["before"]);
      await server.sql("DROP FUNCTION lockstep.fails CASCADE");
      expect(await engine.commit(commit(document("ana"), "yes"))).toEqual({
        ok: true,
        generation: 1,
      });
      expect(await engine.accept(event("with it"))).toBe("accepted");
    },
  );
});
