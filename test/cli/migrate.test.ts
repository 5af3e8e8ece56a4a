import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { repId } from "../../src/presence/identity.ts";
import { openStore } from "../../src/store.ts";
import { eventually } from "../service/launch.ts";
import { PostgresServer } from "../engine/postgres-server.ts";
import { commit, document, event } from "../engine/sample.ts";
import { run } from "./terminal.ts";

let server: PostgresServer;
let root: string;
let [file, database, turn] = ["", "", 0];
beforeAll(async () => {
  server = await PostgresServer.start(["fsync = off"]);
  root = await mkdtemp(join(tmpdir(), "lockstep-"));
});
afterAll(async () => {
  await server.dispose();
  await rm(root, { recursive: true });
});
beforeEach(async () => {
  turn += 1;
  await server.sql(`CREATE DATABASE site_${turn}`);
  file = `sqlite:${root}/${turn}.db`;
  database = server.url(`site_${turn}`);
});

async function at<Result>(url: string, work: (engine: Engine) => Promise<Result>): Promise<Result> {
  const engine = await openStore(
    url.startsWith("sqlite:")
      ? { kind: "sqlite", path: url.slice("sqlite:".length) }
      : { kind: "postgres", url },
  );
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}

const fill = (url: string): Promise<void> =>
  at(url, async (engine) => {
    await engine.commit(commit(document("ana"), "one", "two"));
    await engine.commit(commit(document("ben"), "three"));
    await engine.accept(event("open"));
    await engine.accept(event("settled"));
    await engine.settle([{ source: "desk-phone", id: "settled" }]);
    await engine.keep({ kind: "board", id: "1", body: { after: 2 }, expiresAtMs: null });
  });

const told = (url: string): Promise<readonly (readonly [number, string])[]> =>
  at(url, async (engine) =>
    (await engine.history({ limit: 9 })).map(({ position, says }) => [position, says] as const),
  );

const migrate = (...argv: string[]) => run({}, ["migrate", ...argv]);

test("[R262] what would be copied is shown, --yes copies it, and back again, and the source stays", async () => {
  await fill(file);
  const shown = await migrate(file, database);
  expect(shown).toMatchObject({ exit: 1, said: "" });
  expect(shown.printed).toContain("2 reps, 3 entries of history, 2 events, 1 records");
  expect(
    await server.sql("SELECT FROM pg_namespace WHERE nspname = 'lockstep'", `site_${turn}`),
  ).toEqual([]);

  const done = await migrate(file, database, "--yes", "--json");
  expect(done).toMatchObject({ exit: 0, said: "" });
  expect(JSON.parse(done.printed)).toEqual({
    reps: 2,
    history: 3,
    events: 2,
    records: 1,
    applied: true,
  });
  const there = [
    [1, "one"],
    [2, "two"],
    [3, "three"],
  ];
  expect(await told(database)).toEqual(there);
  expect(await told(file)).toEqual(there);
  const back = `sqlite:${root}/${turn}-back.db`;
  expect(await migrate(database, back, "--yes")).toMatchObject({ exit: 0 });
  expect(await told(back)).toEqual(there);
  await at(back, async (engine) => {
    expect((await engine.unsettled()).map(({ id }) => id)).toEqual(["open"]);
    expect(await engine.accept(event("settled"))).toBe("duplicate");
    expect(await engine.get(repId("ben"))).toMatchObject({ identity: document("ben").identity });
  });
});

test("[R262] a target that holds something, and a source that is used or is not there, are left as they are", async () => {
  await fill(file);
  await fill(database);
  for (const yes of [[], ["--yes"]]) {
    const refused = await migrate(file, database, ...yes, "--json");
    expect(refused.exit).toBe(2);
    expect(JSON.parse(refused.printed)).toMatchObject({ error: { code: "cli-migrate-not-empty" } });
  }
  expect(await told(database)).toHaveLength(3);
  const fresh = `sqlite:${root}/${turn}-fresh.db`;
  await at(database, (engine) => engine.lease("desk", "somebody", 60_000));
  const used = await migrate(database, fresh, "--yes", "--json");
  expect(JSON.parse(used.printed)).toMatchObject({ error: { code: "cli-migrate-in-use" } });
  const missing = await migrate(fresh, database, "--json");
  expect(JSON.parse(missing.printed)).toMatchObject({ error: { code: "engine-missing" } });
});

test("[R392] a copy that was killed is used by nobody, and says what is to be done; done again, it is whole", async () => {
  await fill(file);
  // The tables are there, and one of them is somebody else's for now.
  await at(database, async () => undefined);
  const holder = new pg.Client({ connectionString: database });
  await holder.connect();
  await holder.query("BEGIN");
  await holder.query("LOCK TABLE lockstep.rep IN EXCLUSIVE MODE");
  const main = join(import.meta.dirname, "../../src/cli/main.ts");
  const copying = spawn(process.execPath, [main, "migrate", file, database, "--yes"], { env: {} });
  const ended = once(copying, "exit");
  await eventually("a part is copied", async () => {
    const waiting =
      "SELECT FROM pg_locks WHERE NOT granted AND relation = 'lockstep.rep'::regclass";
    return (await holder.query(waiting)).rowCount === 1;
  });
  copying.kill("SIGKILL");
  await ended;
  await holder.query("ROLLBACK");
  await holder.end();
  const half = { code: "engine-half-copied" };
  await expect(openStore({ kind: "postgres", url: database })).rejects.toMatchObject(half);
  const again = await migrate(file, database, "--yes", "--json");
  expect(JSON.parse(again.printed)).toMatchObject({ error: half });
  const back = await migrate(database, `sqlite:${root}/${turn}-back.db`, "--yes", "--json");
  expect(JSON.parse(back.printed)).toMatchObject({ error: half });
  await server.sql("DROP SCHEMA lockstep CASCADE", `site_${turn}`);
  expect(await migrate(file, database, "--yes")).toMatchObject({ exit: 0 });
  expect(await told(database)).toHaveLength(3);
});

test("[R262] [R392] a source that changes while it is copied is noticed, and the copy is used by nobody", async () => {
  await fill(file);
  await at(file, async (engine) => {
    const many = Array.from({ length: 3_000 }, (_, n) => engine.accept(event(`e-${n}`)));
    await Promise.all(many);
    const copying = migrate(file, database, "--yes", "--json");
    const isOver = copying.then(() => true);
    for (let n = 0; !(await Promise.race([isOver, nextTurn(false)])); n += 1) {
      await engine.keep({ kind: "board", id: "1", body: { n }, expiresAtMs: null });
    }
    const { exit, printed } = await copying;
    expect(exit).toBe(2);
    expect(JSON.parse(printed)).toMatchObject({ error: { code: "cli-migrate-changed" } });
    await expect(openStore({ kind: "postgres", url: database })).rejects.toMatchObject({
      code: "engine-half-copied",
    });
  });
});

test("an address that cannot be used is refused, and its password is not repeated", async () => {
  for (const argv of [
    ["mysql://a:secret@b/c", file],
    [file, "postgres://a:secret@b"],
    [file, file],
  ]) {
    const { exit, printed, said } = await migrate(...argv);
    expect(exit).toBe(64);
    expect(printed + said).not.toContain("secret");
  }
});
