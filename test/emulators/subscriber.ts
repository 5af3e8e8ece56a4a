import { SUBSCRIBER, type Answer, type GraphTenant } from "./graph-tenant.ts";

export type SubscriptionBody = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly expirationDateTime: string;
  readonly resource: string;
};

const MINUTE_MS = 60_000;

/** An application that subscribes in somebody's name. Times are those of the emulator's clock. */
export class Subscriber {
  readonly #tenant: GraphTenant;
  readonly #upn: string;

  constructor(tenant: GraphTenant, upn = SUBSCRIBER) {
    this.#tenant = tenant;
    this.#upn = upn;
  }

  async call(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: unknown) {
    const token = await this.#tenant.delegatedTokenOf(this.#upn);
    return this.#tenant.request(method, path, { token, body });
  }

  inMinutes(minutes: number): string {
    const { nowMs } = this.#tenant.graph.control.advance({ ms: 0 });
    return new Date(nowMs + minutes * MINUTE_MS).toISOString();
  }

  /** A creation as the documents show it; what `more` names replaces, undefined leaves out. */
  create(
    notificationUrl: string,
    userIds: readonly string[],
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<Answer> {
    return this.call("POST", "/subscriptions", {
      changeType: "updated",
      notificationUrl,
      resource: resourceFor(userIds),
      expirationDateTime: this.inMinutes(60),
      clientState: "secret of the subscription",
      ...more,
    });
  }

  /** Creates, and fails the test unless it is created. */
  async subscribe(...parameters: Parameters<Subscriber["create"]>): Promise<SubscriptionBody> {
    const { status, text } = await this.create(...parameters);
    if (status !== 201) throw new Error(`not subscribed: ${status} ${text}`);
    return JSON.parse(text) as SubscriptionBody;
  }
}

export function resourceFor(userIds: readonly string[]): string {
  return `/communications/presences?$filter=id in (${userIds.map((id) => `'${id}'`).join(",")})`;
}

export function errorOf({ status, text }: Answer) {
  const { error } = JSON.parse(text) as { error: { code: string; message: string } };
  return { status, code: error.code, message: error.message };
}
