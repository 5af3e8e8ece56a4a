import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { copyEngine } from "../../src/engine/copy.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { openPostgresEngine } from "../../src/engine/postgres/postgres-engine.ts";
import { repId } from "../../src/presence/identity.ts";
import { PostgresServer } from "./postgres-server.ts";
import { commit, document, entry, event } from "./sample.ts";
import { openForTest } from "./store.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start(["fsync = off"]);
});
afterAll(() => server.dispose());
beforeEach(() => server.sql("DROP SCHEMA IF EXISTS lockstep CASCADE"));

async function openPostgres(): Promise<Engine> {
  const engine = await openPostgresEngine({ url: server.url() });
  onTestFinished(() => engine.close());
  return engine;
}

/** Everything that an engine keeps, but for what each counts by itself. */
async function allOf(engine: Engine): Promise<unknown> {
  const history: unknown[] = [];
  for (let after = 0; ;) {
    const page = await engine.history({ after, limit: 1_000 });
    if (page.length === 0) break;
    after = page.at(-1)?.position ?? 0;
    history.push(...page);
  }
  const reps = (await engine.load()).map(({ identity, rep }) => ({ identity, rep }));
  const kinds = await engine.kinds();
  const records = await Promise.all(kinds.map((kind) => engine.kept(kind)));
  return {
    history,
    reps,
    records,
    open: await engine.unsettled(),
    settled: await engine.settled(),
  };
}

async function fill(engine: Engine): Promise<void> {
  const strange = "Ünïcødé \u0000 🦊";
  // What was pruned leaves a gap.
  await engine.commit(commit(document("rep-1100"), "long ago"));
  await engine.prune(Date.now() * 2);
  const names = Array.from({ length: 1_100 }, (_, n) => `rep-${n % 2 === 0 ? n : -n}`);
  for (let round = 0; round < 2; round += 1) {
    const says = (name: string): string => `${name}, round ${round}`;
    await Promise.all(
      names.map((name) => engine.commit(commit(document(name, round), says(name)))),
    );
  }
  await engine.commit({
    document: document(strange),
    // Clocks jump; the order of what was told does not follow them.
    history: [entry(repId(strange), "late", 90_000), entry(repId(strange), "early", 10)],
    settles: [],
  });
  for (const id of ["z", "a", strange, "m"]) await engine.accept(event(id));
  await engine.settle([
    { source: "desk-phone", id: "a" },
    { source: "desk-phone", id: strange },
  ]);
  await engine.keep({ kind: "pause", id: "all", body: { by: "an operator" }, expiresAtMs: null });
  await engine.keep({ kind: "subscription", id: "1", body: [1, null], expiresAtMs: 99.5 });
  await engine.remove(repId("rep-0"));
  await engine.remove(repId("rep-1100"));
}

test("[R262] a file becomes a database and a file again, and nothing is lost on the way", async () => {
  const file = await openForTest({ path: ":memory:" });
  await fill(file);
  const before = await allOf(file);
  const database = await openPostgres();
  const copied = await copyEngine(file, database);
  expect(copied).toEqual({ reps: 1_100, history: 2_202, events: 4, records: 2 });
  expect(await allOf(database)).toEqual(before);
  expect(await allOf(file)).toEqual(before);
  const again = await openForTest({ path: ":memory:" });
  await copyEngine(database, again);
  expect(await allOf(again)).toEqual(before);
});

test("[R262] work goes on where it was: who was settled is a duplicate, and the next commit follows", async () => {
  const file = await openForTest({ path: ":memory:" });
  await fill(file);
  const database = await openPostgres();
  await copyEngine(file, database);
  expect(await database.accept(event("a"))).toBe("duplicate");
  expect(await database.accept(event("z"))).toBe("duplicate");
  expect(await database.accept(event("new"))).toBe("accepted");
  const last = 2_203;
  expect(await database.history({ after: last, limit: 1 })).toEqual([]);
  const rep = await database.get(repId("rep-2"));
  if (!rep) throw new Error("she was not copied");
  const next = { document: rep, history: [entry(rep.identity.rep, "next")], settles: [] };
  expect(await database.commit(next)).toMatchObject({ ok: true });
  expect(await database.history({ after: last, limit: 9 })).toMatchObject([{ position: last + 1 }]);
});

test.each<readonly [string, (engine: Engine) => Promise<unknown>]>([
  ["a rep", (engine) => engine.commit(commit(document("ana")))],
  ["an event", (engine) => engine.accept(event("1"))],
  ["a record", (engine) => engine.keep({ kind: "a", id: "b", body: 1, expiresAtMs: null })],
])("[R262] a store that holds %s is not copied into, and stays as it is", async (_, put) => {
  const [from, to] = [
    await openForTest({ path: ":memory:" }),
    await openForTest({ path: ":memory:" }),
  ];
  await fill(from);
  await put(to);
  const before = await allOf(to);
  const refused = { name: "EngineError", code: "engine-not-empty", retry: "rejected" };
  await expect(copyEngine(from, to)).rejects.toMatchObject(refused);
  expect(await allOf(to)).toEqual(before);
});
