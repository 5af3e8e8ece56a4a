import { Pace } from "../../../src/controller/pace.ts";

/**
 * Takes the pace of the two systems away, and leaves the silence that a Retry-After asks for. What the code can
 * do is measured without the limits of the cloud; the storm is measured with them.
 */
const paced = Object.getOwnPropertyDescriptor(Pace.prototype, "take")?.value as (
  this: Pace,
  purpose: Parameters<Pace["take"]>[0],
) => Promise<void>;
Pace.prototype.takeNow = function takeNow(this: Pace) {
  return !this.isPaused;
};
Pace.prototype.take = function takeUnlessPaused(this: Pace, purpose) {
  return this.isPaused ? paced.call(this, purpose) : Promise.resolve();
};
