/** Returns a number in [0, 1). */
export type Random = () => number;

/** mulberry32: small, fast, and the same sequence for the same seed, so that a failing run can be repeated. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function between(random: Random, minimum: number, maximum: number): number {
  return minimum + random() * Math.max(0, maximum - minimum);
}
