type Outcome = "delivered" | "failed" | "retrying" | "givenUp" | "dropped" | "silenced";

/** One request to an endpoint, or one that was not made because something was dropped. */
export type Delivery = {
  readonly index: number;
  /** When it was sent, on the emulator's clock. */
  readonly atMs: number;
  readonly kind: "validation" | "change" | "lifecycle";
  readonly url: string;
  readonly subscriptionIds: readonly string[];
  readonly userIds: readonly string[];
  readonly attempt: number;
  /** 0 when nobody answered, or nobody was asked. */
  readonly status: number;
  /** Real time that the endpoint took. */
  readonly durationMs: number;
  readonly outcome: Outcome;
};

const LOG_LIMIT = 50_000;

/** What was delivered, when, and how the endpoint answered. */
export class DeliveryLog {
  readonly #entries: Delivery[] = [];
  #count = 0;

  record(entry: Omit<Delivery, "index">): void {
    this.#entries.push({ index: this.#count, ...entry });
    this.#count += 1;
    if (this.#entries.length > LOG_LIMIT) this.#entries.shift();
  }

  since(index: number): readonly Delivery[] {
    return this.#entries.filter((entry) => entry.index >= index);
  }
}
