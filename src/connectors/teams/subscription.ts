import type { TeamsUserId } from "../../presence/identity.ts";
import { sameUsers } from "./spread.ts";

export const SUBSCRIPTION_STATES = [
  "absent",
  "creating",
  "adopting",
  "live",
  "renewing",
  "removing",
  "waiting",
  "signed-out",
] as const;
export type SubscriptionState = (typeof SUBSCRIPTION_STATES)[number];

/** A subscription that exists at Graph, as far as we know. */
export type Held = {
  readonly id: string;
  readonly users: readonly TeamsUserId[];
  /** Epoch milliseconds on our clock. */
  readonly expiresAtMs: number;
};

/** One subscriber account's subscription: what it should be, what it is, and what is done about it. */
export type Subscription = {
  readonly state: SubscriptionState;
  readonly wanted: readonly TeamsUserId[];
  readonly held: Held | null;
  /** It exists and must not be kept: it fell silent, or Graph says that it is gone. */
  readonly replace: boolean;
  /** When to act next without being asked; `null` while an answer is awaited or nothing is wanted. */
  readonly dueAtMs: number | null;
  readonly failures: number;
  /** How often it was replaced for silence since it was last heard, and when. */
  readonly silences: number;
  readonly replacedAtMs: number | null;
  /** A code of ours; `null` since something succeeded. */
  readonly lastError: string | null;
};

export type SubscriptionEvent =
  | { readonly kind: "wanted"; readonly users: readonly TeamsUserId[] }
  | { readonly kind: "due" }
  | { readonly kind: "created" | "adopted"; readonly held: Held }
  /** 409: this account has a subscription already. */
  | { readonly kind: "exists" }
  /** The one that exists is not one whose secret we know. */
  | { readonly kind: "foreign"; readonly id: string }
  | { readonly kind: "renewed"; readonly expiresAtMs: number }
  | { readonly kind: "gone" }
  | {
      readonly kind: "failed";
      readonly code: string;
      readonly retryAfterMs: number;
      readonly signedOut: boolean;
    }
  | { readonly kind: "lifecycle"; readonly says: LifecycleEvent }
  | { readonly kind: "heard" }
  | { readonly kind: "silent" };

/** Microsoft: "Reduce missing subscriptions and change notifications". Presence is promised the first only. */
export type LifecycleEvent =
  | "reauthorizationRequired"
  | "subscriptionRemoved"
  | "missed"
  | "unknown";

/** `read`: look at everybody in the shard, because something may have happened that was not announced. */
export type SubscriptionCommand = "create" | "list" | "renew" | "remove" | "read";

export type Step = {
  readonly subscription: Subscription;
  readonly commands: readonly SubscriptionCommand[];
};

/** Graph ends a subscription after an hour, whatever a clock that is wrong makes of the answer. */
const LONGEST_LIFE_MS = 60 * 60_000;
const SHORTEST_REST_MS = 60_000;
const RETRY_FIRST_MS = 2_000;
const RETRY_MAX_MS = 5 * 60_000;
/** A person has to sign in; now and then it was only Entra's mistake, or somebody gave the account its right back. */
const SIGNED_OUT_REST_MS = 30 * 60_000;
const SILENCE_REST_FIRST_MS = 60_000;
const SILENCE_REST_MAX_MS = 30 * 60_000;

export function newSubscription(held: Held | null = null): Subscription {
  return {
    state: "absent",
    wanted: [],
    held,
    replace: false,
    dueAtMs: null,
    failures: 0,
    silences: 0,
    replacedAtMs: null,
    lastError: null,
  };
}

