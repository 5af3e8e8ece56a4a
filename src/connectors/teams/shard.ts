import { randomBytes } from "node:crypto";
import { z } from "zod";
import { type TeamsUserId, teamsUserId } from "../../presence/identity.ts";
import { SystemError } from "../connector.ts";
import type { Handshake } from "./handshake.ts";
import type { NotificationKeys } from "./notification-keys.ts";
import { found, heard, judge, type Listening, nextMissAtMs, startListening } from "./silence.ts";
import type { Subscriber } from "./subscriber.ts";
import {
  isDelivering,
  type LifecycleEvent,
  newSubscription,
  step,
  type Subscription,
  type SubscriptionCommand,
  type SubscriptionEvent,
  type SubscriptionState,
} from "./subscription.ts";
import type { ListedSubscription, SubscriptionApi } from "./subscription-api.ts";
import type { Vault } from "./vault.ts";

export type ShardOptions = {
  readonly vault: Vault;
  readonly apiOf: (subscriber: Subscriber) => SubscriptionApi;
  readonly notificationUrl: string;
  readonly handshake: Handshake;
  /** Makes the notifications rich; `null` leaves them basic. */
  readonly keys: NotificationKeys | null;
  readonly nowMs: () => number;
  /** Calls once after so many milliseconds; the returned function cancels it. */
  readonly after: (delayMs: number, fire: () => void) => () => void;
  /** 0 to 1, not included. */
  readonly random: () => number;
  /** Resolves when a call about a subscription may leave; false when there is to be none any more. */
  readonly take: () => Promise<boolean>;
  /** Ends calls that are under way: the service stops. */
  readonly signal: AbortSignal;
  /** Graph asked for silence, in milliseconds. */
  readonly pause: (durationMs: number) => void;
  /** Somebody may have changed: read. */
  readonly hint: (user: TeamsUserId) => void;
  readonly report: (note: ShardNote) => void;
};

/** Something for the log. `shard` is the object id of the subscriber account. */
export type ShardNote =
  | { readonly code: "push-live"; readonly shard: string; readonly reps: number }
  | { readonly code: "push-silent"; readonly shard: string; readonly silentMinutes: number }
  | { readonly code: "push-failed"; readonly shard: string; readonly error: SystemError }
  | { readonly code: "push-fault"; readonly shard: string; readonly error: unknown };

export type ShardStatus = {
  /** Object id of the subscriber account. */
  readonly shard: string;
  readonly state: SubscriptionState;
  /** False: these reps are kept in step by the poll alone. */
  readonly delivering: boolean;
  readonly reps: number;
  readonly expiresAtMs: number | null;
  readonly lastNotifiedAtMs: number | null;
  readonly notificationsPerMinute: number;
  /** How often it was replaced because it had fallen silent, since it was last heard. */
  readonly silences: number;
  /** A code; `null` since something succeeded. */
  readonly lastError: string | null;
};

export const SHARD_KIND = "teams-subscription";
export const storedShard = z.object({
  attempt: z.object({ clientState: z.string(), users: z.array(z.string()) }).nullable(),
  held: z.object({ id: z.string(), expiresAtMs: z.number() }).nullable(),
});
export type StoredShard = z.output<typeof storedShard>;

/** What a subscription was asked for with. Open while nobody knows whether that made one. */
type Attempt = {
  readonly clientState: string;
  readonly users: readonly TeamsUserId[];
  readonly isOpen: boolean;
};

/** How often a shard that delivers is asked whether it is quieter than usual. */
const DOUBT_EVERY_MS = 30_000;
/** A timer may be so much ahead of the clock. */
const EARLY_MS = 1_000;

/**
 * One account's subscription. It runs the state machine of `subscription.ts` and the detector of `silence.ts`: what
 * they decide becomes a call to Graph, and its answer becomes their next event.
 *
 * Invariant: the secret of a subscription is durable before Graph is asked to make it.
 */
