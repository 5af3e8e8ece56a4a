import { z } from "zod";
import { HISTORY_KINDS } from "../feed/interest.ts";
import type { Attempt } from "./sender.ts";

/** The kind of the records in which subscriptions are kept; a record's id is the subscription's. */
export const SUBSCRIPTION_RECORD = "subscription";

const kept = z.object({
  id: z.string(),
  integration: z.string(),
  url: z.string(),
  secret: z.string(),
  reps: z.array(z.string()).nullable(),
  queues: z.array(z.string()).nullable().default(null),
  kinds: z.array(z.enum(HISTORY_KINDS)),
  /** Everything up to here was delivered, or is among the two lists below. */
  position: z.number(),
  /** Sent or about to be; `attempt` counts those that failed. */
  waiting: z.array(z.object({ position: z.number(), attempt: z.number(), dueMs: z.number() })),
  /** Given up after the last attempt. */
  dead: z.array(z.object({ position: z.number(), says: z.string(), atMs: z.number() })),
  /** Since when no attempt has succeeded. */
  failingSinceMs: z.number().nullable(),
  disabled: z.object({ atMs: z.number(), says: z.string() }).nullable(),
});
/** One address that is told, and how far it has been told. */
export type Subscription = z.infer<typeof kept>;

export const readSubscription = (body: unknown): Subscription | null =>
  kept.safeParse(body).data ?? null;

const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
/** How long after each failed attempt the next one is made: the schedule that Standard Webhooks shows. */
export const RETRY_DELAYS_MS = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
] as const;
/** Retries are spread over a tenth more than their delay, so that they do not all come at once. */
const JITTER = 0.1;
export const DISABLED_AFTER_MS = 5 * 24 * HOUR;
/** While so many wait, nothing new is taken from the history: it is kept there. */
export const MAX_WAITING = 100;
const MAX_DEAD = 1_000;
const MAX_RETRY_AFTER_MS = 24 * HOUR;

/** Takes a message from the history. */
export function taken(
  of: Subscription,
  position: number,
  wanted: boolean,
  nowMs: number,
): Subscription {
  const waiting = wanted ? [...of.waiting, { position, attempt: 0, dueMs: nowMs }] : of.waiting;
  return { ...of, position, waiting };
}

/**
 * What an attempt changes. A success ends the failing, and makes due at once whatever else waits. A failure is
 * tried again on the schedule, no sooner than the receiver asked; after the last attempt the message is given
 * up. The whole subscription is disabled by 410 Gone, and when nothing has succeeded for five days.
 */
export function attempted(
  of: Subscription,
  position: number,
  attempt: Attempt,
  nowMs: number,
  random: () => number,
): Subscription {
  const message = of.waiting.find((one) => one.position === position);
  if (!message) return of;
  const others = of.waiting.filter((one) => one !== message);
  if (attempt.status >= 200 && attempt.status < 300) {
    const hurried =
      of.failingSinceMs === null
        ? others
        : others.map((one) => ({ ...one, dueMs: Math.min(one.dueMs, nowMs) }));
    return { ...of, waiting: hurried, failingSinceMs: null };
  }
  const failingSinceMs = of.failingSinceMs ?? nowMs;
  const { says } = attempt;
  const failing = { ...of, failingSinceMs };
  if (attempt.status === 410) {
    return { ...failing, disabled: { atMs: nowMs, says: "the receiver answered 410 Gone" } };
  }
  if (nowMs - failingSinceMs >= DISABLED_AFTER_MS) {
    const why = `nothing was accepted for five days; at last the receiver ${says}`;
    return { ...failing, disabled: { atMs: nowMs, says: why } };
  }
  const delayMs = RETRY_DELAYS_MS[message.attempt];
  if (delayMs === undefined) {
    const dead = [...of.dead, { position, says, atMs: nowMs }].slice(-MAX_DEAD);
    return { ...failing, waiting: others, dead };
  }
  const askedMs = Math.min((attempt.retryAfterSeconds ?? 0) * SECOND, MAX_RETRY_AFTER_MS);
  const dueMs = nowMs + Math.max(delayMs * (1 + JITTER * random()), askedMs);
  return { ...failing, waiting: [...others, { position, attempt: message.attempt + 1, dueMs }] };
}

/** Starts anew from a position, or with what was given up; a disabled one is enabled. */
export function replayed(of: Subscription, after: number | null, nowMs: number): Subscription {
  const enabled = { ...of, failingSinceMs: null, disabled: null };
  if (after !== null) return { ...enabled, position: after, waiting: [], dead: [] };
  const again = of.dead.map(({ position }) => ({ position, attempt: 0, dueMs: nowMs }));
  const due = of.waiting.map((one) => ({ ...one, dueMs: Math.min(one.dueMs, nowMs) }));
  return { ...enabled, waiting: [...again, ...due], dead: [] };
}

/** What an administrator of the integration is shown. */
export function describe(of: Subscription): {
  readonly state: "live" | "failing" | "disabled";
  readonly says: string;
} {
  if (of.disabled) {
    const says = `Disabled at ${new Date(of.disabled.atMs).toISOString()}: ${of.disabled.says}. Replay it to go on.`;
    return { state: "disabled", says };
  }
  if (of.failingSinceMs !== null) {
    const says = `Nothing was accepted since ${new Date(of.failingSinceMs).toISOString()}; it is tried again.`;
    return { state: "failing", says };
  }
  return { state: "live", says: "What is sent is accepted." };
}
