import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { generate } from "selfsigned";
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
} from "vitest";
import { database } from "../../src/config-kinds.ts";
import { createLoopbackTls } from "../../src/emulators/tls.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { openPostgresJobs } from "../../src/engine/postgres/jobs.ts";
import { openPostgresEngine } from "../../src/engine/postgres/postgres-engine.ts";
import type { PostgresOptions } from "../../src/engine/postgres/postgres-engine.ts";
import { repId } from "../../src/presence/identity.ts";
import { stored } from "../../src/reconcile/stored.ts";
import { eventually } from "../service/launch.ts";
import { registerEngineContract } from "./contract.ts";
import { PostgresServer } from "./postgres-server.ts";
import { commit, document, entry, event } from "./sample.ts";
import { temporaryDirectory } from "./store.ts";

const DAY_MS = 86_400_000;
const DAY_ENDS_MS = 60_000;

let server: PostgresServer;
let tls: Awaited<ReturnType<typeof createLoopbackTls>>;
beforeAll(async () => {
  tls = await createLoopbackTls(Date.now());
  // Nobody pulls a plug here; the tests of crashes have a server of their own.
  server = await PostgresServer.start(["ssl = on", "fsync = off"], {
    "server.crt": tls.certPem,
    "server.key": tls.keyPem,
  });
});
afterAll(() => server.dispose());
afterEach(() => server.sql("DROP SCHEMA IF EXISTS lockstep CASCADE"));

registerEngineContract("postgres", async () => {
  const url = server.url();
  let engine = await openPostgresEngine({ url });
  const reopen = async () => {
    await engine.close();
    engine = await openPostgresEngine({ url });
    return engine;
  };
  return { engine, reopen, dispose: () => engine.close() };
});

/** An engine that is closed when the test ends. */
async function open(options: Partial<PostgresOptions> = {}): Promise<Engine> {
  const engine = await openPostgresEngine({ url: server.url(), ...options });
  onTestFinished(() => engine.close());
  return engine;
}

const now = async (): Promise<number> => {
  const [row] = await server.sql("SELECT extract(epoch FROM now())::double precision * 1000 AS ms");
  return Number(row?.["ms"]);
};

async function partitions(): Promise<string[]> {
  const rows = await server.sql(
    "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'lockstep.history'::regclass",
  );
  return rows.map(({ name }) => String(name).replace("lockstep.", "")).toSorted();
}

const dayOf = (ms: number): string =>
  `history_${new Date(ms).toISOString().slice(0, 10).replaceAll("-", "")}`;

describe("the schema", () => {
  test("[R252] ten instances that start together make it once, and all work", async () => {
    const engines = await Promise.all(Array.from({ length: 10 }, () => open({ connections: 2 })));
    const commits = engines.map((engine, at) => engine.commit(commit(document(`rep-${at}`))));
    expect((await Promise.all(commits)).every(({ ok }) => ok)).toBe(true);
    expect(await engines[0]?.load()).toHaveLength(10);
  });

  test("[R386] a rep is stored whole, as an instance of the release before would read her, and read if she is not", async () => {
    const engine = await open();
    await engine.commit(commit(document("ana")));
    const { identity, rep } = document("ana");
    const [row] = await server.sql("SELECT document FROM lockstep.rep");
    expect(JSON.parse(String(row?.["document"]))).toEqual(rep);
    await server.sql(`UPDATE lockstep.rep SET document = '${JSON.stringify(stored(rep))}'`);
    expect(await engine.load()).toEqual([{ identity, rep, generation: 1 }]);
  });

  test("[R252] one of a newer release is refused and left as it is", async () => {
    await (await open()).close();
    await server.sql("COMMENT ON SCHEMA lockstep IS 'Lockstep, schema version 99'");
    const newer = { name: "EngineError", code: "engine-newer-schema", retry: "rejected" };
    await expect(open()).rejects.toMatchObject(newer);
    await expect(open({ readOnly: true })).rejects.toMatchObject(newer);
    const [row] = await server.sql("SELECT obj_description('lockstep'::regnamespace) AS mark");
    expect(row?.["mark"]).toBe("Lockstep, schema version 99");
  });

  test("[R252] somebody else's is refused and left as it is", async () => {
    await server.sql("CREATE SCHEMA lockstep; CREATE TABLE lockstep.rep (theirs text)");
    await expect(open()).rejects.toMatchObject({ code: "engine-not-ours", retry: "rejected" });
    const rows = await server.sql(
      "SELECT relname FROM pg_class WHERE relnamespace = 'lockstep'::regnamespace AND relkind = 'r'",
    );
    expect(rows).toEqual([{ relname: "rep" }]);
  });

  test("a reader of a database that the service has never seen is told to start it", async () => {
    const missing = { code: "engine-missing", retry: "unavailable" };
    await expect(open({ readOnly: true })).rejects.toMatchObject(missing);
    await server.sql("CREATE SCHEMA lockstep");
    await expect(open({ readOnly: true })).rejects.toMatchObject(missing);
  });

  test("a reader sees each new commit, and every write of its own rejects", async () => {
    const service = await open();
    const reader = await open({ readOnly: true });
    await service.commit(commit(document("ana"), "told"));
    expect(await reader.history({ limit: 5 })).toHaveLength(1);
    const writes = [
      reader.commit(commit(document("ana", 1))),
      reader.accept(event("1")),
      reader.lease("shard", "a", 1),
      reader.prune(1),
    ];
    for (const outcome of await Promise.allSettled(writes)) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "engine-read-only" } });
    }
  });

  test("[R64] a table that is gone is damage, not an empty answer", async () => {
    const engine = await open();
    await server.sql("DROP TABLE lockstep.inbox");
    const damage = { name: "EngineError", code: "engine-damaged", retry: "rejected" };
    await expect(engine.unsettled()).rejects.toMatchObject(damage);
    await expect(engine.accept(event("1"))).rejects.toMatchObject(damage);
  });
});

