import { z } from "zod";
import { TEAMS, type TeamsUserId, teamsUserId } from "../../presence/identity.ts";
import { SystemError } from "../connector.ts";
import type { Credential } from "../credential.ts";
import { createGraph, resourceOf } from "./graph.ts";
import { codeIn, malformed, messageIn, type Refused } from "./graph-error.ts";
import type { EncryptionCertificate } from "./notification-keys.ts";

/** A presence subscription as Graph lists it. */
export type ListedSubscription = {
  readonly id: string;
  readonly users: readonly TeamsUserId[];
  readonly notificationUrl: string;
  readonly expiresAtMs: number;
};

type NewSubscription = {
  readonly users: readonly TeamsUserId[];
  /** Comes back in every notification of this one subscription, and proves that it is of Graph. */
  readonly clientState: string;
  /** Asks for rich notifications. */
  readonly certificate: EncryptionCertificate | null;
};

/**
 * `/subscriptions` as one signed-in account sees it. Throws `SystemError`; beside the codes of every call to Graph
 * with `graph-subscription-gone` (404), `graph-subscription-exists` (409), `graph-subscription-unvalidated` (400,
 * Graph could not reach us), `graph-subscriber-forbidden` (403) and `graph-subscription-quota` (403 that speaks of a limit).
 */
export type SubscriptionApi = {
  create(wanted: NewSubscription, signal: AbortSignal): Promise<ListedSubscription>;
  /** Of this application and account, those on presence. */
  list(signal: AbortSignal): Promise<readonly ListedSubscription[]>;
  /** Extends it, and authorises it anew. Resolves to its end in epoch milliseconds. */
  renew(
    id: string,
    certificate: EncryptionCertificate | null,
    signal: AbortSignal,
  ): Promise<number>;
  /** Resolves also if it was gone already. */
  remove(id: string, signal: AbortSignal): Promise<void>;
};

export type SubscriptionApiOptions = {
  readonly graphUrl: string;
  readonly credential: Credential;
  /** Where Graph posts changes, and what it has to say about the subscription itself. */
  readonly notificationUrl: string;
  readonly lifecycleUrl: string;
  readonly nowMs: () => number;
};

/** The delegated permission that the account has to consent to. */
export const SUBSCRIBER_PERMISSION = "Presence.Read.All";

/** Presence takes an hour at most; two minutes are left for a clock that is fast. */
const LIFE_MS = 58 * 60_000;
/** Graph waits up to 10 s for each of our two answers before it answers itself. */
const TIMEOUT_MS = 30_000;
const MAX_PAGES = 5;

const listed = z.object({
  id: z.string().min(1).max(128),
  resource: z.string(),
  notificationUrl: z.string().catch(""),
  expirationDateTime: z.string(),
});
const page = z.object({
  value: z.array(z.unknown()),
  "@odata.nextLink": z.string().nullish(),
});

export function createSubscriptionApi(options: SubscriptionApiOptions): SubscriptionApi {
  const { graphUrl, credential, notificationUrl, lifecycleUrl, nowMs } = options;
  const graph = createGraph({
    graphUrl,
    credential,
    scope: `${resourceOf(graphUrl)}/${SUBSCRIBER_PERMISSION}`,
    timeoutMs: TIMEOUT_MS,
    nowMs,
    explain,
  });
  const appRole = SUBSCRIBER_PERMISSION;
  const until = (): string => new Date(nowMs() + LIFE_MS).toISOString();
  const pathOf = (id: string): string => `/subscriptions/${encodeURIComponent(id)}`;

  return {
    async create({ users, clientState, certificate }, signal) {
      const body = {
        changeType: "updated",
        notificationUrl,
        lifecycleNotificationUrl: lifecycleUrl,
        resource: resourceNaming(users),
        expirationDateTime: until(),
        clientState,
        ...(certificate === null ? {} : { ...certificate, includeResourceData: true }),
      };
      const text = await graph.ask("POST", { path: "/subscriptions", body, appRole }, signal);
      return decode(jsonIn(text));
    },

    async list(signal) {
      const found: ListedSubscription[] = [];
      let path: string | null = "/subscriptions";
      for (let count = 0; path !== null && count < MAX_PAGES; count += 1) {
        const text = await graph.ask("GET", { path, appRole }, signal);
        const parsed = page.safeParse(jsonIn(text));
        if (!parsed.success) throw malformed();
        for (const one of parsed.data.value) {
          const isPresence = /presences/i.test(listed.safeParse(one).data?.resource ?? "");
          if (isPresence) found.push(decode(one));
        }
        path = pathBelowVersion(parsed.data["@odata.nextLink"]);
      }
      return found;
    },

    async renew(id, certificate, signal) {
      const body = { expirationDateTime: until(), ...certificate };
      const text = await graph.ask("PATCH", { path: pathOf(id), body, appRole }, signal);
      return decode(jsonIn(text)).expiresAtMs;
    },

    async remove(id, signal) {
      try {
        await graph.ask("DELETE", { path: pathOf(id), appRole }, signal);
      } catch (error) {
        if (!(error instanceof SystemError) || error.code !== "graph-subscription-gone")
          throw error;
      }
    },
  };
}

