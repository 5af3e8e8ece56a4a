import { readdir, readFile } from "node:fs/promises";

/** Linux counts CPU in hundredths of a second wherever a program can see it (proc_pid_stat(5), USER_HZ). */
const TICK_MS = 10;

type Process = { readonly pid: number; readonly parent: number; readonly cpuMs: number };

/**
 * CPU that a process and its children have used so far, ended ones included, in milliseconds. NaN where the system
 * has no `/proc`: then nothing is said of it.
 */
export async function cpuOfFamily(pid: number): Promise<number> {
  const names = await readdir("/proc").catch(() => []);
  const found = await Promise.all(
    names.filter((name) => /^\d+$/.test(name)).map((name) => look(Number(name))),
  );
  const family = found.filter((one) => one !== null && (one.pid === pid || one.parent === pid));
  if (family.length === 0) return Number.NaN;
  return family.reduce((sum, one) => sum + (one?.cpuMs ?? 0), 0);
}

/** Of one thread: how long it has run, and how long it could have run and waited for a core. Milliseconds. */
export type Running = { readonly ranMs: number; readonly waitedMs: number };

/** A process's first thread so far; NaN where the system does not tell (schedstat of proc(5)). */
export async function firstThreadOf(pid: number): Promise<Running> {
  const stat = await readFile(`/proc/${pid}/schedstat`, "latin1").catch(() => "");
  const [ranMs = Number.NaN, waitedMs = Number.NaN] =
    stat === "" ? [] : stat.split(" ").map((nanoseconds) => Number(nanoseconds) / 1e6);
  return { ranMs, waitedMs };
}

/** `null` if it has ended meanwhile. */
async function look(pid: number): Promise<Process | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => null);
  if (stat === null) return null;
  // The name, in brackets, may hold anything. What follows it: state, parent, …, and as 12th to 15th the four times.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { pid, parent: Number(fields[1]), cpuMs: ticks * TICK_MS };
}