describe("history by day", () => {
  /** What is made, told and forgotten by day is looked at within one day: at the end of one, the next is waited for. */
  beforeEach(async () => {
    const leftMs = DAY_MS - ((await now()) % DAY_MS);
    if (leftMs < DAY_ENDS_MS) await sleep(leftMs + 1_000);
  });

  test("[R253] days are made ahead, and pruning drops the table of each day that is over", async () => {
    const engine = await open();
    const today = await now();
    expect(await partitions()).toContain(dayOf(today + 7 * DAY_MS));
    const told = [
      entry(repId("ana"), "yesterday", today - DAY_MS),
      entry(repId("ana"), "today", today),
    ];
    await engine.commit({ ...commit(document("ana")), history: told });
    const rows = await server.sql("SELECT tableoid::regclass::text AS name FROM lockstep.history");
    expect(rows.map(({ name }) => name)).toEqual([
      `lockstep.${dayOf(today - DAY_MS)}`,
      `lockstep.${dayOf(today)}`,
    ]);
    await engine.prune(Math.floor(today / DAY_MS) * DAY_MS);
    expect((await engine.history({ limit: 9 })).map(({ says }) => says)).toEqual(["today"]);
  });

  test("[R253] days that run out are made while commits go on", async () => {
    const engine = await open();
    const today = await now();
    for (const days of [5, 6, 7]) {
      await server.sql(`DROP TABLE lockstep.${dayOf(today + days * DAY_MS)}`);
    }
    const late = { history: [entry(repId("ana"), "late", today + 5 * DAY_MS)] };
    await engine.commit({ ...commit(document("ana")), ...late });
    await engine.close();
    const made = await partitions();
    for (const days of [6, 7]) expect(made).toContain(dayOf(today + days * DAY_MS));
    // What was told of a day before it had a table stays where it is, and the day does without.
    expect(made).not.toContain(dayOf(today + 5 * DAY_MS));
    expect(await (await open()).history({ limit: 9 })).toHaveLength(1);
  });

  test("[R369] a dump or a report that has the tables open holds up neither a write nor a start", async () => {
    const patient = await open({ statementMs: 60_000 });
    const engine = await open({ statementMs: 30_000 });
    const today = await now();
    await engine.commit({
      ...commit(document("ana")),
      history: [entry(repId("ana"), "yesterday", today - DAY_MS)],
    });
    await server.sql(`DROP TABLE lockstep.${dayOf(today + 7 * DAY_MS)}`);
    const midnight = Math.floor(today / DAY_MS) * DAY_MS;
    const reader = new pg.Client({ connectionString: server.url() });
    await reader.connect();
    try {
      await reader.query("BEGIN");
      await reader.query("SELECT FROM lockstep.history");
      const pruned = patient.prune(midnight).catch(String);
      await eventually("somebody waits for the reader", async () => {
        const waiting = "SELECT FROM pg_locks WHERE NOT granted AND locktype = 'relation'";
        return (await server.sql(waiting)).length > 0;
      });
      await engine.keep({ kind: "board", id: "1", body: {}, expiresAtMs: null });
      expect(await pruned).toContain("engine-busy");
      const third = await open({ statementMs: 30_000 });
      expect(await third.kept("board")).toHaveLength(1);
    } finally {
      await reader.end();
    }
    await engine.prune(midnight);
    expect(await partitions()).not.toContain(dayOf(today - DAY_MS));
    expect(await partitions()).toContain(dayOf(today + 7 * DAY_MS));
  });

  test("[R65] who reads along while three instances commit misses no position", async () => {
    const engines = await Promise.all([open(), open(), open()]);
    const reader = await open({ readOnly: true });
    const seen: number[] = [];
    const done = new AbortController();
    const reading = (async () => {
      for (;;) {
        const last = done.signal.aborted;
        const page = await reader.history({ after: seen.at(-1) ?? 0, limit: 1_000 });
        seen.push(...page.map(({ position }) => position));
        if (last) break;
      }
    })();
    const writing = engines.map(async (engine, at) => {
      for (let generation = 0; generation < 100; generation += 1) {
        await engine.commit(commit(document(`rep-${at}`, generation), "one", "two"));
      }
    });
    await Promise.all(writing);
    done.abort();
    await reading;
    expect(seen).toEqual(Array.from({ length: 600 }, (_, at) => at + 1));
  });
});

