import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { expect, onTestFinished, test } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { repId } from "../../src/presence/identity.ts";
import { commit, document, event } from "./sample.ts";
import { openForTest, temporaryDirectory, transactionsIn } from "./store.ts";

type Opened = { readonly path: string; readonly engine: Engine; readonly thread: Worker };

/** An engine that writes in a thread, and the thread. */
async function open(): Promise<Opened> {
  const path = join(temporaryDirectory(), "lockstep.db");
  const begun = once(process, "worker") as Promise<[Worker]>;
  const engine = await openForTest({ path, inThread: true });
  const [thread] = await begun;
  return { path, engine, thread };
}

/** Holds the file's write lock, so that whoever writes waits: a second at most. */
function lock(path: string): { free: () => void } {
  const other = new DatabaseSync(path);
  onTestFinished(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  return { free: () => other.exec("ROLLBACK") };
}

test("[R360] while a batch is being written the event loop goes on, and reads tell what is committed", async () => {
  const { path, engine } = await open();
  await engine.commit(commit(document("ana"), "first"));
  const held = lock(path);
  const second = engine.commit(commit(document("ana", 1), "second"));
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
  expect(await engine.get(repId("ana"))).toMatchObject({ generation: 1 });
  expect(await engine.history({ limit: 9 })).toHaveLength(1);
  held.free();
  expect(await second).toMatchObject({ ok: true, generation: 2 });
  expect(await engine.get(repId("ana"))).toMatchObject({ generation: 2 });
  expect(await engine.history({ limit: 9 })).toHaveLength(2);
});

test("[R361] calls that come while a batch is being written share the next one, in the order in which they came", async () => {
  const { path, engine } = await open();
  const before = transactionsIn(path);
  const held = lock(path);
  const answers = [engine.accept(event("0"))];
  for (let n = 1; n <= 30; n += 1) {
    await nextTurn();
    answers.push(engine.accept(event(`${n}`)), engine.accept(event(`${n}`)));
  }
  held.free();
  const told = await Promise.all(answers);
  expect(told.filter((answer) => answer === "accepted")).toHaveLength(31);
  expect(told.slice(1)).toEqual(
    Array.from({ length: 30 }, () => ["accepted", "duplicate"] as const).flat(),
  );
  expect((await engine.unsettled()).map(({ id }) => Number(id))).toEqual(
    Array.from({ length: 31 }, (_, n) => n),
  );
  expect(transactionsIn(path) - before).toBe(2);
});

test("[R362] a thread that ends fails what it was given, and the next write has a new one", async () => {
  const { path, engine, thread } = await open();
  await engine.commit(commit(document("ana"), "before"));
  const held = lock(path);
  const unknown = engine.commit(commit(document("ben"), "unknown"));
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
  const later = engine.commit(commit(document("cleo"), "later"));
  const ended = { name: "EngineError", code: "engine-thread-ended", retry: "unavailable" };
  const [outcome] = await Promise.all([
    Promise.allSettled([unknown]).then(([first]) => {
      held.free();
      return first;
    }),
    thread.terminate(),
  ]);
  expect(outcome).toMatchObject({ status: "rejected", reason: ended });
  expect(await later).toMatchObject({ ok: true });
  expect(await engine.get(repId("ana"))).toMatchObject({ generation: 1 });
  expect(await engine.get(repId("cleo"))).toMatchObject({ generation: 1 });
  const ben = await engine.get(repId("ben"));
  const told = (await engine.history({ limit: 9 })).map(({ says }) => says);
  expect(told).toEqual(ben ? ["before", "unknown", "later"] : ["before", "later"]);
});

test("[R362] a thread that ended while nothing was asked of it is missed by nobody", async () => {
  const { engine, thread } = await open();
  await engine.commit(commit(document("ana")));
  await thread.terminate();
  expect(await engine.commit(commit(document("ana", 1)))).toMatchObject({
    ok: true,
    generation: 2,
  });
  await thread.terminate();
});

test("[R363] a process whose store is open ends by itself, when what it asked has been carried out", async () => {
  const path = join(temporaryDirectory(), "lockstep.db");
  const [engine, sample] = ["../../src/engine/sqlite/sqlite-engine.ts", "./sample.ts"].map((file) =>
    JSON.stringify(new URL(file, import.meta.url).href),
  );
  const script = `
    const { openSqliteEngine } = await import(${engine});
    const { commit, document } = await import(${sample});
    const store = await openSqliteEngine({ path: ${JSON.stringify(path)}, inThread: true });
    void store.commit(commit(document("ana"))).then(({ ok }) => console.log(ok));`;
  const program = join(temporaryDirectory(), "program.mjs");
  writeFileSync(program, script);
  const told = execFileSync(process.execPath, [program]);
  expect(told.toString()).toBe("true\n");
  const again = await openForTest({ path });
  expect(await again.get(repId("ana"))).toMatchObject({ generation: 1 });
});
