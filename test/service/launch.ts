import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, vi } from "vitest";
import type { Tenant } from "../../src/emulators/tenant.ts";
import type { StoredHistoryEntry } from "../../src/engine/engine.ts";
import { openSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import { repId } from "../../src/presence/identity.ts";
import { PARTNER_SECRET } from "./partner.ts";

export const WEBHOOK_KEY = "webhook-key-of-no-value-4711";

type LogLine = Readonly<Record<string, unknown>>;

/** Changes to the environment; `null` takes a name away. */
export type Changes = Readonly<Record<string, string | null>>;

/** The service, as an operator has it: a process, an environment, a port, a log and a database file. */
export type Service = {
  readonly url: string;
  readonly lines: readonly LogLine[];
  /** Everything that it has printed, on both streams, over all restarts. */
  readonly printed: string;
  readonly errors: string;
  readonly databasePath: string;
  /** What it recorded, oldest first; of one rep if given. */
  history(systemUserId?: string): Promise<readonly StoredHistoryEntry[]>;
  kill9(): Promise<void>;
  /** SIGTERM; rejects unless it exits with 0. */
  stop(): Promise<void>;
  /** Starts it again on the same port and database, and waits until it is ready. The changes last. */
  restart(changes?: Changes): Promise<void>;
  /** Starts it again, without waiting for anything. */
  begin(changes?: Changes): void;
  /** Resolves with the exit code, or with the signal that ended it. */
  ended(): Promise<number | string>;
  signal(signal: "SIGTERM" | "SIGSTOP" | "SIGCONT"): void;
  /** Writes a line to its standard input, which it does not read unless a test has taught it to. */
  tell(line: string): void;
  [Symbol.asyncDispose](): Promise<void>;
};

const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;
/** Compiled modules, kept from one start to the next: hundreds of starts would compile the same ones. */
const NODE_COMPILE_CACHE = new URL("../../node_modules/.cache/compiled", import.meta.url).pathname;
/** A safety net: half a dozen services that start at once on a busy machine have taken more than 30 s to listen. */
const DEADLINE_MS = 90_000;
const running = new Set<ChildProcess>();

// Real processes and real time: every wait has a deadline of its own, and a message that says what for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 180_000 });

// A test that loses its child would go on to fail others: it is ended here, and named.
afterAll(() => {
  const leaked = [...running].map(({ pid }) => pid);
  for (const child of running) child.kill("SIGKILL");
  expect(leaked, "processes that a test left behind").toEqual([]);
});

/** The environment table of a tenant, and nothing else: not even what this process has inherited. */
async function environmentOf(tenant: Tenant, folder: string): Promise<Changes> {
  const caPath = join(folder, "ca.pem");
  await writeFile(caPath, tenant.caPem);
  return {
    NODE_EXTRA_CA_CERTS: caPath,
    PORT: "0",
    TENANT_ID: tenant.tenantId,
    CLIENT_ID: tenant.clientId,
    CLIENT_SECRET: tenant.clientSecret,
    AUTHORITY_HOST: tenant.entra.url,
    GRAPH_URL: tenant.graph.url,
    DATAVERSE_URL: tenant.dataverse.url,
    DATAVERSE_WEBHOOK_KEY: WEBHOOK_KEY,
    DATABASE_URL: `sqlite:${join(folder, "lockstep.db")}`,
    TEAMS_POLL_SECONDS: "1",
    DYNAMICS_POLL_SECONDS: "1",
    PARTNERS: `phone=${PARTNER_SECRET}`,
  };
}

export function spawnService(
  env: Changes,
  nodeArguments: readonly string[] = [],
  programArguments: readonly string[] = [],
): ChildProcess {
  const given = Object.entries(env).filter((entry) => entry[1] !== null) as [string, string][];
  // Should this process die without a word, the pipe closes, and the service goes too.
  const child = spawn(
    process.execPath,
    [...nodeArguments, MAIN, "--until-stdin-closes", ...programArguments],
    {
      env: { ...Object.fromEntries(given), NODE_COMPILE_CACHE },
      stdio: "pipe",
    },
  );
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

/** A throw-away folder. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "lockstep-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/**
 * Starts the service against a tenant, waits until it is ready, and registers its webhook there as an
 * administrator would. Dispose of it, whatever happens: `await using`.
 */
export async function launch(
  tenant: Tenant,
  options: {
    readonly env?: Changes;
    readonly nodeArguments?: readonly string[];
    readonly programArguments?: readonly string[];
    readonly webhook?: "sync" | "async" | "none";
    /** Resolve as soon as it listens: what it talks to may be down. */
    readonly unready?: boolean;
  } = {},
): Promise<Service> {
  const folder = await temporaryFolder();
  const env: Record<string, string | null> = {
    ...(await environmentOf(tenant, folder.path)),
    ...options.env,
  };
  const databasePath = (env["DATABASE_URL"] ?? "").slice("sqlite:".length);
  const lines: LogLine[] = [];
  let [printed, errors, port] = ["", "", "0"];
  let child: ChildProcess;
  let gone: Promise<void>;

  function begin(changes: Changes = {}): void {
    Object.assign(env, changes);
    child = spawnService({ ...env, PORT: port }, options.nodeArguments, options.programArguments);
    // Not merely ended: what it has said is all here, and is not taken for the next one's.
    gone = new Promise((resolve) => {
      child.once("close", () => resolve());
    });
    // What is told to a process that has just died reaches nobody.
    child.stdin?.on("error", () => undefined);
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      printed += `${line}\n`;
      lines.push(lineOf(line));
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      printed += chunk.toString("utf8");
      errors += chunk.toString("utf8");
    });
  }

  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;

  async function start(changes?: Changes): Promise<void> {
    const from = lines.length;
    begin(changes);
    const listening = await eventually("the service listens", () => {
      if (hasEnded()) throw new Error(`it exited at once:\n${printed}`);
      return lines.slice(from).find(({ msg }) => msg === "listening");
    });
    port = String(listening["port"]);
    if (!options.unready) await becomeReady(service);
  }

  async function end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null> {
    if (!hasEnded()) child.kill(signal);
    await gone;
    return child.exitCode;
  }

  const service: Service = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    lines,
    get printed() {
      return printed;
    },
    get errors() {
      return errors;
    },
    databasePath,
    history: (systemUserId) => readHistory(databasePath, systemUserId),
    kill9: async () => void (await end("SIGKILL")),
    stop: async () => {
      const code = await end("SIGTERM");
      if (code !== 0) throw new Error(`it exited with ${code} instead of 0:\n${printed}`);
      // An event loop that has run empty exits with 0 as well, wherever the shutdown stands.
      await eventually(
        "its last word is that it has stopped",
        () => lines.at(-1)?.["msg"] === "stopped",
      );
    },
    restart: start,
    begin,
    ended: async () => {
      await gone;
      return child.exitCode ?? child.signalCode ?? "";
    },
    signal: (signal) => void child.kill(signal),
    tell: (line) => void child.stdin?.write(`${line}\n`),
    [Symbol.asyncDispose]: async () => {
      await end("SIGKILL");
      await folder[Symbol.asyncDispose]();
    },
  };
  try {
    await start();
  } catch (error) {
    await service[Symbol.asyncDispose]();
    throw error;
  }
  const { webhook = "async" } = options;
  if (webhook !== "none") {
    tenant.dataverse.control.registerWebhook({
      url: `${service.url}/webhooks/dataverse`,
      headerName: "x-lockstep-key",
      headerValue: WEBHOOK_KEY,
      mode: webhook,
    });
  }
  return service;
}

