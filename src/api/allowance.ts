import type { SystemName } from "../presence/identity.ts";
import type { Quota } from "./integrations/integration.ts";

type Bucket = { tokens: number; atMs: number };

/**
 * A bucket of requests for each integration, so that one that floods takes nothing from the others. It fills with
 * `requestsPerMinute` up to `burst`; a clock that goes back fills nothing.
 */
export class Allowance {
  readonly #buckets = new Map<SystemName, Bucket>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Takes `cost` requests, or nothing: then the answer is after how many seconds there will be enough. */
  take(
    name: SystemName,
    quota: Pick<Quota, "requestsPerMinute" | "burst">,
    cost = 1,
  ): number | null {
    const nowMs = this.#nowMs();
    const bucket = this.#buckets.get(name) ?? { tokens: quota.burst, atMs: nowMs };
    const perMs = quota.requestsPerMinute / 60_000;
    const gained = Math.max(0, nowMs - bucket.atMs) * perMs;
    const tokens = Math.min(quota.burst, bucket.tokens + gained);
    // A call larger than the burst is let through by a full bucket, and is paid for afterwards.
    const needed = Math.min(cost, quota.burst);
    const enough = tokens >= needed;
    this.#buckets.set(name, { tokens: enough ? tokens - cost : tokens, atMs: nowMs });
    return enough ? null : Math.max(1, Math.ceil((needed - tokens) / perMs / 1000));
  }
}
