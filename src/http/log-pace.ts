type Bucket = { readonly filledAtMs: number; readonly suppressed: number };

const REFILL_MS = 1000;
const MAX_SOURCES = 1000;
const EVERYONE_ELSE = "everyone else";

/**
 * One log line a second for each source, so that a flood of bad signatures costs the log no more than one
 * does. The answer is how many lines were left out since the source's last, or `null` when this one is to be
 * left out too. Sources beyond the thousandth in a second share one allowance: many addresses are bounded as well.
 */
export function createLogPace(nowMs: () => number): (source: string) => number | null {
  const buckets = new Map<string, Bucket>();
  let sweptAtMs = Number.NEGATIVE_INFINITY;
  const isFull = (bucket: Bucket, now: number): boolean =>
    Math.abs(now - bucket.filledAtMs) >= REFILL_MS;

  const nameFor = (source: string, now: number): string => {
    if (buckets.size < MAX_SOURCES || buckets.has(source)) return source;
    if (Math.abs(now - sweptAtMs) >= REFILL_MS) {
      sweptAtMs = now;
      for (const [name, bucket] of buckets) if (isFull(bucket, now)) buckets.delete(name);
    }
    return buckets.size < MAX_SOURCES ? source : EVERYONE_ELSE;
  };

  return (source) => {
    const now = nowMs();
    const name = nameFor(source, now);
    const bucket = buckets.get(name);
    if (bucket && !isFull(bucket, now)) {
      buckets.set(name, { ...bucket, suppressed: bucket.suppressed + 1 });
      return null;
    }
    buckets.set(name, { filledAtMs: now, suppressed: 0 });
    return bucket?.suppressed ?? 0;
  };
}
