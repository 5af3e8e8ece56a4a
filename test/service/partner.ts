import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import type { Service } from "./launch.ts";

/** The secret of the one partner, `phone`. */
export const PARTNER_SECRET = `whsec_${Buffer.from("a desk phone's secret, of no value").toString("base64")}`;

export type PartnerEvent = {
  readonly type: string;
  /** System user id or Entra object id. */
  readonly rep: string;
  readonly hold?: string;
  readonly status?: string;
  readonly ttlSeconds?: number;
};

/** What a desk phone or a shift planner sends, signed by the library that its makers would use. */
export async function sendEvent(
  { url }: Pick<Service, "url">,
  event: PartnerEvent,
  given: { readonly id?: string; readonly secret?: string; readonly at?: Date } = {},
): Promise<Response> {
  const { id = randomUUID(), secret = PARTNER_SECRET, at = new Date() } = given;
  const body = JSON.stringify(event);
  return fetch(`${url}/api/v1/events`, {
    method: "POST",
    body,
    headers: {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": new Webhook(secret).sign(id, at, body),
    },
  });
}

/** As a partner does that reads the answer: told that it asks too often, it waits as long as it is asked to, and sends the same once more. */
export async function sendPatiently(
  service: Pick<Service, "url">,
  event: PartnerEvent,
  given: { readonly id?: string; readonly secret?: string } = {},
): Promise<Response> {
  const id = given.id ?? randomUUID();
  for (;;) {
    const answer = await sendEvent(service, event, { ...given, id });
    if (answer.status !== 429) return answer;
    await setTimeout(Number(answer.headers.get("retry-after")) * 1_000);
  }
}
