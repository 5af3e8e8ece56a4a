/** A rule of which the next `left` matching requests are the victims; without `operation`, every request matches. */
type Counted = { readonly operation?: string; left: number };

export type Failure = {
  readonly operation?: string;
  readonly status: number;
  readonly times: number;
  readonly retryAfter?: number;
  readonly code?: string;
};

export type Delay = { readonly operation?: string; readonly minMs: number; readonly maxMs: number };

const CODE_OF_STATUS: Readonly<Record<number, string>> = {
  429: "0x80072322",
  500: "0x80040216",
  503: "0x80060891",
};

/** What a test has asked to go wrong. Each rule is used up by the requests that it hits. */
export class Faults {
  readonly #failures: (Counted & { readonly failure: Failure })[] = [];
  readonly #droppedAcks: Counted[] = [];
  readonly #lateWrites: (Counted & { readonly delayMs: number })[] = [];
  readonly #absorbed: Counted[] = [];
  readonly #delays = new Map<string, Delay>();
  staleReadsMs = 0;

  failNext(failure: Failure): void {
    this.#failures.push({ operation: failure.operation, left: failure.times, failure });
  }

  dropAckNext(operation: string | undefined, times: number): void {
    this.#droppedAcks.push({ operation, left: times });
  }

  applyLate(operation: string | undefined, times: number, delayMs: number): void {
    this.#lateWrites.push({ operation, left: times, delayMs });
  }

  absorbNext(times: number): void {
    this.#absorbed.push({ left: times });
  }

  /** Replaces the delay of the operation, or of all; a maximum of 0 ends it. */
  delay(delay: Delay): void {
    this.#delays.set(delay.operation ?? "", delay);
  }

  delayOf(operation: string): Delay | undefined {
    return this.#delays.get(operation) ?? this.#delays.get("");
  }

  takeFailure(operation: string): (Failure & { readonly code: string }) | undefined {
    const failure = take(this.#failures, operation)?.failure;
    return failure && { ...failure, code: failure.code ?? CODE_OF_STATUS[failure.status] ?? "" };
  }

  takeDroppedAck(operation: string): boolean {
    return take(this.#droppedAcks, operation) !== undefined;
  }

  takeLateMs(operation: string): number | undefined {
    return take(this.#lateWrites, operation)?.delayMs;
  }

  takeAbsorbed(): boolean {
    return take(this.#absorbed, "") !== undefined;
  }
}

function take<Rule extends Counted>(rules: Rule[], operation: string): Rule | undefined {
  const index = rules.findIndex(
    (rule) => rule.operation === undefined || rule.operation === operation,
  );
  const rule = rules[index];
  if (!rule) return undefined;
  rule.left -= 1;
  if (rule.left <= 0) rules.splice(index, 1);
  return rule;
}
