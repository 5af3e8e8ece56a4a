import type { PushSettings } from "./settings.ts";

export type EndpointState = "normal" | "slow" | "drop";

const WINDOW_MS = 10 * 60_000;
const SLOW_SHARE = 0.1;
const DROP_SHARE = 0.15;

/** How long a notification to a slow endpoint waits. */
export const SLOW_DELAY_MS = WINDOW_MS;

/**
 * What the change-notification service thinks of one endpoint ("Receive change notifications through
 * webhooks: Throttling"): slow when more than 10 % of the answers in ten minutes took over 3 s, drop when
 * more than 15 % took over 10 s; each for ten minutes, after which it is judged again.
 */
export class Endpoint {
  readonly #settings: PushSettings;
  #answers: { readonly atMs: number; readonly durationMs: number }[] = [];
  #judged: { readonly state: EndpointState; readonly untilMs: number } = {
    state: "normal",
    untilMs: 0,
  };

  constructor(settings: PushSettings) {
    this.#settings = settings;
  }

  note(atMs: number, durationMs: number): void {
    this.#answers.push({ atMs, durationMs });
  }

  stateAt(nowMs: number): EndpointState {
    if (this.#judged.untilMs > nowMs) return this.#judged.state;
    const state = this.#judge(nowMs);
    if (state !== "normal") this.#judged = { state, untilMs: nowMs + WINDOW_MS };
    return state;
  }

  #judge(nowMs: number): EndpointState {
    this.#answers = this.#answers.filter(({ atMs }) => atMs > nowMs - WINDOW_MS);
    const count = this.#answers.length;
    const { minimumResponses, slowAfterMs, dropAfterMs } = this.#settings;
    if (count < minimumResponses) return "normal";
    const shareOver = (limitMs: number) =>
      this.#answers.filter(({ durationMs }) => durationMs >= limitMs).length / count;
    if (shareOver(dropAfterMs) > DROP_SHARE) return "drop";
    return shareOver(slowAfterMs) > SLOW_SHARE ? "slow" : "normal";
  }
}

/** Every subscription with this URL suffers together; what follows the question mark does not matter (a guess). */
export function endpointKey(url: string): string {
  return url.split("?")[0] ?? url;
}