/**
 * The life of one subscription. Pure: time is `nowMs`, chance is `random` (0 to 1, not included).
 *
 * | state                     | on                             | becomes                                     |
 * |---------------------------|--------------------------------|---------------------------------------------|
 * | absent, waiting           | due, wanted                    | creating; with one that exists: see live    |
 * | creating                  | created                        | live; everybody in it is read               |
 * |                           | exists (409)                   | adopting: list what there is                |
 * | adopting                  | adopted (our secret fits it)   | live; everybody in it is read               |
 * |                           | foreign                        | removing, then creating                     |
 * |                           | gone (nothing there)           | creating                                    |
 * | live                      | due, at half its life          | renewing                                    |
 * |                           | wanted other people            | removing, then creating                     |
 * |                           | silent                         | removing, then creating; rests in between   |
 * |                           | reauthorizationRequired        | renewing: a renewal authorises as well      |
 * |                           | subscriptionRemoved            | renewing: only Graph knows whether it is true |
 * |                           | missed, unknown                | live; everybody in it is read               |
 * | renewing                  | renewed                        | live                                        |
 * |                           | gone (404)                     | creating; everybody in it is read           |
 * |                           | failed                         | live until it expires, and tried again      |
 * | removing                  | gone                           | creating, or absent if nobody is wanted     |
 * | creating, adopting, removing | failed                      | waiting                                     |
 * | any                       | failed because signed out      | signed-out; asks again twice an hour        |
 * | signed-out                | due                            | creating or renewing                        |
 *
 * Of the four states in which an answer is awaited one request is under way, never two. What arrives
 * meanwhile is remembered and acted on when the answer is there.
 */
export function step(
  before: Subscription,
  event: SubscriptionEvent,
  nowMs: number,
  random: number,
): Step {
  const now = { nowMs, random };
  switch (event.kind) {
    case "wanted":
      return whenIdle({ ...before, wanted: event.users }, now);
    case "due":
      return isDue(before, nowMs) ? whenIdle(before, now, "due") : still(before);
    case "created":
    case "adopted": {
      const held = { ...event.held, expiresAtMs: clamped(event.held.expiresAtMs, nowMs) };
      return alive({ ...before, held, replace: false }, now, ["read"]);
    }
    case "exists": {
      const failures = before.failures + 1;
      return { subscription: { ...before, state: "adopting", failures }, commands: ["list"] };
    }
    case "foreign": {
      const held = { id: event.id, users: [], expiresAtMs: nowMs + LONGEST_LIFE_MS };
      return remove({ ...before, held, replace: true });
    }
    case "renewed": {
      const expiresAtMs = clamped(event.expiresAtMs, nowMs);
      const held = before.held && { ...before.held, expiresAtMs };
      return alive({ ...before, held }, now, []);
    }
    case "gone": {
      const wasLost = before.state === "renewing";
      const after = { ...before, held: null, replace: false };
      // Refused as a duplicate again and again, and nothing there to adopt: that is not hurried.
      if (!wasLost && before.failures > 1) return wait(after, now);
      const { subscription, commands } = onward(
        { ...after, failures: wasLost ? 0 : before.failures },
        now,
      );
      return { subscription, commands: wasLost ? [...commands, "read"] : commands };
    }
    case "failed":
      return failed(before, event, now);
    case "lifecycle":
      return lifecycle(before, event.says);
    case "heard":
      return still(before.silences === 0 ? before : { ...before, silences: 0 });
    case "silent": {
      if (!before.held || before.replace || !mayReplace(before, nowMs)) return still(before);
      const { silences } = before;
      const marked = { ...before, replace: true, silences: silences + 1, replacedAtMs: nowMs };
      return whenIdle(marked, now);
    }
  }
}

/** True while the subscription exists and should deliver. */
export function isDelivering({ state, held, replace }: Subscription): boolean {
  return held !== null && !replace && (state === "live" || state === "renewing");
}

type Now = { readonly nowMs: number; readonly random: number };

const still = (subscription: Subscription): Step => ({ subscription, commands: [] });

const awaitsAnswer = ({ state }: Subscription): boolean =>
  state === "creating" || state === "adopting" || state === "renewing" || state === "removing";

const isDue = ({ dueAtMs }: Subscription, nowMs: number): boolean =>
  dueAtMs !== null && nowMs >= dueAtMs;

