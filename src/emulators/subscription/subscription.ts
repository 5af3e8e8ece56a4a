/** One subscription to the presence of a list of users, as the change-notification service keeps it. */
export type Subscription = {
  readonly id: string;
  readonly appId: string;
  /** The object id of the person in whose name the application subscribed. */
  readonly creatorId: string;
  /** As it was sent: clients find their subscriptions by it. */
  readonly resource: string;
  /** Object ids, lower case. */
  readonly userIds: ReadonlySet<string>;
  readonly clientState: string | null;
  readonly lifecycleNotificationUrl: string | null;
  readonly includeResourceData: boolean;
  readonly notificationUrlAppId: string | null;
  readonly createdAtMs: number;
  notificationUrl: string;
  /** Base64 of the DER form. */
  encryptionCertificate: string | null;
  encryptionCertificateId: string | null;
  expiresAtMs: number;
  /** When the token ends that created or last renewed it; deliveries wait from then on. */
  tokenExpiresAtMs: number;
  nextReauthorizationMs: number;
  /** Alive, renewable, and never heard of again: what happens now and then in the field. */
  isSilent: boolean;
  /** Nothing more is told, not even what is on its way; what was told in time may arrive after the expiry. */
  isRemoved: boolean;
};

/** All subscriptions of the tenant, found by id, by owner, and by the user they watch. */
export class Subscriptions {
  readonly #byId = new Map<string, Subscription>();
  readonly #byUserId = new Map<string, Set<Subscription>>();
  /** No subscription expires before this moment, so that a request need not look at all of them. */
  #nextExpiryMs = Number.POSITIVE_INFINITY;

  get size(): number {
    return this.#byId.size;
  }

  all(): readonly Subscription[] {
    return [...this.#byId.values()];
  }

  find(id: string): Subscription | undefined {
    return this.#byId.get(id.toLowerCase());
  }

  ofOwner(appId: string, creatorId: string): Subscription | undefined {
    return this.all().find((each) => each.appId === appId && each.creatorId === creatorId);
  }

  watching(userId: string): Iterable<Subscription> {
    return this.#byUserId.get(userId) ?? [];
  }

  add(subscription: Subscription): void {
    this.#byId.set(subscription.id, subscription);
    for (const userId of subscription.userIds) {
      const watching = this.#byUserId.get(userId) ?? new Set();
      this.#byUserId.set(userId, watching.add(subscription));
    }
    this.#nextExpiryMs = Math.min(this.#nextExpiryMs, subscription.expiresAtMs);
  }

  remove(id: string): boolean {
    const subscription = this.find(id);
    if (!subscription) return false;
    subscription.isRemoved = true;
    return this.#forget(subscription);
  }

  /** Forgets what has expired. Nobody is told: the documents name no notification for it. */
  prune(nowMs: number): void {
    if (nowMs < this.#nextExpiryMs) return;
    for (const each of this.all()) if (each.expiresAtMs <= nowMs) this.#forget(each);
    this.#nextExpiryMs = Math.min(...this.all().map(({ expiresAtMs }) => expiresAtMs));
  }

  #forget(subscription: Subscription): boolean {
    for (const userId of subscription.userIds) {
      this.#byUserId.get(userId)?.delete(subscription);
    }
    return this.#byId.delete(subscription.id);
  }
}
