import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { repId } from "../../src/presence/identity.ts";
import type { SqliteOptions } from "../../src/engine/sqlite/database.ts";
import { seal } from "../../src/engine/sqlite/seal.ts";
import { openSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import { registerEngineContract } from "./contract.ts";
import { commit, document, entry, event } from "./sample.ts";
import { openForTest, temporaryDirectory } from "./store.ts";

const PAGE_BYTES = 4_096;

registerEngineContract("sqlite, in memory", async () => {
  const engine = await openSqliteEngine({ path: ":memory:" });
  return { engine, reopen: null, dispose: () => engine.close() };
});

const PLACES = [
  ["in this thread", false],
  ["in a thread of its own", true],
] as const;

for (const [place, inThread] of PLACES) {
  registerEngineContract(`sqlite, on a file, ${place}`, async () => {
    const directory = mkdtempSync(join(tmpdir(), "lockstep-engine-"));
    const path = join(directory, "made", "on", "demand", "lockstep.db");
    let engine = await openSqliteEngine({ path, inThread });
    const reopen = async () => {
      await engine.close();
      engine = await openSqliteEngine({ path, inThread });
      return engine;
    };
    const dispose = async () => {
      await engine.close();
      rmSync(directory, { recursive: true });
    };
    return { engine, reopen, dispose };
  });
}

test.each(PLACES)("opening prints nothing: no warning about an experiment, %s", (_, inThread) => {
  const path = join(temporaryDirectory(), "lockstep.db");
  const url = new URL("../../src/engine/sqlite/sqlite-engine.ts", import.meta.url).href;
  const script = `const { openSqliteEngine } = await import(${JSON.stringify(url)});
    await (await openSqliteEngine(${JSON.stringify({ path, inThread })})).close();`;
  const program = join(temporaryDirectory(), "program.mjs");
  writeFileSync(program, script);
  const told = execFileSync("sh", ["-c", '"$0" "$1" 2>&1', process.execPath, program]);
  expect(told.toString()).toBe("");
});

describe.each(PLACES)("written %s", (_place, inThread) => {
  const open = (options: SqliteOptions) => openSqliteEngine({ inThread, ...options });
  const openUntilEnd = (options: SqliteOptions) => openForTest({ inThread, ...options });

  test("[R62] a patient commit goes with the next that is not, or at the close, or alone when its time is over", async () => {
    const path = join(temporaryDirectory(), "lockstep.db");
    const calm = await open({ path, patienceMs: 3_600_000 });
    const patient = (name: string) => calm.commit({ ...commit(document(name)), patient: true });
    let carried = false;
    const first = patient("ana").then(() => (carried = true));
    await nextTurn();
    await nextTurn();
    expect([carried, await calm.load()]).toEqual([false, []]);
    await Promise.all([first, calm.commit(commit(document("ben")))]);
    expect(await calm.load()).toHaveLength(2);
    const last = patient("cleo");
    await calm.close();
    expect(await last).toMatchObject({ ok: true });
    const brief = await openUntilEnd({ path, patienceMs: 1 });
    expect(await brief.load()).toHaveLength(3);
    expect(await brief.commit({ ...commit(document("dan")), patient: true })).toMatchObject({
      ok: true,
    });
  });

  test("[R364] a commit says where its history begins; one that tells nothing says nothing", async () => {
    const engine = await openUntilEnd({ path: join(temporaryDirectory(), "lockstep.db") });
    const results = await Promise.all([
      engine.commit(commit(document("ana"), "one", "two")),
      engine.commit(commit(document("ana", 7), "conflict")),
      engine.commit(commit(document("ben"))),
      engine.commit(commit(document("cleo"), "three")),
    ]);
    expect(results.map((result) => ("position" in result ? result.position : null))).toEqual([
      1,
      null,
      null,
      3,
    ]);
    expect((await engine.history({ limit: 9 })).map(({ says }) => says)).toEqual([
      "one",
      "two",
      "three",
    ]);
  });

  test("[R386] a file of the first release is brought up to date, with all that is in it", async () => {
    const path = join(temporaryDirectory(), "lockstep.db");
    const engine = await open({ path });
    await engine.commit(commit(document("ana"), "before the update"));
    await engine.accept(event("1"));
    await engine.close();
    const file = new DatabaseSync(path);
    file.exec("DROP TABLE record; DROP TABLE lease; PRAGMA user_version = 1");
    // It stored all that is known of a rep.
    const { identity, rep } = document("ana");
    const whole = JSON.stringify(rep);
    const sum = seal(identity.rep, identity.teamsUserId, identity.systemUserId, 1, whole);
    file.prepare("UPDATE rep SET document = ?, seal = ?").run(whole, sum);
    file.close();
    const updated = await openUntilEnd({ path });
    expect(await updated.load()).toEqual([{ identity, rep, generation: 1 }]);
    expect(await updated.unsettled()).toHaveLength(1);
    await updated.keep({ kind: "conversation", id: "a", body: 1, expiresAtMs: null });
    expect(await updated.kept("conversation")).toHaveLength(1);
  });

  test("a file of a newer release is refused and left as it is", async () => {
    const path = join(temporaryDirectory(), "lockstep.db");
    await (await open({ path })).close();
    const file = new DatabaseSync(path);
    file.exec("PRAGMA user_version = 99");
    file.close();
    const before = readFileSync(path);
    const newer = { name: "EngineError", code: "engine-newer-schema", retry: "rejected" };
    await expect(open({ path })).rejects.toMatchObject(newer);
    await expect(open({ path, readOnly: true })).rejects.toMatchObject(newer);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("a database of another application is refused and left as it is", async () => {
    const path = join(temporaryDirectory(), "theirs.db");
    const file = new DatabaseSync(path);
    file.exec("CREATE TABLE theirs (id)");
    file.close();
    const before = readFileSync(path);
    await expect(open({ path })).rejects.toMatchObject({ code: "engine-not-ours" });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("[R64] a file that is no database is refused with the next step", async () => {
    const path = join(temporaryDirectory(), "lockstep.db");
    writeFileSync(path, "This is the shopping list, and it is rather long.\n".repeat(400));
    const refusal = open({ path });
    await expect(refusal).rejects.toMatchObject({ code: "engine-damaged", retry: "rejected" });
    await expect(refusal).rejects.toThrow(/restore a backup/);
  });

  test("[R64] a table whose definition was changed is refused", async () => {
    const path = join(temporaryDirectory(), "lockstep.db");
    await (await open({ path })).close();
    const file = new DatabaseSync(path);
    file.exec("DROP INDEX inbox_unsettled");
    file.exec("CREATE INDEX inbox_unsettled ON inbox (arrival) WHERE settled = 2");
    file.close();
    await expect(open({ path })).rejects.toMatchObject({ code: "engine-damaged" });
  });

  test("[R64] an index that no longer fits its table is refused: a lookup would miss what is there", async () => {
    const path = join(temporaryDirectory(), "lockstep.db");
    const engine = await open({ path });
    await engine.commit(commit(document("ana"), "said"));
    await engine.close();
    const file = new DatabaseSync(path);
    const index = file
      .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'history_rep'")
      .get();
    file.close();
    const bytes = readFileSync(path);
    const key = bytes.indexOf("ana", (Number(index?.["rootpage"]) - 1) * PAGE_BYTES);
    bytes.write("bob", key);
    writeFileSync(path, bytes);
    await expect(open({ path })).rejects.toMatchObject({ code: "engine-damaged" });
  });

  test("[R61] a file that fails in the middle of a batch undoes the whole batch and nothing else", async () => {
    const path = join(temporaryDirectory(), "lockstep.db");
    const engine = await openUntilEnd({ path });
    await engine.accept(event("before"));
    const vandal = new DatabaseSync(path);
    vandal.exec("DROP TABLE history");
    vandal.close();
    const outcomes = await Promise.allSettled([
      engine.accept(event("with it")),
      engine.commit(commit(document("ana"), "nowhere to write this")),
    ]);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { retry: "unavailable" } });
    }
    expect(await engine.get(repId("ana"))).toBeNull();
    expect(await engine.accept(event("after"))).toBe("accepted");
    expect((await engine.unsettled()).map(({ id }) => id)).toEqual(["before", "after"]);
  });

  test("a path that cannot be written is refused with the next step", async () => {
    const directory = temporaryDirectory();
    const file = join(directory, "a file");
    writeFileSync(file, "");
    mkdirSync(join(directory, "a directory"));
    for (const path of [join(file, "lockstep.db"), join(directory, "a directory")]) {
      const refusal = open({ path });
      await expect(refusal).rejects.toMatchObject({
        name: "EngineError",
        code: "engine-unwritable",
      });
      await expect(refusal).rejects.toThrow(/choose another path/);
    }
  });

  test("a reader of a file that is not there, or was never brought up to date, is told to start the service", async () => {
    const path = join(temporaryDirectory(), "lockstep.db");
    const missing = { code: "engine-missing", retry: "unavailable" };
    await expect(open({ path, readOnly: true })).rejects.toMatchObject(missing);
    writeFileSync(path, "");
    const older = { code: "engine-older-schema", retry: "unavailable" };
    await expect(open({ path, readOnly: true })).rejects.toMatchObject(older);
  });

  test("a read-only opener sees each new commit, and every write of its own rejects", async () => {
    const path = join(temporaryDirectory(), "lockstep.db");
    const service = await openUntilEnd({ path });
    const reader = await openUntilEnd({ path, readOnly: true });
    for (let generation = 0; generation < 3; generation += 1) {
      await service.commit(commit(document("ana", generation), `${generation}`));
      expect(
        (await reader.history({ limit: 10, after: generation })).map(({ says }) => says),
      ).toEqual([`${generation}`]);
    }
    await service.accept(event("1"));
    expect(await reader.unsettled()).toHaveLength(1);
    expect(await reader.load()).toEqual([{ ...document("ana", 2), generation: 3 }]);
    const writes = [
      reader.commit(commit(document("ana", 3))),
      reader.accept(event("2")),
      reader.remove(repId("ana")),
      reader.prune(9_000),
    ];
    for (const outcome of await Promise.allSettled(writes)) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "engine-read-only" } });
    }
    expect((await service.get(repId("ana")))?.generation).toBe(3);
  });

  test("while another process holds the write lock, writes are unavailable; after that they go on", async () => {
    const path = join(temporaryDirectory(), "lockstep.db");
    const engine = await openUntilEnd({ path });
    const other = new DatabaseSync(path);
    onTestFinished(() => other.close());
    other.exec("BEGIN IMMEDIATE");
    const busy = { name: "EngineError", code: "engine-busy", retry: "unavailable" };
    await expect(engine.commit(commit(document("ana")))).rejects.toMatchObject(busy);
    expect(await engine.get(repId("ana"))).toBeNull();
    other.exec("ROLLBACK");
    expect(await engine.commit(commit(document("ana")))).toMatchObject({ ok: true, generation: 1 });
  });

  test("[R60] two services on one file: the second to commit a generation conflicts", async () => {
    const path = join(temporaryDirectory(), "lockstep.db");
    const [one, two] = [await openUntilEnd({ path }), await openUntilEnd({ path })];
    await one.commit(commit(document("ana")));
    const results = await Promise.all([
      one.commit(commit(document("ana", 1, 10))),
      two.commit(commit(document("ana", 1, 20))),
    ]);
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
  });

  test("[R62] a full store fails its batch whole, still reads, and goes on when there is space", async () => {
    const path = join(temporaryDirectory(), "lockstep.db");
    const engine = await openUntilEnd({ path, maxBytes: 1_000_000 });
    const long = "x".repeat(20_000);
    let generation = 0;
    const bulky = () => engine.commit(commit(document("ana", generation), long));
    let failure: unknown = null;
    while (failure === null && generation < 1_000) {
      try {
        const result = await bulky();
        if (result.ok) generation = result.generation;
      } catch (error) {
        failure = error;
      }
    }
    expect(failure).toMatchObject({
      name: "EngineError",
      code: "engine-full",
      retry: "unavailable",
    });
    expect(String(failure)).toMatch(/free disk space/);

    const innocent = engine.commit(commit(document("ben"), "small"));
    const outcomes = await Promise.allSettled([innocent, bulky()]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await engine.get(repId("ben"))).toBeNull();
    expect((await engine.get(repId("ana")))?.generation).toBe(generation);
    expect(await engine.history({ limit: 1_000 })).toHaveLength(generation);

    await engine.prune(9_000);
    expect(await bulky()).toMatchObject({ ok: true, generation: generation + 1 });
    expect(await engine.commit(commit(document("ben"), "small"))).toMatchObject({ ok: true });
  });

  test("[R62] F19 a full disk is survived: nothing acknowledged is lost, and the store goes on when there is space", async (context) => {
    const disk = mountSmallDisk();
    if (!disk) return context.skip("only root on Linux can mount a small disk");
    const path = join(disk, "lockstep.db");
    const ballast = join(disk, "ballast");
    writeFileSync(ballast, Buffer.alloc(1_000_000));
    const engine = await openUntilEnd({ path });
    let generation = 0;
    let failure: unknown = null;
    const next = () => {
      const history = [entry(repId("ana"), "x".repeat(5_000))];
      return engine.commit({ document: document("ana", generation), history, settles: [] });
    };
    while (failure === null && generation < 2_000) {
      try {
        const result = await next();
        if (result.ok) generation = result.generation;
      } catch (error) {
        failure = error;
      }
    }
    expect(failure).toMatchObject({
      name: "EngineError",
      code: "engine-full",
      retry: "unavailable",
    });
    expect((await engine.get(repId("ana")))?.generation).toBe(generation);
    rmSync(ballast);
    expect(await next()).toMatchObject({ ok: true, generation: generation + 1 });
    await engine.close();
    const again = await openUntilEnd({ path });
    expect((await again.get(repId("ana")))?.generation).toBe(generation + 1);
  });
});

/** A directory of 4 MB that fills up, or `null` where it cannot be had. Call it before anything is opened in it. */
function mountSmallDisk(): string | null {
  const directory = mkdtempSync(join(tmpdir(), "lockstep-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", directory], {
      stdio: "ignore",
    });
  } catch {
    rmSync(directory, { recursive: true });
    return null;
  }
  onTestFinished(() => {
    execFileSync("umount", [directory]);
    rmSync(directory, { recursive: true });
  });
  return directory;
}
