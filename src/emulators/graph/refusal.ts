import { randomUUID } from "node:crypto";
import type { EmulatorResponse } from "../listener.ts";

/**
 * Builds Graph's error envelope ("Microsoft Graph error responses and resource types"). A missing
 * presence permission comes with an empty message in practice, so callers may not rely on the text.
 */
export function refuse(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): EmulatorResponse {
  const requestId = randomUUID();
  const date = new Date().toISOString().slice(0, 19);
  const innerError = { date, "request-id": requestId, "client-request-id": requestId };
  return { status, headers, json: { error: { code, message, innerError } } };
}

/** The published 429 ("Microsoft Graph throttling guidance"); its Retry-After may be a fraction. */
export function refuseThrottled(retryAfterMs: number): EmulatorResponse {
  const requestId = randomUUID();
  const innerError = {
    code: "429",
    date: new Date().toISOString().slice(0, 19),
    message: "Please retry after",
    "request-id": requestId,
    status: "429",
  };
  return {
    status: 429,
    headers: { "retry-after": (retryAfterMs / 1000).toFixed(3) },
    json: { error: { code: "TooManyRequests", message: "Please retry again later.", innerError } },
  };
}