test("[R254] a value that the server refuses fails its own call, and the rest of the batch is stored in order", async () => {
  const engine = await open();
  // Longer than an index can hold, and not to be compressed.
  const long = Array.from({ length: 4_000 }, (_, at) =>
    String.fromCodePoint(0x4e00 + ((at * at) % 9_000)),
  ).join("");
  const [before, guilty, after] = await Promise.allSettled([
    engine.commit(commit(document("ana"), "before")),
    engine.accept(event(long)),
    engine.commit(commit(document("ana", 1), "after")),
  ]);
  expect(guilty).toMatchObject({ status: "rejected", reason: { code: "engine-unstorable" } });
  expect(before).toMatchObject({ value: { ok: true, generation: 1 } });
  expect(after).toMatchObject({ value: { ok: true, generation: 2 } });
  expect((await engine.history({ limit: 9 })).map(({ says }) => says)).toEqual(["before", "after"]);
});

test("[R254] calls of one turn share one transaction", async () => {
  const engine = await open();
  const names = Array.from({ length: 300 }, (_, at) => `rep-${at}`);
  await Promise.all(names.map((name) => engine.commit(commit(document(name)))));
  const rows = await server.sql("SELECT DISTINCT xmin::text FROM lockstep.rep");
  expect(rows).toHaveLength(1);
});

test("documents that are asked for together come each to whoever asked, whatever their names, and of nobody there is none", async () => {
  const engine = await open();
  const names = ["ana", "a,b", '"quoted"', "{braced}", "null", "back\\slash", "nul\u0000", "ana "];
  for (const name of names) await engine.commit(commit(document(name, 0, name.length)));
  const asked = [...names, "nobody", "ana"];
  const found = await Promise.all(asked.map((name) => engine.get(repId(name))));
  expect(found.map((one) => one && [one.identity.rep, one.rep.intent])).toEqual(
    asked.map((name) => (name === "nobody" ? null : [name, name.length])),
  );
});

test("[R62] a commit is durable though the server's default is not", async () => {
  await server.sql("ALTER DATABASE postgres SET synchronous_commit = off");
  onTestFinished(async () => {
    await server.sql("ALTER DATABASE postgres RESET synchronous_commit");
  });
  const engine = await open();
  await server.sql(`
    CREATE FUNCTION lockstep.told() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN NEW.entry := to_jsonb(current_setting('synchronous_commit')); RETURN NEW; END $$;
    CREATE TRIGGER told BEFORE INSERT ON lockstep.history FOR EACH ROW EXECUTE FUNCTION lockstep.told();
  `);
  await engine.commit(commit(document("ana"), "what it was"));
  expect(await server.sql("SELECT entry FROM lockstep.history")).toEqual([{ entry: '"on"' }]);
});

describe("the role in docs/postgres.md", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/postgres.md"), "utf8");
  const [first = "", second = "", reader = ""] = [...page.matchAll(/```sql\n([^`]*)```/g)].map(
    ([, text = ""]) => text,
  );

  test("[R255] can do all that the service does, and nothing beyond", async () => {
    for (const statement of first.split(";\n")) if (statement) await server.sql(statement);
    await server.sql(second, "lockstep");
    const url = `postgres://lockstep:change%20me@127.0.0.1:${server.port}/lockstep`;
    const engine = await open({ url });
    await engine.accept(event("1"));
    await engine.commit(commit(document("ana"), "told"));
    await engine.prune(9_000);
    const nothing = { onNudge: () => undefined, recurring: [], onFault: () => undefined };
    const jobs = await openPostgresJobs({ url, ...nothing });
    await jobs.nudge(1, { rep: repId("ana"), system: null, urgency: "normal" });
    await jobs.stop();
    await server.sql(reader, "lockstep");
    expect(await engine.load()).toHaveLength(1);

    const client = new pg.Client(url);
    await client.connect();
    for (const beyond of [
      "CREATE DATABASE mine",
      "CREATE ROLE friend",
      "CREATE SCHEMA mine",
      "CREATE TABLE public.mine (id int)",
      "SELECT pg_read_file('postgresql.conf')",
    ]) {
      await expect(client.query(beyond), beyond).rejects.toMatchObject({ code: "42501" });
    }
    await client.end();

    const looking = new pg.Client(url.replace("lockstep:change%20me", "lockstep_reader:another"));
    await looking.connect();
    expect((await looking.query("SELECT * FROM lockstep.rep")).rowCount).toBe(1);
    await expect(looking.query("DELETE FROM lockstep.rep")).rejects.toMatchObject({
      code: "42501",
    });
    await looking.end();
  });
});

