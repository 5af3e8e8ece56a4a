import type { QueueSetup } from "../availability/source.ts";
import type { RepIdentity, SystemUserId } from "../presence/identity.ts";
import { covers, type Integration } from "./integrations/integration.ts";

/** Membership changes by hand; the board behind it keeps what it read for a minute of its own. */
const KEPT_MS = 15_000;

type QueueRepsOptions = {
  /** Every queue with its members; rejects while the contact centre cannot be read. */
  readonly queues: () => Promise<readonly QueueSetup[]>;
  readonly find: (id: string) => RepIdentity | null;
  readonly nowMs: () => number;
};

/** Who works in which queue, for filters that must answer at once. */
export class QueueReps {
  readonly #options: QueueRepsOptions;
  #members: ReadonlyMap<string, ReadonlySet<SystemUserId>> | null = null;
  #triedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: QueueRepsOptions) {
    this.#options = options;
  }

  /**
   * To be awaited before the questions below. Rejects only while membership was never read: what is known serves on
   * while the contact centre is away.
   */
  async refresh(): Promise<void> {
    const { queues, nowMs } = this.#options;
    if (this.#members !== null && Math.abs(nowMs() - this.#triedAtMs) < KEPT_MS) return;
    this.#triedAtMs = nowMs();
    try {
      const all = await queues();
      this.#members = new Map(all.map(({ id, members }) => [id, new Set(members)]));
    } catch (error) {
      if (this.#members === null) throw error;
    }
  }

  /** A queue that is gone has nobody. */
  has(queue: string, { systemUserId }: RepIdentity): boolean {
    return this.#members?.get(queue)?.has(systemUserId) ?? false;
  }

  /** Whoever is bound to some reps knows the queues in which one of them works, and no others. */
  isSeenBy(queue: string, integration: Integration): boolean {
    const members = this.#members?.get(queue);
    if (members === undefined || integration.reps === null) return members !== undefined;
    return [...members].some((member) => {
      const identity = this.#options.find(member);
      return identity !== null && covers(integration, identity);
    });
  }
}
