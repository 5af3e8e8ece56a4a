import { reasonOf } from "./fault.ts";

/** What runs until it is told to stop. */
export type Running = { stop(): Promise<void> };

/** Kubernetes kills after thirty seconds. A write that has left is answered, or given up, within half of that. */
const STOP_WITHIN_MS = 25_000;

/**
 * The life of this process: it starts, and stops when SIGTERM or SIGINT says so, or, started with
 * `--until-stdin-closes`, when its standard input closes. Told so while it starts, it stops when it has. It exits with
 * 0 when it has stopped in order; with 1 when it could not start, or when what it waits for to stop is mute.
 */
export async function live(start: () => Promise<Running>): Promise<void> {
  const starting = (async () => start())();
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => end("stops without waiting any longer"), STOP_WITHIN_MS).unref();
    void starting.then(
      (running) => running.stop(),
      () => undefined,
    );
  };
  // A second one must not cut short what the first one began: whoever stops a group of processes may send two.
  process.on("SIGTERM", stop);
  process.once("SIGINT", stop);
  if (process.argv.includes("--until-stdin-closes")) {
    process.stdin.once("close", stop);
    // It is watched, but does not keep the process alive.
    process.stdin.resume().unref();
  }
  try {
    await starting;
  } catch (error) {
    // What had begun would go on: with a database, this process would keep its part of the reps from the others.
    end(`cannot start: ${reasonOf(error)}`);
  }
}

function end(why: string): never {
  process.stderr.write(`lockstep ${why}\n`);
  process.exit(1);
}
