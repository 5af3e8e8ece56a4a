/**
 * Errors of a connection that was never made, so that no request can have left: Node's and undici's codes
 * for name resolution, refusal, routing and TLS.
 */
const NEVER_CONNECTED: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "UND_ERR_CONNECT_TIMEOUT",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "ERR_TLS_CERT_ALTNAME_INVALID",
]);

/** The code of the innermost error that has one: fetch wraps Node's, and Node wraps one for each address. */
export function networkCode(error: unknown): string {
  for (let inner = error, depth = 0; inner instanceof Error && depth < 5; depth += 1) {
    if ("code" in inner && typeof inner.code === "string") return inner.code;
    const [first] = inner instanceof AggregateError ? (inner.errors as unknown[]) : [];
    inner = inner.cause ?? first;
  }
  return error instanceof Error ? error.name : "unknown";
}

/** True when nothing can have reached the system. A time-out or a connection that broke proves nothing. */
export function neverConnected(error: unknown): boolean {
  return NEVER_CONNECTED.has(networkCode(error));
}
