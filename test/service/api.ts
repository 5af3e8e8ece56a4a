import { randomUUID } from "node:crypto";
import { Webhook } from "standardwebhooks";
import type { Service } from "./launch.ts";
import { PARTNER_SECRET } from "./partner.ts";

/** The secret of a further partner, by its name. */
const secretOf = (name: string): string =>
  `whsec_${Buffer.from(`${name}, of no value`.padEnd(32, ".")).toString("base64")}`;

/** `PARTNERS` with `phone` and these. */
export const partnersWith = (...names: readonly string[]): string =>
  [`phone=${PARTNER_SECRET}`, ...names.map((name) => `${name}=${secretOf(name)}`)].join(",");

/** Asks the API as a partner does who signs; `phone` unless another is named. */
export async function askApi(
  { url }: Pick<Service, "url">,
  line: string,
  given: { readonly body?: unknown; readonly as?: string } = {},
): Promise<{ readonly status: number; readonly json: unknown }> {
  const [method = "", path = ""] = line.split(" ");
  const body = given.body === undefined ? "" : JSON.stringify(given.body);
  const [id, at] = [randomUUID(), new Date()];
  const secret = given.as === undefined ? PARTNER_SECRET : secretOf(given.as);
  const answer = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      ...(body === "" ? {} : { "content-type": "application/json" }),
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": new Webhook(secret).sign(id, at, body),
    },
    ...(body === "" ? {} : { body }),
  });
  const text = await answer.text();
  return { status: answer.status, json: text === "" ? null : (JSON.parse(text) as unknown) };
}
