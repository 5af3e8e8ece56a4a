import { DataverseError } from "./error.ts";

const TOO_MANY_REQUESTS = "0x80072322";

/**
 * Service protection (Microsoft: "Service protection API limits"): requests per user in a sliding
 * window. The limits on execution time and on concurrency are for `failNext` to play, with their
 * codes 0x80072321 and 0x80072326, because a test cannot provoke them at will.
 */
export class ServiceProtection {
  requests = 6000;
  windowMs = 300_000;
  readonly #nowMs: () => number;
  readonly #seen = new Map<string, number[]>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Counts a request; throws a 429 that says when the window has room again. Refused ones do not count. */
  admit(userId: string): Readonly<Record<string, string>> {
    const nowMs = this.#nowMs();
    const seen = this.#seen.get(userId) ?? [];
    this.#seen.set(userId, seen);
    const expired = seen.findIndex((atMs) => atMs > nowMs - this.windowMs);
    seen.splice(0, expired < 0 ? seen.length : expired);
    if (seen.length >= this.requests) {
      const oldestMs = seen[seen.length - this.requests] ?? nowMs;
      const waitSeconds = Math.max(1, Math.ceil((oldestMs + this.windowMs - nowMs) / 1000));
      throw new DataverseError(
        429,
        TOO_MANY_REQUESTS,
        `Number of requests exceeded the limit of ${this.requests} over time window of ${this.windowMs / 1000} seconds.`,
        { "retry-after": String(waitSeconds), "x-ms-ratelimit-burst-remaining-xrm-requests": "0" },
      );
    }
    seen.push(nowMs);
    return {
      "x-ms-ratelimit-burst-remaining-xrm-requests": String(this.requests - seen.length),
      "x-ms-ratelimit-time-remaining-xrm-requests": "1,200.00",
    };
  }
}
