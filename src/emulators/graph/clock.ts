/** Time as the emulator tells it: the given clock, moved forward by `advance`. */
export type Clock = { now(): number; advance(ms: number): void };

export function createClock(nowMs: () => number): Clock {
  let offsetMs = 0;
  return {
    now: () => nowMs() + offsetMs,
    advance: (ms) => {
      offsetMs += ms;
    },
  };
}
