import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import type { Engine, StoredHistoryEntry } from "../../src/engine/engine.ts";
import { EngineError } from "../../src/engine/engine-error.ts";
import { openSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import { repId } from "../../src/presence/identity.ts";
import { commit, document, entry, event } from "./sample.ts";
import { openForTest, randomFrom, temporaryDirectory } from "./store.ts";

const CHILD = fileURLToPath(new URL("./committing-child.ts", import.meta.url));

async function wholeHistory(engine: Engine): Promise<StoredHistoryEntry[]> {
  const lines: StoredHistoryEntry[] = [];
  for (;;) {
    const page = await engine.history({ after: lines.at(-1)?.position ?? 0, limit: 1_000 });
    if (page.length === 0) return lines;
    lines.push(...page);
  }
}

function startCommitting(path: string, round: number) {
  const child = spawn(process.execPath, [CHILD, path, `${round}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return { child, lines: createInterface({ input: child.stdout }) };
}

/** Lets a process commit until it has acknowledged `enough` calls, kills it, and tells all it acknowledged. */
async function acknowledgedUntilKilled(path: string, round: number, enough: number) {
  const { child, lines } = startCommitting(path, round);
  const acknowledged: string[] = [];
  for await (const line of lines) {
    acknowledged.push(line);
    if (acknowledged.length === enough) child.kill("SIGKILL");
  }
  if (child.signalCode === null) await once(child, "exit");
  expect(child.signalCode).toBe("SIGKILL");
  return acknowledged;
}

test("[R61] [R62] [R63] a killed process loses nothing it acknowledged, and leaves no half commit", async () => {
  const path = join(temporaryDirectory(), "lockstep.db");
  const random = randomFrom(62);
  const everAccepted = new Set<string>();
  for (let round = 0; round < 12; round += 1) {
    const enough = 20 + Math.floor(random() * 400);
    const acknowledged = await acknowledgedUntilKilled(path, round, enough);
    expect(acknowledged.length).toBeGreaterThanOrEqual(enough);

    const engine = await openSqliteEngine({ path });
    const generations = new Map(
      (await engine.load()).map((found) => [found.identity.rep, found.generation]),
    );
    for (const line of acknowledged) {
      const [verb, subject = "", generation] = line.split(" ");
      if (verb === "accepted") everAccepted.add(subject);
      else expect(generations.get(repId(subject))).toBeGreaterThanOrEqual(Number(generation));
    }
    const told = await wholeHistory(engine);
    for (const [rep, generation] of generations) {
      const expected = Array.from({ length: generation }, (_, n) => [
        `${n + 1} first`,
        `${n + 1} second`,
      ]);
      expect(told.filter((line) => line.rep === rep).map(({ says }) => says)).toEqual(
        expected.flat(),
      );
      expect((await engine.get(rep))?.rep.intent).toBe(generation);
    }
    const open = (await engine.unsettled()).map(({ id }) => id);
    for (const id of open) {
      const [name = "", inRound, generation] = id.split("/");
      const stored = generations.get(repId(name)) ?? 0;
      if (inRound === `${round}`) expect(Number(generation)).toBeGreaterThan(stored);
    }
    for (const id of everAccepted) expect(await engine.accept(event(id))).toBe("duplicate");
    await engine.close();
  }
}, 120_000);

test("a second process reads along while the service commits", async () => {
  const path = join(temporaryDirectory(), "lockstep.db");
  const { child, lines } = startCommitting(path, 0);
  const stdout = lines[Symbol.asyncIterator]();
  await stdout.next();
  const reader = await openForTest({ path, readOnly: true });
  const tailed: StoredHistoryEntry[] = [];
  while (tailed.length < 500) {
    await stdout.next();
    tailed.push(...(await reader.history({ after: tailed.at(-1)?.position ?? 0, limit: 50 })));
  }
  child.kill("SIGKILL");
  expect(tailed.map(({ position }) => position)).toEqual(tailed.map((_, at) => at + 1));
}, 60_000);

test("[R61] [R64] F18 a torn log opens, and holds a prefix of what was acknowledged, never half of a commit", async () => {
  const directory = temporaryDirectory();
  const path = join(directory, "lockstep.db");
  const engine = await openForTest({ path });
  const acknowledged: string[] = [];
  for (let generation = 0; generation < 60; generation += 1) {
    const says = [`${generation} first`, `${generation} second`];
    await engine.commit(commit(document("ana", generation), ...says));
    acknowledged.push(...says);
  }
  const log = readFileSync(`${path}-wal`);
  const kept = new Set<number>();
  for (let seed = 0; seed < 80; seed += 1) {
    const random = randomFrom(seed);
    const torn = Buffer.from(log);
    const at = Math.floor(random() * log.length);
    // A crash leaves a short file, or a full-length one whose last blocks never arrived.
    const zeroed = seed % 2 === 1;
    const copy = join(directory, `torn-${seed}.db`);
    copyFileSync(path, copy);
    writeFileSync(`${copy}-wal`, zeroed ? torn.fill(0, at) : torn.subarray(0, at));

    const survivor = await openSqliteEngine({ path: copy });
    const told = (await wholeHistory(survivor)).map(({ says }) => says);
    expect(told).toEqual(acknowledged.slice(0, told.length));
    expect(told.length % 2).toBe(0);
    const found = await survivor.get(repId("ana"));
    expect(found?.generation ?? 0).toBe(told.length / 2);
    expect(found?.rep.intent ?? 0).toBe(told.length / 2);
    const goesOn = commit(document("ana", told.length / 2), "after the crash");
    expect(await survivor.commit(goesOn)).toMatchObject({ ok: true });
    await survivor.close();
    kept.add(told.length);
  }
  expect(kept.size).toBeGreaterThan(20);
}, 60_000);

/** Everything that the port can tell about the store in `path`. */
async function readEverything(path: string): Promise<string> {
  const engine = await openSqliteEngine({ path });
  try {
    const documents = await engine.load();
    const byRep = [];
    for (const { identity } of documents) {
      byRep.push(await engine.get(identity.rep));
      byRep.push(await engine.history({ rep: identity.rep, limit: 1_000 }));
    }
    const told = await wholeHistory(engine);
    const recent = await engine.history({ sinceMs: 5, limit: 1_000 });
    const unsettled = await engine.unsettled();
    const repeated = [];
    for (let n = 0; n < 40; n += 1) repeated.push(await engine.accept(event(`${n}`)));
    return JSON.stringify({ documents, byRep, told, recent, unsettled, repeated });
  } finally {
    await engine.close();
  }
}

test("[R64] F18 a flipped bit anywhere in the file is refused or does no harm; nothing wrong is ever told", async () => {
  const directory = temporaryDirectory();
  const path = join(directory, "lockstep.db");
  const engine = await openSqliteEngine({ path });
  for (let n = 0; n < 40; n += 1) {
    const name = `rep-${n}`;
    const settles = n % 2 === 0 ? [{ source: "desk-phone", id: `${n}` }] : [];
    await engine.accept(event(`${n}`, repId(name)));
    const history = [
      entry(repId(name), `${name} first`, n),
      entry(repId(name), `${name} second`, n),
    ];
    await engine.commit({ document: document(name), history, settles });
  }
  await engine.close();
  const sound = readFileSync(path);
  const told = await readEverything(path);

  const refusals = new Map<string, number>();
  let harmless = 0;
  for (let seed = 0; seed < 600; seed += 1) {
    const random = randomFrom(seed);
    const flipped = Buffer.from(sound);
    // The header and the schema page decide most and are small, so they get a third each.
    const reach = [100, 4_096, flipped.length][seed % 3] ?? flipped.length;
    const at = Math.floor(random() * reach);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    const copy = join(directory, `flipped-${seed}.db`);
    writeFileSync(copy, flipped);
    try {
      expect(await readEverything(copy), `seed ${seed}, byte ${at}`).toBe(told);
      harmless += 1;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      refusals.set(error.code, (refusals.get(error.code) ?? 0) + 1);
    }
  }
  // A flip can also hit the version, the owner's mark, or the byte that says whether the file may be written.
  const codes = ["engine-damaged", "engine-newer-schema", "engine-not-ours", "engine-unwritable"];
  expect([...refusals.keys()].filter((code) => !codes.includes(code))).toEqual([]);
  expect(refusals.get("engine-damaged")).toBeGreaterThan(100);
  expect(harmless).toBeGreaterThan(0);
}, 120_000);
