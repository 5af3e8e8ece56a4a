/** A conversation that was given to a rep who could not take it, whatever her presence said. */
export type WhileBusy = {
  readonly conversationId: string;
  readonly userId: string;
  readonly presenceId: string;
  readonly atMs: number;
};

/** What became of the conversations; the whole reason for keeping presence true. */
export class RoutingCounts {
  readonly whileBusy: WhileBusy[] = [];
  arrived = 0;
  offered = 0;
  accepted = 0;
  missed = 0;
  abandoned = 0;
  closed = 0;
  #waitedMs = 0;
  #longestWaitMs = 0;

  noteAccepted(waitedMs: number): void {
    this.accepted += 1;
    this.#waitedMs += waitedMs;
    this.#longestWaitMs = Math.max(this.#longestWaitMs, waitedMs);
  }

  summary() {
    const { arrived, offered, accepted, missed, abandoned, closed } = this;
    return {
      arrived,
      offered,
      accepted,
      missed,
      abandoned,
      closed,
      routedWhileBusy: this.whileBusy.length,
      averageWaitMs: accepted === 0 ? 0 : Math.round(this.#waitedMs / accepted),
      longestWaitMs: this.#longestWaitMs,
    };
  }
}
