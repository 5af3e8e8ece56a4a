import type { SystemName } from "../../src/presence/identity.ts";
import type { Journal } from "./journal.ts";
import type { ServiceProcess } from "./process.ts";
import type { Timeline } from "./timeline.ts";

type Broken = (invariant: string, says: string) => void;
/** `reps`: each of them may hold a permission that she waited for until she has been read. */
type Pace = { readonly burst: number; readonly perSecond: number; readonly reps: number };
type Bucket = { tokens: number; filledAtMs: number; silentUntilMs: number };

/** P11: no process sends faster than its limit, nor inside a silence that it was asked for and knows of. */
export class Manners {
  /** Calls that left, whoever sent them. */
  calls = 0;
  readonly #timeline: Timeline;
  readonly #pace: Pace;
  readonly #journal: Journal;
  readonly #broken: Broken;
  readonly #buckets = new Map<ServiceProcess, Map<SystemName, Bucket>>();

  constructor(timeline: Timeline, pace: Pace, journal: Journal, broken: Broken) {
    this.#timeline = timeline;
    this.#pace = pace;
    this.#journal = journal;
    this.#broken = broken;
  }

  leaves(process: ServiceProcess, system: SystemName, what: "read" | "write"): void {
    this.calls += 1;
    this.#journal.checked("P11");
    const bucket = this.#bucketOf(process, system);
    const { nowMs } = this.#timeline;
    const { burst, perSecond, reps } = this.#pace;
    const earned = ((nowMs - bucket.filledAtMs) / 1_000) * perSecond;
    bucket.tokens = Math.min(burst, bucket.tokens + earned) - 1;
    bucket.filledAtMs = nowMs;
    if (bucket.tokens < -reps - 0.01) {
      this.#broken("P11 politeness", `a ${what} of ${system} leaves faster than the limit`);
    }
    if (nowMs < bucket.silentUntilMs) {
      const leftMs = bucket.silentUntilMs - nowMs;
      this.#broken("P11 politeness", `a ${what} of ${system} leaves ${leftMs} ms inside a silence`);
    }
  }

  /** The process has heard that it is to be silent. */
  silence(process: ServiceProcess, system: SystemName, forMs: number): void {
    const bucket = this.#bucketOf(process, system);
    bucket.silentUntilMs = Math.max(bucket.silentUntilMs, this.#timeline.nowMs + forMs);
  }

  #bucketOf(process: ServiceProcess, system: SystemName): Bucket {
    const buckets = this.#buckets.get(process) ?? new Map<SystemName, Bucket>();
    this.#buckets.set(process, buckets);
    const { nowMs } = this.#timeline;
    const fresh = { tokens: this.#pace.burst, filledAtMs: nowMs, silentUntilMs: 0 };
    const bucket = buckets.get(system) ?? fresh;
    buckets.set(system, bucket);
    return bucket;
  }
}
