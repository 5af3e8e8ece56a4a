/** Time for everything outside the core. Tests bring their own, and move it, also backwards. */
export type Clock = {
  /** Epoch milliseconds. */
  nowMs(): number;
  /** Calls `fire` once after `delayMs`; the returned function cancels it. Never keeps the process alive. */
  after(delayMs: number, fire: () => void): () => void;
};

const LONGEST_TIMER_MS = 2_147_483_647;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  after: (delayMs, fire) => {
    const timer = setTimeout(fire, Math.min(Math.max(delayMs, 0), LONGEST_TIMER_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
