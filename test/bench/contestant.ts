import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/** After a collection of everything that is garbage. */
type Memory = { readonly heapBytes: number; readonly rssBytes: number };

/** A program that is measured, in a process of its own. */
export type Contestant = {
  readonly name: string;
  readonly pid: number;
  /** Where hints are posted to; without a slash at the end. */
  readonly url: string;
  /** What it has printed so far. */
  readonly printed: () => string;
  /** CPU used since it began, in milliseconds, of all its threads. */
  cpuMs(): Promise<number>;
  memory(): Promise<Memory>;
  stop(): Promise<void>;
};

export type Launch = {
  readonly name: string;
  readonly program: string;
  readonly arguments?: readonly string[];
  readonly nodeArguments?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Finds the URL in what was printed; `null` until it is there. */
  readonly urlIn: (printed: string) => string | null;
  /** Resolves to whether it may be measured. */
  readonly isReady?: (url: string) => Promise<boolean>;
};

const GAUGE = new URL("./inside/gauge.ts", import.meta.url).href;
/** A first start with 100 000 reps takes its time. */
const START_WITHIN_MS = 240_000;
const ANSWER_WITHIN_MS = 60_000;
const KEPT_CHARACTERS = 20_000;
const running = new Set<ChildProcess>();

/** Whatever happens to the bench, nothing that it started outlives it. */
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Ends everything that still runs: a section that failed may have left it behind. */
export function endAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

export async function launch(options: Launch): Promise<Contestant> {
  const { name, program, env } = options;
  let printed = "";
  const child = spawn(
    process.execPath,
    [
      "--expose-gc",
      "--import",
      GAUGE,
      ...(options.nodeArguments ?? []),
      program,
      ...(options.arguments ?? []),
    ],
    { env: { PATH: process.env["PATH"] ?? "", ...env }, stdio: ["ignore", "pipe", "pipe", "ipc"] },
  );
  running.add(child);
  child.once("exit", () => running.delete(child));
  const keep = (chunk: Buffer): void => {
    printed = (printed + chunk.toString("utf8")).slice(-KEPT_CHARACTERS);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);

  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const ask = async (what: "cpu" | "memory"): Promise<unknown> => {
    if (hasEnded()) {
      const last = printed.trim().split("\n").at(-1) ?? "";
      throw new Error(`${name} has ended by itself: ${last}`);
    }
    const answered = once(child, "message", { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    child.send(what);
    const [answer] = (await answered) as [unknown];
    return answer;
  };
  const stop = async (): Promise<void> => {
    if (hasEnded()) return;
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    const cut = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await exited;
    clearTimeout(cut);
  };
  const comesTrue = async <Found>(ask: () => Promise<Found | null>): Promise<Found> => {
    const untilMs = Date.now() + START_WITHIN_MS;
    for (;;) {
      const found = await ask();
      if (found !== null) return found;
      if (hasEnded() || Date.now() > untilMs) {
        await stop();
        throw new Error(`${name} does not come up:\n${printed}`);
      }
      await sleep(20);
    }
  };
  const url = await comesTrue(() => Promise.resolve(options.urlIn(printed)));
  const { isReady } = options;
  if (isReady) await comesTrue(async () => ((await isReady(url).catch(() => false)) ? true : null));
  return {
    name,
    pid: child.pid ?? Number.NaN,
    url,
    printed: () => printed,
    cpuMs: async () => ((await ask("cpu")) as { readonly cpuMs: number }).cpuMs,
    memory: async () => (await ask("memory")) as Memory,
    stop,
  };
}
