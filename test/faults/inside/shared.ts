import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";

/** A whole number that all threads of the service share, for its store has one of its own. Use it through `Atomics`. */
export function shared(name: string, initially: number): Int32Array {
  // A thread is given what its parent had set before it began.
  const known = getEnvironmentData(name) as unknown as Int32Array | undefined;
  if (known) return known;
  const cell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  cell[0] = initially;
  setEnvironmentData(name, cell);
  return cell;
}