export class Shard {
  readonly id: string;
  readonly #options: ShardOptions;
  readonly #subscriber: Subscriber;
  readonly #api: SubscriptionApi;
  #subscription: Subscription;
  #listening: Listening;
  #attempt: Attempt | null;
  #cancel = (): void => undefined;
  #doubtAtMs: number;
  /** The latest that the clock has shown, and when it was to wake us: earlier than either, it was set back. */
  #seenAtMs = Number.NEGATIVE_INFINITY;
  #isAnnounced = false;
  #closed = false;
  readonly #over = Promise.withResolvers<false>();
  #flight: Promise<unknown> = Promise.resolve();

  constructor(subscriber: Subscriber, before: StoredShard | null, options: ShardOptions) {
    const { attempt = null, held = null } = before ?? {};
    const users = attempt?.users.map(teamsUserId) ?? [];
    this.id = subscriber.id;
    this.#options = options;
    this.#subscriber = subscriber;
    this.#api = options.apiOf(subscriber);
    this.#subscription = newSubscription(held && { ...held, users });
    this.#listening = startListening(options.nowMs());
    this.#doubtAtMs = options.nowMs() + DOUBT_EVERY_MS;
    this.#attempt = attempt && { clientState: attempt.clientState, users, isOpen: held === null };
  }

  /** Whom it should watch; before it was told, whom it watches. */
  get users(): readonly TeamsUserId[] {
    const { wanted, held } = this.#subscription;
    return wanted.length > 0 ? wanted : (held?.users ?? []);
  }

  get stored(): StoredShard {
    const { held } = this.#subscription;
    const { clientState, users } = this.#attempt ?? {};
    return {
      attempt: clientState === undefined ? null : { clientState, users: [...(users ?? [])] },
      held: held && { id: held.id, expiresAtMs: held.expiresAtMs },
    };
  }

