import { setImmediate as nextTurn } from "node:timers/promises";
import type { DeliveryLog } from "./delivery-log.ts";
import { Endpoint, endpointKey, SLOW_DELAY_MS, type EndpointState } from "./endpoint.ts";
import type { Network } from "./network.ts";
import type { Notice } from "./notification.ts";
import type { PushSettings } from "./settings.ts";
import type { Subscription } from "./subscription.ts";

/** A notice that waits for its time; copies travel apart from their originals. */
type Pending = {
  readonly notice: Notice;
  readonly dueAtMs: number;
  readonly copy: number;
  readonly hasBeenSlowed: boolean;
};

/** One request, the same in every attempt. */
type Parcel = {
  readonly url: string;
  readonly kind: Notice["kind"];
  readonly notices: readonly Notice[];
  readonly body: string;
  readonly attempt: number;
  readonly firstAtMs: number;
  readonly dueAtMs: number;
};

type Options = {
  readonly settings: PushSettings;
  readonly network: Network;
  readonly log: DeliveryLog;
  readonly now: () => number;
  readonly render: (notices: readonly Notice[]) => Promise<string>;
};

// "Receive change notifications through webhooks": tried again for up to 4 hours, as long as a token may be late.
const GIVEN_UP_AFTER_MS = 4 * 3_600_000;

/**
 * Delivers notices as the change-notification service does: together in one request where they are due
 * together, again with growing pauses when the answer is not 2xx, later to slow endpoints and never to
 * those that are far too slow. Time is the emulator's; only an endpoint's own slowness is real.
 */
