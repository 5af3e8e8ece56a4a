export type Limit = { readonly requests: number; readonly windowSeconds: number };

// "Get presence for multiple users" says 1 500 requests in 30 s for an app and a tenant. Another page
// allows 10 000; whoever survives the lower figure survives both.
const PRESENCE_LIMIT: Limit = { requests: 1500, windowSeconds: 30 };

/** A sliding window for each application; a refused request does not count against it. */
export class Throttle {
  #limit = PRESENCE_LIMIT;
  readonly #admitted = new Map<string, number[]>();

  setLimit(limit: Limit): void {
    this.#limit = limit;
  }

  /** Gives null when the request may pass, else the milliseconds until one may. */
  admit(appId: string, nowMs: number): number | null {
    const { requests, windowSeconds } = this.#limit;
    const windowMs = windowSeconds * 1000;
    const admitted = this.#admitted.get(appId) ?? [];
    const firstInside = admitted.findIndex((atMs) => atMs > nowMs - windowMs);
    admitted.splice(0, firstInside === -1 ? admitted.length : firstInside);
    this.#admitted.set(appId, admitted);
    if (admitted.length < requests) {
      admitted.push(nowMs);
      return null;
    }
    return (admitted[admitted.length - requests] ?? nowMs) + windowMs - nowMs;
  }
}
