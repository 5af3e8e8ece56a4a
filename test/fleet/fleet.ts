/** What the instances in these tests agree on. */
export const SHARDS = 8;
export const TTL_MS = 1_500;
export const REPS = Array.from({ length: 24 }, (_, n) => `rep-${n}`);
