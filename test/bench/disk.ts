import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { median } from "./report/statistics.ts";

/** About what one change is in the store's log. */
const BYTES = 4_096;
const FLUSHES = 20;

/** How long the disk under a folder takes to make something durable that was just written, in milliseconds. */
export async function flushMs(folder: string): Promise<number> {
  const path = join(folder, "flushed");
  const file = await open(path, "w");
  const tookMs: number[] = [];
  try {
    for (let at = 0; at < FLUSHES; at += 1) {
      await file.write(Buffer.alloc(BYTES, at), 0, BYTES, at * BYTES);
      const beganMs = performance.now();
      await file.datasync();
      tookMs.push(performance.now() - beganMs);
    }
  } finally {
    await file.close();
    await rm(path);
  }
  return median(tookMs);
}
