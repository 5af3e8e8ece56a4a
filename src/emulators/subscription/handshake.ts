import { randomUUID } from "node:crypto";
import { refuse } from "../graph/refusal.ts";
import type { EmulatorResponse } from "../listener.ts";
import type { DeliveryLog } from "./delivery-log.ts";
import type { Network } from "./network.ts";
import type { PushSettings } from "./settings.ts";

/** How a handshake is made to fail although the endpoint does everything right. */
export const HANDSHAKE_FAILURES = ["timeout", "unreachable"] as const;
export type HandshakeFailure = (typeof HANDSHAKE_FAILURES)[number];

type Context = {
  readonly network: Network;
  readonly settings: PushSettings;
  readonly log: DeliveryLog;
  readonly nowMs: number;
  /** The failure that is armed for this handshake. "timeout" asks the endpoint and ignores its answer. */
  readonly failure: HandshakeFailure | null;
};

/**
 * Asks each URL to prove that it wants notifications ("Receive change notifications through webhooks:
 * notificationUrl validation"): one request for every URL, also when both are the same. Gives the
 * refusal, or null when every endpoint has echoed its token as plain text within 10 s.
 */
export async function refuseUnproven(
  urls: readonly string[],
  context: Context,
): Promise<EmulatorResponse | null> {
  const refusals = await Promise.all(urls.map((url, index) => ask(url, index, context)));
  return refusals.find((refusal) => refusal !== null) ?? null;
}

async function ask(
  url: string,
  index: number,
  { network, settings, log, nowMs, failure }: Context,
): Promise<EmulatorResponse | null> {
  // The text that endpoints report to see; by contract it is opaque, and anything may come.
  const token = `Validation: Testing client application reachability for subscription Request-Id: ${randomUUID()}${settings.validationSuffix}`;
  // Both spellings of a space arrive in practice.
  const encoded = encodeURIComponent(token).replaceAll("%20", index % 2 === 0 ? "%20" : "+");
  const answer =
    failure === "unreachable"
      ? { status: 0, contentType: "", text: "", durationMs: 0 }
      : await network.post(`${url}${url.includes("?") ? "&" : "?"}validationToken=${encoded}`, {
          body: "",
          contentType: "text/plain; charset=utf-8",
          timeoutMs: settings.validationTimeoutMs,
        });
  const wrong = failure === null ? judge(answer, token) : "request timed out.";
  log.record({
    atMs: nowMs,
    kind: "validation",
    url,
    subscriptionIds: [],
    userIds: [],
    attempt: 1,
    status: answer.status,
    durationMs: answer.durationMs,
    outcome: wrong === null ? "delivered" : "failed",
  });
  if (wrong === null) return null;
  return refuse(400, settings.validationErrorCode, `Subscription validation ${wrong}`);
}

function judge(
  answer: { status: number; contentType: string; text: string },
  token: string,
): string | null {
  if (answer.status === 0) return "request timed out.";
  if (answer.status !== 200) {
    return "request failed. Notification endpoint must respond with 200 OK to validation request.";
  }
  if (!/^text\/plain\b/i.test(answer.contentType) || answer.text !== token) {
    return "request failed. Response must exactly match validationToken query parameter.";
  }
  return null;
}
