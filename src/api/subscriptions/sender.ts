import { createHmac } from "node:crypto";
import { callbackify } from "node:util";
import { Agent, request } from "undici";
import { networkCode } from "../../connectors/network.ts";
import { keyOf } from "../integrations/integration.ts";
import { AddressForbidden, type Resolve, urlOf } from "./address.ts";

/** One message to one subscriber. */
type Message = {
  readonly url: string;
  readonly secret: string;
  /** The same for every attempt, so that the receiver takes the message once. */
  readonly id: string;
  readonly body: string;
};

/** What came of one attempt; `status` is 0 where nobody answered, and then `says` is a code of the network. */
export type Attempt = {
  readonly status: number;
  readonly says: string;
  readonly retryAfterSeconds: number | null;
};

export type Sender = {
  /** Never rejects. */
  send(message: Message): Promise<Attempt>;
  close(): Promise<void>;
};

/** Standard Webhooks advises 15 to 30 seconds. */
const TIMEOUT_MS = 15_000;
const CONNECT_MS = 5_000;
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Sends signed messages (Standard Webhooks v1) over https, follows no redirect, and connects only to addresses that
 * `locate` has checked: the connection is made to the very answer of that check.
 */
export function createSender(locate: Resolve, nowMs: () => number): Sender {
  const look = callbackify(async (host: string) => [...(await locate(host))]);
  const agent = new Agent({
    connections: 16,
    connect: {
      timeout: CONNECT_MS,
      // The check and the connection share one answer: all of it, whatever family was asked for.
      lookup: (host, _options, callback) => look(host, callback),
    },
  });

  return {
    async send({ url, secret, id, body }) {
      try {
        const target = urlOf(url);
        // A literal address is never looked up, so the lookup above would not see it.
        await locate(target.hostname);
        const timestamp = String(Math.floor(nowMs() / 1000));
        const hmac = createHmac("sha256", keyOf(secret)).update(`${id}.${timestamp}.${body}`);
        const answer = await request(target, {
          method: "POST",
          dispatcher: agent,
          headers: {
            "content-type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": id,
            "webhook-timestamp": timestamp,
            "webhook-signature": `v1,${hmac.digest("base64")}`,
          },
          body,
          headersTimeout: TIMEOUT_MS,
          bodyTimeout: TIMEOUT_MS,
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        await answer.body.dump({ limit: MAX_ANSWER_BYTES });
        const { statusCode, headers } = answer;
        const after = Number(headers["retry-after"]);
        const retryAfterSeconds = Number.isInteger(after) && after >= 0 ? after : null;
        return { status: statusCode, says: `answered ${statusCode}`, retryAfterSeconds };
      } catch (error) {
        const forbidden = error instanceof AddressForbidden || isForbidden(error);
        const says = forbidden ? "its address is not allowed" : networkCode(error);
        return { status: 0, says, retryAfterSeconds: null };
      }
    },
    close: () => agent.destroy(),
  };
}

const isForbidden = (error: unknown): boolean =>
  error instanceof Error && error.cause instanceof AddressForbidden;