  /** The secret and the tenant, if this subscription is its own. */
  secretOf(subscriptionId: string): Secret | null {
    if (this.#subscription.held?.id !== subscriptionId || !this.#attempt) return null;
    const { clientState } = this.#attempt;
    return { clientState, tenantId: this.#subscriber.tenantId };
  }

  want(users: readonly TeamsUserId[]): void {
    this.#apply({ kind: "wanted", users });
  }

  announced(user: TeamsUserId): void {
    this.#listening = heard(this.#listening, [user], this.#options.nowMs());
    if (this.#subscription.silences > 0) this.#apply({ kind: "heard" });
    this.#options.hint(user);
  }

  lifecycle(says: LifecycleEvent): void {
    this.#apply({ kind: "lifecycle", says });
  }

  /** People of whom a reading found something new, each with the time at which the reading before it left. */
  saw(changed: ReadonlyMap<TeamsUserId, number>): void {
    if (!isDelivering(this.#subscription)) return;
    const seenAtMs = this.#options.nowMs();
    for (const user of this.#subscription.held?.users ?? []) {
      const afterMs = changed.get(user);
      if (afterMs === undefined) continue;
      this.#listening = found(this.#listening, { user, afterMs, seenAtMs });
    }
    this.#schedule();
  }

  status(): ShardStatus {
    const { state, held, wanted, silences, lastError } = this.#subscription;
    const { lastNotifiedAtMs, perMinute } = this.#listening;
    return {
      shard: this.id,
      state,
      delivering: isDelivering(this.#subscription),
      reps: wanted.length,
      expiresAtMs: held?.expiresAtMs ?? null,
      lastNotifiedAtMs,
      notificationsPerMinute: perMinute,
      silences,
      lastError,
    };
  }

  /** Does nothing more, and resolves when nothing is under way. What exists at Graph stays there. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    this.#over.resolve(false);
    await this.#flight;
  }

  /** After `close`: takes the subscription away from Graph. What fails here ends by itself within the hour. */
  async abandon(signal: AbortSignal): Promise<void> {
    const { held } = this.#subscription;
    try {
      if (held) await this.#api.remove(held.id, signal);
    } catch (error) {
      this.#blame(error);
    }
  }

  #apply(event: SubscriptionEvent, atMs = this.#options.nowMs()): void {
    if (this.#closed) return;
    const { nowMs, random, report } = this.#options;
    const before = this.#subscription;
    const { subscription, commands } = step(before, event, atMs, random());
    this.#subscription = subscription;
    if (subscription.held && subscription.held.id !== before.held?.id) {
      this.#listening = startListening(nowMs(), this.#listening.perMinute);
    }
    if (!isDelivering(subscription)) this.#isAnnounced = false;
    if (subscription.state === "live" && !this.#isAnnounced) {
      this.#isAnnounced = true;
      report({ code: "push-live", shard: this.id, reps: subscription.wanted.length });
    }
    for (const command of commands) this.#run(command);
    this.#schedule();
  }

  #schedule(): void {
    const { nowMs, after } = this.#options;
    this.#cancel();
    if (this.#closed) return;
    const { dueAtMs } = this.#subscription;
    const judgeAtMs = isDelivering(this.#subscription)
      ? [nextMissAtMs(this.#listening), this.#doubtAtMs]
      : [];
    const next = Math.min(...[dueAtMs, ...judgeAtMs].filter((atMs) => atMs !== null));
    if (next === Number.POSITIVE_INFINITY) return;
    const isSetBack = nowMs() < this.#seenAtMs;
    this.#seenAtMs = Math.max(this.#seenAtMs, nowMs());
    this.#cancel = after(isSetBack ? 0 : Math.max(0, next - nowMs()), () => {
      this.#seenAtMs = Math.max(this.#seenAtMs, next - EARLY_MS);
      this.#wake();
    });
  }

  #wake(): void {
    const { nowMs, report } = this.#options;
    // Set back, the clock would put off a renewal until Graph has ended the subscription, and keep judgement waiting.
    const isSetBack = nowMs() < this.#seenAtMs;
    this.#seenAtMs = nowMs();
    if (isSetBack) this.#listening = startListening(nowMs(), this.#listening.perMinute);
    if (isDelivering(this.#subscription)) {
      const { listening, verdict } = judge(this.#listening, nowMs());
      this.#listening = listening;
      this.#doubtAtMs = nowMs() + DOUBT_EVERY_MS;
      if (verdict.kind === "doubtful") this.#run("read");
      if (verdict.kind === "silent") {
        const { silences } = this.#subscription;
        this.#apply({ kind: "silent" });
        const silentMinutes = Math.round((nowMs() - verdict.sinceMs) / 60_000);
        // One that was replaced a moment ago is given time before it is replaced, and reported, again.
        if (this.#subscription.silences > silences) {
          report({ code: "push-silent", shard: this.id, silentMinutes });
        }
      }
    }
    this.#apply({ kind: "due" }, isSetBack ? (this.#subscription.dueAtMs ?? nowMs()) : nowMs());
  }

  #run(command: SubscriptionCommand): void {
    if (command === "read") {
      for (const user of this.#subscription.wanted) this.#options.hint(user);
      return;
    }
    const called = this.#call(command).catch((error: unknown) => {
      const mayExist = !(error instanceof SystemError) || !error.surelyNotApplied;
      if (command === "create" && mayExist && this.#attempt) {
        this.#attempt = { ...this.#attempt, isOpen: true };
      }
      this.#apply(this.#failure(error));
    });
    this.#flight = Promise.all([this.#flight, called]);
  }

  async #call(command: Exclude<SubscriptionCommand, "read">): Promise<void> {
    const { take, handshake, signal } = this.#options;
    // Whoever closes it does not wait for a silence that Graph asked for.
    const mayLeave = await Promise.race([take(), this.#over.promise]);
    if (!mayLeave || this.#closed) return;
    const { held, wanted } = this.#subscription;
    switch (command) {
      case "create": {
        const { clientState, users } = await this.#begin(wanted);
        const certificate = await this.#certificate();
        const made = await handshake.during(() =>
          this.#api.create({ clientState, users, certificate }, signal),
        );
        await this.#exists("created", { id: made.id, expiresAtMs: made.expiresAtMs, users });
        return;
      }
      case "list":
        await this.#adopt(await this.#api.list(signal));
        return;
      case "renew": {
        const id = held?.id ?? "";
        const certificate = await this.#certificate();
        const expiresAtMs = await handshake.during(() => this.#api.renew(id, certificate, signal));
        this.#apply({ kind: "renewed", expiresAtMs });
        await this.#keepWell();
        return;
      }
      case "remove":
        await this.#api.remove(held?.id ?? "", signal);
        this.#attempt = null;
        this.#apply({ kind: "gone" });
    }
  }

  async #certificate(): Promise<ReturnType<NotificationKeys["current"]> | null> {
    return (await this.#options.keys?.current()) ?? null;
  }

  /** A secret for a subscription that is about to be made. One whose fate is open is used again, to be found by. */
  async #begin(users: readonly TeamsUserId[]): Promise<Attempt> {
    const before = this.#attempt;
    if (before?.isOpen && before.users.join() === users.join()) return before;
    const clientState = randomBytes(32).toString("base64url");
    const attempt = { clientState, users, isOpen: false };
    this.#attempt = attempt;
    await this.#keep();
    return attempt;
  }

  async #adopt(listed: readonly ListedSubscription[]): Promise<void> {
    const { notificationUrl } = this.#options;
    const users = this.#attempt?.users ?? [];
    const asked = users.toSorted().join();
    const ours = listed.find(
      (one) => one.notificationUrl === notificationUrl && one.users.toSorted().join() === asked,
    );
    const [other] = listed;
    if (ours && this.#attempt?.isOpen) {
      await this.#exists("adopted", { id: ours.id, expiresAtMs: ours.expiresAtMs, users });
    } else if (other) this.#apply({ kind: "foreign", id: other.id });
    else this.#apply({ kind: "gone" });
  }

  async #exists(
    kind: "created" | "adopted",
    held: NonNullable<Subscription["held"]>,
  ): Promise<void> {
    if (this.#attempt) this.#attempt = { ...this.#attempt, isOpen: false };
    // Closed meanwhile: the next process, or nobody, will want it; it must be known to be there.
    if (this.#closed) this.#subscription = { ...this.#subscription, held };
    this.#apply({ kind, held });
    await this.#keepWell();
  }

  async #keep(): Promise<void> {
    await this.#options.vault.keep(SHARD_KIND, this.id, this.stored);
  }

  /** What exists works without its record too; only a restart would have to make it anew. */
  async #keepWell(): Promise<void> {
    try {
      await this.#keep();
    } catch (error) {
      this.#blame(error);
    }
  }

  #failure(error: unknown): SubscriptionEvent {
    if (error instanceof SystemError) {
      if (error.code === "graph-subscription-exists") return { kind: "exists" };
      if (error.code === "graph-subscription-gone") {
        this.#attempt = null;
        return { kind: "gone" };
      }
      if (error.retry === "throttled") this.#options.pause(error.retryAfterMs ?? 0);
    }
    this.#blame(error);
    const isSystem = error instanceof SystemError;
    const code = isSystem ? error.code : "push-fault";
    const retryAfterMs = isSystem ? (error.retryAfterMs ?? 0) : 0;
    return { kind: "failed", code, retryAfterMs, signedOut: code === SIGNED_OUT };
  }

  #blame(error: unknown): void {
    const { report, signal } = this.#options;
    // What is broken off by a shutdown is nobody's fault.
    if (signal.aborted) return;
    if (error instanceof SystemError) report({ code: "push-failed", shard: this.id, error });
    else report({ code: "push-fault", shard: this.id, error });
  }
}

type Secret = { readonly clientState: string; readonly tenantId: string };

const SIGNED_OUT = "entra-subscriber-signed-out";