describe("the connection", () => {
  const file = (text: string): string => {
    const path = join(temporaryDirectory(), "ca.pem");
    writeFileSync(path, text);
    return path;
  };

  test("[R256] with sslmode=verify-full it is encrypted, to a server whose certificate fits", async () => {
    const url = `${server.url()}?sslmode=verify-full&sslrootcert=${file(tls.caPem)}`;
    const engine = await open({ url });
    await engine.commit(commit(document("ana")));
    const rows = await server.sql(
      "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'lockstep'",
    );
    expect(rows).toEqual([{ ssl: true }]);
  });

  test("[R256] a certificate that nobody we trust has signed is refused", async () => {
    const other = await createLoopbackTls(Date.now());
    const wrong = `${server.url()}?sslmode=verify-full&sslrootcert=${file(other.caPem)}`;
    const refused = { name: "EngineError", code: "engine-login-refused", retry: "unavailable" };
    await expect(open({ url: wrong })).rejects.toMatchObject(refused);
    await expect(open({ url: `${server.url()}?sslmode=verify-full` })).rejects.toMatchObject(
      refused,
    );
  });

  test("[R256] a server that is somebody else, by its certificate, is refused", async () => {
    const other = await generate([{ name: "commonName", value: "localhost" }], {
      algorithm: "sha256",
      extensions: [
        { name: "basicConstraints", cA: true, critical: true },
        { name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] },
      ],
    });
    const files = { "server.crt": other.cert, "server.key": other.private };
    const elsewhere = await PostgresServer.start(["ssl = on"], files);
    onTestFinished(() => elsewhere.dispose());
    const wish = `sslmode=verify-full&sslrootcert=${file(other.cert)}`;
    await expect(open({ url: `${elsewhere.url()}?${wish}` })).rejects.toMatchObject({
      code: "engine-login-refused",
    });
    const byName = elsewhere.url().replace("127.0.0.1", "localhost");
    await expect(open({ url: `${byName}?${wish}` })).resolves.toBeDefined();
  });

  test("[R256] a wish for half of it is refused, and no message holds the password", async () => {
    const url = `postgres://lockstep:se-cret@127.0.0.1:${server.port}/postgres`;
    const address = { code: "engine-address", retry: "rejected" };
    for (const half of ["sslmode=require", "sslmode=verify-full&sslrootcert=/nowhere"]) {
      await expect(open({ url: `${url}?${half}` })).rejects.toMatchObject(address);
      await expect(open({ url: `${url}?${half}` })).rejects.not.toThrow(/se-cret/);
    }
    await expect(open({ url: url.replace("se-", "se%") })).rejects.toMatchObject(address);
  });

  test("[R256] a server that is named in the place of a socket is not spoken to in the clear", async () => {
    const url = `${server.url()}?host=127.0.0.1&sslmode=verify-full`;
    await expect(open({ url })).rejects.toMatchObject({ code: "engine-address" });
  });

  test("[R256] a local socket stands in the place of a host", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lockstep-socket-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    chmodSync(folder, 0o777);
    const local = await PostgresServer.start([`unix_socket_directories = '${folder}'`]);
    onTestFinished(() => local.dispose());
    const said = `postgres://admin@:${local.port}/postgres?host=${folder}`;
    const read = database.read(said);
    if (!read.ok || read.value.kind !== "postgres") throw new Error(`${said} is refused`);
    const engine = await openPostgresEngine({ url: read.value.url });
    expect(await engine.load()).toEqual([]);
    await engine.close();
  });

  test("a database or a server that is not there is told apart", async () => {
    const missing = open({ url: server.url("nowhere") });
    await expect(missing).rejects.toMatchObject({ code: "engine-login-refused" });
    const gone = open({ url: server.url("postgres", 1) });
    await expect(gone).rejects.toMatchObject({ code: "engine-unreachable", retry: "unavailable" });
  });
});