export async function becomeReady({ url }: Pick<Service, "url">): Promise<void> {
  const isReady = async (): Promise<boolean> => {
    const { ok } = await fetch(`${url}/readyz`, { headers: { connection: "close" } });
    return ok;
  };
  await eventually("the service is ready", isReady);
}

/** Asks again and again, and resolves to the first answer that is not falsy. The deadline is a safety net. */
export async function eventually<Found>(
  what: string,
  ask: () => Found | Promise<Found>,
  options: { readonly deadlineMs?: number; readonly everyMs?: number } = {},
): Promise<NonNullable<Found>> {
  const { deadlineMs = DEADLINE_MS, everyMs = 50 } = options;
  const untilMs = Date.now() + deadlineMs;
  for (;;) {
    const found = await ask();
    if (found) return found;
    if (Date.now() > untilMs) throw new Error(`it never came true that ${what}`);
    await sleep(everyMs);
  }
}

async function readHistory(
  path: string,
  systemUserId?: string,
): Promise<readonly StoredHistoryEntry[]> {
  const engine = await openSqliteEngine({ path, readOnly: true });
  try {
    const rep = systemUserId === undefined ? {} : { rep: repId(systemUserId) };
    const entries: StoredHistoryEntry[] = [];
    for (;;) {
      const page = await engine.history({
        ...rep,
        after: entries.at(-1)?.position ?? 0,
        limit: 1000,
      });
      entries.push(...page);
      if (page.length < 1000) return entries;
    }
  } finally {
    await engine.close();
  }
}

function lineOf(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { unparsed: line };
  }
}
