import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { openPostgresEngine } from "../../src/engine/postgres/postgres-engine.ts";
import type { StoredHistoryEntry } from "../../src/engine/engine.ts";
import { PostgresServer } from "../engine/postgres-server.ts";
import { REPS, SHARDS } from "./fleet.ts";

const CHILD = fileURLToPath(new URL("./instance-child.ts", import.meta.url));

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start(["fsync = off"]);
});
afterAll(() => server.dispose());

/** A real process, and the shards that it last said it has. */
class Instance {
  readonly process: ChildProcess;
  #has: readonly number[] = [];
  #changed = Promise.withResolvers<void>();

  constructor(name: string) {
    const child = spawn(process.execPath, [CHILD, server.url(), name], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.process = child;
    onTestFinished(() => void child.kill("SIGKILL"));
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.#has = JSON.parse(line) as number[];
      this.#changed.resolve();
      this.#changed = Promise.withResolvers<void>();
    });
  }

  /** Resolves when it has so many shards. The test's own time limit ends a wait in vain. */
  async has(shards: number): Promise<void> {
    while (this.#has.length !== shards) await this.#changed.promise;
  }

  async leave(): Promise<void> {
    this.process.stdin?.end();
    await once(this.process, "exit");
  }
}

async function history(): Promise<readonly StoredHistoryEntry[]> {
  const engine = await openPostgresEngine({ url: server.url(), readOnly: true });
  const told: StoredHistoryEntry[] = [];
  for (;;) {
    const page = await engine.history({ after: told.at(-1)?.position ?? 0, limit: 1_000 });
    told.push(...page);
    if (page.length === 0) break;
  }
  await engine.close();
  return told;
}

/** For each rep the instances that wrote to her, in order, each named once for each time that it had the right. */
function tenuresIn(
  told: readonly StoredHistoryEntry[],
): Map<string, [fence: number, by: string][]> {
  const tenures = new Map<string, [fence: number, by: string][]>();
  for (const { rep, detail } of told) {
    const of = tenures.get(rep) ?? [];
    const last = of.at(-1);
    const [fence, by] = [Number(detail["fence"]), String(detail["instance"])];
    if (last?.[0] !== fence || last[1] !== by) of.push([fence, by]);
    tenures.set(rep, of);
  }
  return tenures;
}

test("[R259] instances share the reps; who dies, hangs or leaves is replaced, and no rep is ever written by two", async () => {
  const first = new Instance("first");
  await first.has(SHARDS);
  const second = new Instance("second");
  await Promise.all([first.has(SHARDS / 2), second.has(SHARDS / 2)]);

  first.process.kill("SIGKILL");
  await second.has(SHARDS);

  const third = new Instance("third");
  await Promise.all([second.has(SHARDS / 2), third.has(SHARDS / 2)]);
  second.process.kill("SIGSTOP");
  await third.has(SHARDS);
  second.process.kill("SIGCONT");
  await Promise.all([second.has(SHARDS / 2), third.has(SHARDS / 2)]);

  await third.leave();
  await second.has(SHARDS);
  await second.leave();

  const told = await history();
  const tenures = tenuresIn(told);
  expect([...tenures.keys()].toSorted()).toEqual(REPS.toSorted());
  for (const [rep, of] of tenures) {
    // A right that passed on never comes back: its number rises from one to the next, and each has one holder.
    const fences = of.map(([fence]) => fence);
    expect(fences, rep).toEqual([...new Set(fences)].toSorted((a, b) => a - b));
  }
  const writers = new Set([...tenures.values()].flat().map(([, by]) => by));
  expect(writers).toEqual(new Set(["first", "second", "third"]));
}, 120_000);

test("[R258] [R259] instances go on after the server was restarted, and one still replaces the other", async () => {
  const [first, second] = [new Instance("fourth"), new Instance("fifth")];
  await Promise.all([first.has(SHARDS / 2), second.has(SHARDS / 2)]);
  await server.kill();
  await server.run();
  first.process.kill("SIGKILL");
  await second.has(SHARDS);
  const before = (await history()).length;
  let told = before;
  while (told === before) told = (await history()).length;
  expect(told).toBeGreaterThan(before);
  await second.leave();
}, 120_000);