export class Outbox {
  readonly #options: Options;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #flights = new Set<Promise<void>>();
  #pending: Pending[] = [];
  #held: Pending[] = [];
  #retries: Parcel[] = [];
  #isScheduled = false;
  #isClosed = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Puts a notice on its way: late, twice or not at all, as the settings say. */
  add(notice: Notice): void {
    const { delayMinMs, delayMaxMs, dropShare, duplicateShare } = this.#options.settings;
    const isChange = notice.kind === "change";
    if (isChange && Math.random() < dropShare) return this.#skip(notice, "dropped");
    const copies = isChange && Math.random() < duplicateShare ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const dueAtMs = notice.atMs + delayMinMs + Math.random() * (delayMaxMs - delayMinMs);
      this.#pending.push({ notice, dueAtMs, copy, hasBeenSlowed: false });
    }
    this.wake();
  }

  /** Sends what waited for a newer token of this subscription. */
  release(subscription: Subscription): void {
    const isReleased = ({ notice }: Pending) => notice.subscription === subscription;
    this.#pending.push(...this.#held.filter(isReleased));
    this.#held = this.#held.filter((each) => !isReleased(each));
    this.wake();
  }

  /** The next moment at which something is due, or infinity. */
  nextDueMs(): number {
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const { dueAtMs } of this.#pending) earliestMs = Math.min(earliestMs, dueAtMs);
    for (const { dueAtMs } of this.#retries) earliestMs = Math.min(earliestMs, dueAtMs);
    return earliestMs;
  }

  /** Sends what is due, in a moment: changes of one moment share a request, so the first does not leave alone. */
  wake(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#isClosed) return;
    const nowMs = this.#options.now();
    const due = this.#pending
      .filter(({ dueAtMs }) => dueAtMs <= nowMs)
      .toSorted((a, b) => a.dueAtMs - b.dueAtMs);
    const retries = this.#retries.filter(({ dueAtMs }) => dueAtMs <= nowMs);
    if (due.length + retries.length === 0) return;
    this.#pending = this.#pending.filter(({ dueAtMs }) => dueAtMs > nowMs);
    this.#retries = this.#retries.filter(({ dueAtMs }) => dueAtMs > nowMs);
    for (const parcel of retries) this.#fly(this.#send(parcel));
    this.#dispatch(due.filter((pending) => this.#isDeliverable(pending, nowMs)));
  }

  /** Comes true when nothing is under way and nothing more is due at this moment. */
  async settled(): Promise<void> {
    for (;;) {
      await nextTurn();
      if (this.#flights.size > 0) await Promise.all(this.#flights);
      else if (this.nextDueMs() > this.#options.now()) return;
      else this.#pump();
    }
  }

  states(): Readonly<Record<string, EndpointState>> {
    const nowMs = this.#options.now();
    return Object.fromEntries(
      [...this.#endpoints].map(([url, endpoint]) => [url, endpoint.stateAt(nowMs)]),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#flights);
  }

  #isDeliverable(pending: Pending, nowMs: number): boolean {
    const { notice } = pending;
    const { subscription } = notice;
    if (notice.kind === "lifecycle") return true;
    if (subscription.isRemoved) return false;
    if (subscription.isSilent) {
      this.#skip(notice, "silenced");
      return false;
    }
    if (subscription.tokenExpiresAtMs <= pending.dueAtMs) {
      const isStale = nowMs - notice.atMs > GIVEN_UP_AFTER_MS;
      if (!isStale) this.#held.push(pending);
      return false;
    }
    const state = this.#endpointOf(subscription.notificationUrl).stateAt(nowMs);
    if (state === "drop") {
      this.#skip(notice, "dropped");
      return false;
    }
    if (state === "slow" && !pending.hasBeenSlowed) {
      const dueAtMs = nowMs + SLOW_DELAY_MS;
      this.#pending.push({ ...pending, dueAtMs, hasBeenSlowed: true });
      return false;
    }
    return true;
  }

  #dispatch(deliverable: readonly Pending[]): void {
    const { reorder, batchSize } = this.#options.settings;
    const groups = Map.groupBy(deliverable, ({ notice, copy }) =>
      JSON.stringify([notice.kind, urlOf(notice), copy]),
    );
    for (const group of groups.values()) {
      const notices = group.map(({ notice }) => notice);
      const chunks = chunksOf(notices, reorder ? 1 : batchSize);
      if (reorder) this.#fly(this.#sendInTurn(chunks.toReversed()));
      else for (const chunk of chunks) this.#fly(this.#sendFirst(chunk));
    }
  }

  async #sendInTurn(chunks: readonly (readonly Notice[])[]): Promise<void> {
    for (const chunk of chunks) await this.#sendFirst(chunk);
  }

  async #sendFirst(notices: readonly Notice[]): Promise<void> {
    const [first] = notices;
    if (!first) return;
    const nowMs = this.#options.now();
    await this.#send({
      url: urlOf(first),
      kind: first.kind,
      notices,
      body: await this.#options.render(notices),
      attempt: 1,
      firstAtMs: nowMs,
      dueAtMs: nowMs,
    });
  }

  async #send(parcel: Parcel): Promise<void> {
    const { network, settings, log, now } = this.#options;
    const { url, kind, notices, body, attempt, firstAtMs } = parcel;
    const sentAtMs = now();
    const { status, durationMs } = await network.post(url, {
      body,
      contentType: "application/json; charset=utf-8",
      timeoutMs: attempt === 1 ? settings.firstTimeoutMs : settings.retryTimeoutMs,
    });
    this.#endpointOf(url).note(sentAtMs, durationMs);
    const isDelivered = status >= 200 && status < 300;
    const dueAtMs = sentAtMs + settings.retryBaseMs * 2 ** (attempt - 1);
    const isGivenUp = dueAtMs - firstAtMs > GIVEN_UP_AFTER_MS;
    if (!isDelivered && !isGivenUp) {
      this.#retries.push({ ...parcel, attempt: attempt + 1, dueAtMs });
    }
    log.record({
      atMs: sentAtMs,
      kind,
      url,
      subscriptionIds: [...new Set(notices.map(({ subscription }) => subscription.id))],
      userIds: notices.flatMap((notice) => (notice.kind === "change" ? [notice.userId] : [])),
      attempt,
      status,
      durationMs,
      outcome: isDelivered ? "delivered" : isGivenUp ? "givenUp" : "retrying",
    });
  }

  #fly(flight: Promise<void>): void {
    this.#flights.add(flight);
    void flight.finally(() => this.#flights.delete(flight));
  }

  #skip(notice: Notice, outcome: "dropped" | "silenced"): void {
    this.#options.log.record({
      atMs: notice.atMs,
      kind: notice.kind,
      url: urlOf(notice),
      subscriptionIds: [notice.subscription.id],
      userIds: notice.kind === "change" ? [notice.userId] : [],
      attempt: 0,
      status: 0,
      durationMs: 0,
      outcome,
    });
  }

  #endpointOf(url: string): Endpoint {
    const key = endpointKey(url);
    const endpoint = this.#endpoints.get(key) ?? new Endpoint(this.#options.settings);
    this.#endpoints.set(key, endpoint);
    return endpoint;
  }
}

function urlOf({ kind, subscription }: Notice): string {
  const { notificationUrl, lifecycleNotificationUrl } = subscription;
  return kind === "change" ? notificationUrl : (lifecycleNotificationUrl ?? notificationUrl);
}

function chunksOf<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