function whenIdle(subscription: Subscription, now: Now, why?: "due"): Step {
  const { state } = subscription;
  if (awaitsAnswer(subscription)) return still(subscription);
  // What failed a moment ago is not hurried by a change of plan.
  const rests = state === "waiting" || state === "signed-out";
  if (rests && why !== "due") return still(subscription);
  return onward(subscription, now, why);
}

/** What is to be done now that nothing is under way. */
function onward(subscription: Subscription, now: Now, why?: "due"): Step {
  const { held, wanted, replace } = subscription;
  if (held && held.expiresAtMs <= now.nowMs) {
    return onward({ ...subscription, held: null, replace: false }, now);
  }
  if (!held) {
    if (wanted.length === 0) return still({ ...subscription, state: "absent", dueAtMs: null });
    return {
      subscription: { ...subscription, state: "creating", dueAtMs: null },
      commands: ["create"],
    };
  }
  if (replace || !sameUsers(held.users, wanted)) return remove(subscription);
  if (why === "due" || subscription.state === "absent") return renew(subscription);
  return still(subscription);
}

const remove = (subscription: Subscription): Step => ({
  subscription: { ...subscription, state: "removing", dueAtMs: null },
  commands: ["remove"],
});

const renew = (subscription: Subscription): Step => ({
  subscription: { ...subscription, state: "renewing", dueAtMs: null },
  commands: ["renew"],
});

/** It lives: renew it at half of what is left, a tenth sooner or later so that a pool does not march in step. */
function alive(
  subscription: Subscription,
  now: Now,
  commands: readonly SubscriptionCommand[],
): Step {
  const lifeMs = (subscription.held?.expiresAtMs ?? now.nowMs) - now.nowMs;
  const restMs = Math.max(SHORTEST_REST_MS, (lifeMs / 2) * (0.9 + 0.2 * now.random));
  const live: Subscription = {
    ...subscription,
    state: "live",
    dueAtMs: now.nowMs + restMs,
    failures: 0,
    lastError: null,
  };
  const after = onward(live, now);
  return { ...after, commands: [...commands, ...after.commands] };
}

function failed(
  before: Subscription,
  event: Extract<SubscriptionEvent, { kind: "failed" }>,
  now: Now,
): Step {
  const { code: lastError, retryAfterMs, signedOut } = event;
  if (signedOut) {
    const dueAtMs = now.nowMs + SIGNED_OUT_REST_MS;
    return still({ ...before, state: "signed-out", dueAtMs, lastError });
  }
  const isAlive = before.state === "renewing";
  const failures = before.failures + 1;
  const { subscription } = wait({ ...before, failures, lastError }, now, retryAfterMs);
  return still(isAlive ? { ...subscription, state: "live" } : subscription);
}

/** Longer after every failure, and never shorter than Graph asked for. */
function wait(subscription: Subscription, { nowMs, random }: Now, atLeastMs = 0): Step {
  const doublings = Math.min(subscription.failures - 1, 20);
  const backOffMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** doublings) * (0.8 + 0.4 * random);
  const dueAtMs = nowMs + Math.max(atLeastMs, backOffMs);
  return still({ ...subscription, state: "waiting", dueAtMs });
}

function lifecycle(before: Subscription, says: LifecycleEvent): Step {
  const asksForRenewal = says === "reauthorizationRequired" || says === "subscriptionRemoved";
  // Else it is being renewed, replaced or tried again already.
  const canRenew = before.state === "live" && before.failures === 0;
  const after = asksForRenewal && canRenew ? renew(before) : still(before);
  const reads: SubscriptionCommand[] = says === "reauthorizationRequired" ? [] : ["read"];
  return { ...after, commands: [...after.commands, ...reads] };
}

function mayReplace({ silences, replacedAtMs }: Subscription, nowMs: number): boolean {
  if (replacedAtMs === null || silences === 0) return true;
  const restMs = Math.min(SILENCE_REST_MAX_MS, SILENCE_REST_FIRST_MS * 2 ** Math.min(silences, 20));
  return nowMs >= replacedAtMs + restMs;
}

const clamped = (expiresAtMs: number, nowMs: number): number =>
  Math.min(expiresAtMs, nowMs + LONGEST_LIFE_MS);