/** Microsoft: "Get change notifications for presence updates in Microsoft Teams". */
function resourceNaming(users: readonly TeamsUserId[]): string {
  return `/communications/presences?$filter=id in (${users.map((user) => `'${user}'`).join(",")})`;
}

function decode(json: unknown): ListedSubscription {
  const parsed = listed.safeParse(json);
  if (!parsed.success) throw malformed();
  const { id, resource, notificationUrl, expirationDateTime } = parsed.data;
  // Graph has left the zone out before; it means UTC.
  const hasZone = /(z|[+-]\d{2}:\d{2})$/i.test(expirationDateTime);
  const expiresAtMs = Date.parse(hasZone ? expirationDateTime : `${expirationDateTime}Z`);
  if (Number.isNaN(expiresAtMs)) throw malformed();
  const ids = resource.match(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi) ?? [];
  return { id: id.toLowerCase(), users: ids.map(teamsUserId), notificationUrl, expiresAtMs };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed();
  }
}

/** Only the path of a next link is used: the token goes to the host that was configured, and nowhere else. */
function pathBelowVersion(nextLink: string | null | undefined): string | null {
  const url = URL.parse(nextLink ?? "");
  return url === null ? null : `${url.pathname.replace(/^.*\/v1\.0(?=\/)/, "")}${url.search}`;
}

/**
 * What a refusal means when it is about a subscription. Microsoft: "Create subscription", "Update subscription",
 * and "Receive change notifications through webhooks".
 *
 * | status                          | code                           | retry class |
 * |---------------------------------|--------------------------------|-------------|
 * | 404                             | graph-subscription-gone        | rejected    |
 * | 409                             | graph-subscription-exists      | rejected    |
 * | 400 about the validation of a URL | graph-subscription-unvalidated | unavailable |
 * | 403 about a limit               | graph-subscription-quota       | unavailable |
 * | any other 403                   | graph-subscriber-forbidden     | unavailable |
 */
function explain({ status, text }: Refused): SystemError | null {
  const refused = { system: TEAMS, detail: `${status} ${codeIn(text)}`, surelyNotApplied: true };
  if (status === 404) {
    return new SystemError({
      ...refused,
      code: "graph-subscription-gone",
      retry: "rejected",
      nextStep: "Nothing: a new subscription is made.",
    });
  }
  if (status === 409) {
    return new SystemError({
      ...refused,
      code: "graph-subscription-exists",
      retry: "rejected",
      nextStep:
        "Nothing, unless it comes back: then another service uses the same app and subscriber account.",
    });
  }
  if (status === 400 && /validation/i.test(text)) {
    return new SystemError({
      ...refused,
      code: "graph-subscription-unvalidated",
      retry: "unavailable",
      nextStep:
        "Check that Microsoft 365 can reach PUBLIC_URL over HTTPS within 10 seconds; now and then Graph is at fault.",
    });
  }
  // Microsoft: "Change notifications overview", limits: a 403 whose message explains which one it is.
  if (status === 403 && /limit|quota|maximum/i.test(messageIn(text))) {
    return new SystemError({
      ...refused,
      code: "graph-subscription-quota",
      retry: "unavailable",
      nextStep:
        "See which applications of the tenant hold subscriptions on Teams: they share one limit. Until one gives way, these reps are polled.",
    });
  }
  if (status === 403) {
    return new SystemError({
      ...refused,
      code: "graph-subscriber-forbidden",
      retry: "unavailable",
      nextStep: `Consent to the delegated permission ${SUBSCRIBER_PERMISSION} and connect the account again at /connect/teams.`,
    });
  }
  return null;
}
