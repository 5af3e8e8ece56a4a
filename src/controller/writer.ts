import { type Connector, SystemError } from "../connectors/connector.ts";
import type { RepId, RepIdentity, SystemName } from "../presence/identity.ts";
import type { Outcome } from "../reconcile/delivery.ts";
import type { Write } from "../reconcile/plan.ts";

/** What became of a write. */
export type Answer = {
  readonly write: Write;
  readonly outcome: Outcome;
  readonly error: SystemError | null;
};

export type WriterOptions = {
  readonly connectors: ReadonlyMap<SystemName, Connector>;
  readonly signal: AbortSignal;
  readonly onFault: (rep: RepId, error: unknown) => void;
};

/**
 * Sends recorded writes. Nobody waits here: the answer is handed over when it comes, so that a system that
 * hangs does not hold up the others. Every write has exactly one answer, if only `unknown`.
 */
export class Writer {
  readonly #options: WriterOptions;
  readonly #flights = new Set<Promise<void>>();

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** How many calls it takes. */
  callsFor(write: Write): number {
    return this.#options.connectors.get(write.system)?.callsFor?.(write) ?? 1;
  }

  send(rep: RepIdentity, write: Write, onAnswer: (answer: Answer) => void): void {
    const flight = this.#write(rep, write).then((answer) => {
      this.#flights.delete(flight);
      onAnswer(answer);
    });
    this.#flights.add(flight);
  }

  /** Resolves when every answer has come. */
  async landed(): Promise<void> {
    await Promise.all(this.#flights);
  }

  async #write(rep: RepIdentity, write: Write): Promise<Answer> {
    const { connectors, signal, onFault } = this.#options;
    try {
      await connectors.get(write.system)?.write(rep, write, signal);
      return { write, outcome: "accepted", error: null };
    } catch (error) {
      if (!(error instanceof SystemError)) {
        onFault(rep.rep, error);
        return { write, outcome: "unknown", error: null };
      }
      return { write, outcome: outcomeOf(error), error };
    }
  }
}

function outcomeOf({ retry, surelyNotApplied }: SystemError): Outcome {
  if (retry === "rejected") return "refused";
  return surelyNotApplied ? "deferred" : "unknown";
}
