import { DeliveryLog } from "./delivery-log.ts";
import type { HandshakeFailure } from "./handshake.ts";
import { Network } from "./network.ts";
import { Outbox } from "./outbox.ts";
import { renderBody, type Spoilable, type TokenOrder } from "./rendering.ts";
import { defaultSettings, type PushSettings } from "./settings.ts";
import { Subscriptions, type Subscription } from "./subscription.ts";

export type PushOptions = {
  readonly tenantId: string;
  readonly now: () => number;
  readonly mintToken: ((order: TokenOrder) => Promise<string>) | undefined;
};

const LONGEST_REST_MS = 1000;
const SHORTEST_REST_MS = 5;

/**
 * The change-notification service: it keeps the subscriptions, and turns changes of presence into
 * deliveries. Its time is the emulator's clock; as long as anybody is subscribed, it looks at the clock
 * by itself, so that what expires is told without anybody's asking.
 */
export class Push {
  readonly settings: PushSettings = defaultSettings();
  readonly subscriptions = new Subscriptions();
  readonly network = new Network();
  readonly log = new DeliveryLog();
  readonly outbox: Outbox;
  readonly now: () => number;
  readonly #handshakeFailures: HandshakeFailure[] = [];
  readonly #spoilt: Spoilable[] = [];
  #timer: NodeJS.Timeout | undefined;
  #tick: () => void = () => {};
  #isClosed = false;

  constructor({ tenantId, now, mintToken }: PushOptions) {
    this.now = now;
    const { settings, network, log } = this;
    const takeSpoilt = () => this.#spoilt.shift() ?? null;
    this.outbox = new Outbox({
      settings,
      network,
      log,
      now,
      render: (notices) => renderBody(notices, { tenantId, settings, mintToken, takeSpoilt }),
    });
  }

  /** What to do when time has passed by itself: bring the whole tenant up to the present. */
  onTick(tick: () => void): void {
    this.#tick = tick;
  }

  add(subscription: Subscription): void {
    this.subscriptions.add(subscription);
    this.#rest();
  }

  /** Tells every subscriber of this user about a change at `atMs`. */
  changed(userId: string, shown: { availability: string; activity: string }, atMs: number): void {
    for (const subscription of this.subscriptions.watching(userId)) {
      if (atMs < subscription.createdAtMs || atMs >= subscription.expiresAtMs) continue;
      this.outbox.add({ kind: "change", subscription, userId, atMs, ...shown });
    }
  }

  tellLifecycle(subscription: Subscription, event: string, atMs: number): void {
    if (subscription.lifecycleNotificationUrl === null) return;
    this.outbox.add({ kind: "lifecycle", subscription, event, atMs });
  }

  /** Asks for reauthorisation where it is time, forgets what has expired, and has what is due sent. */
  catchUp(nowMs: number): void {
    const everyMs = this.settings.reauthorizationEveryMs;
    for (const subscription of everyMs > 0 ? this.subscriptions.all() : []) {
      const untilMs = Math.min(nowMs, subscription.expiresAtMs - 1);
      for (; subscription.nextReauthorizationMs <= untilMs;) {
        const atMs = subscription.nextReauthorizationMs;
        this.tellLifecycle(subscription, "reauthorizationRequired", atMs);
        subscription.nextReauthorizationMs = atMs + everyMs;
      }
    }
    this.outbox.wake();
    this.subscriptions.prune(nowMs);
  }

  release(subscription: Subscription): void {
    this.outbox.release(subscription);
  }

  armHandshakeFailure(failure: HandshakeFailure, times: number): void {
    this.#handshakeFailures.push(...Array.from({ length: times }, () => failure));
  }

  takeHandshakeFailure(): HandshakeFailure | null {
    return this.#handshakeFailures.shift() ?? null;
  }

  armSpoilt(part: Spoilable, times: number): void {
    this.#spoilt.push(...Array.from({ length: times }, () => part));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.network.close();
    await this.outbox.close();
  }

  // A clock that stands still must not keep this process busy, so the rest is long when nothing moved.
  #rest(lastMs = Number.NEGATIVE_INFINITY): void {
    clearTimeout(this.#timer);
    const nowMs = this.now();
    const dueAtMs = this.outbox.nextDueMs();
    const isIdle = this.subscriptions.size === 0 && dueAtMs === Number.POSITIVE_INFINITY;
    if (this.#isClosed || isIdle) return;
    const untilDueMs = Math.max(SHORTEST_REST_MS, dueAtMs - nowMs);
    const restMs = nowMs === lastMs ? LONGEST_REST_MS : Math.min(LONGEST_REST_MS, untilDueMs);
    this.#timer = setTimeout(() => {
      this.#tick();
      this.#rest(nowMs);
    }, restMs).unref();
  }
}
