/** Milliseconds, bytes and counts. Node's own defaults (60 s for headers, 300 s for a request) suit a browser. */
export type Limits = {
  readonly readDeadlineMs: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** Longer than what stands in front keeps an idle connection (a minute, mostly): who closes first must be them, or a request is lost. */
  readonly keepAliveTimeoutMs: number;
  readonly maxHeaderBytes: number;
  readonly maxRequestsPerSocket: number;
  readonly maxConnections: number;
  /** How often connections are held against the two timeouts above. */
  readonly checkEveryMs: number;
  /** How long a refused body is discarded, so that its sender reads the answer and not a reset. */
  readonly lingerMs: number;
  /** How long the reader of a stream may read nothing. */
  readonly drainMs: number;
};

export const DEFAULT_LIMITS: Limits = {
  readDeadlineMs: 10_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
  keepAliveTimeoutMs: 65_000,
  maxHeaderBytes: 16 * 1024,
  maxRequestsPerSocket: 1000,
  maxConnections: 1000,
  checkEveryMs: 1_000,
  lingerMs: 500,
  drainMs: 10_000,
};
