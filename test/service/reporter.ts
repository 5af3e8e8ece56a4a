import { setTimeout as sleep } from "node:timers/promises";
import { eventually, type Service } from "./launch.ts";
import { sendEvent } from "./partner.ts";

/** Not enough to fill anybody's allowance: partners report what happens to people. */
const BETWEEN_MS = 20;
const DEADLINE_MS = 300_000;
/** Taken now, or before. */
const TAKEN = [202, 200];
/** Not taken, and to be sent again: too often, or by nobody, or nobody can now. */
const AGAIN = [429, 502, 503];

/** A partner that reports one rep's calls, as it should: until each event is taken it sends it again, under the same id. */
export class Reporter {
  readonly #service: Pick<Service, "url">;
  readonly #rep: string;
  readonly #acknowledged: string[] = [];
  readonly #answers = new Set<number>();

  constructor(service: Pick<Service, "url">, rep: string) {
    this.#service = service;
    this.#rep = rep;
  }

  /** The ids of all that was taken. */
  get acknowledged(): readonly string[] {
    return this.#acknowledged;
  }

  /** Each status that an answer had. */
  get answers(): readonly number[] {
    return [...this.#answers];
  }

  /** Resolves once it is taken. */
  async reports(type: "hold.started" | "hold.ended"): Promise<void> {
    const started = type === "hold.started" ? { status: "InACall", ttlSeconds: 600 } : {};
    const event = { type, hold: "c-1", rep: this.#rep, ...started };
    const id = `e-${this.#acknowledged.length + 1}`;
    await eventually(
      `${id} is taken`,
      async () => {
        const answer = await sendEvent(this.#service, event, { id });
        this.#answers.add(answer.status);
        if (TAKEN.includes(answer.status)) return true;
        if (!AGAIN.includes(answer.status)) throw new Error(`${id} was refused: ${answer.status}`);
        await sleep(Number(answer.headers.get("retry-after") ?? 1) * 1_000);
        return false;
      },
      { deadlineMs: DEADLINE_MS },
    );
    this.#acknowledged.push(id);
  }

  /** Calls begin and end, one after the other, until told otherwise; the last one has ended then. */
  goesOn(): { ends(): Promise<void> } {
    const over = new AbortController();
    const going = (async () => {
      while (!over.signal.aborted) {
        await this.reports("hold.started");
        await sleep(BETWEEN_MS);
        await this.reports("hold.ended");
        await sleep(BETWEEN_MS);
      }
    })();
    // It may fail long before it is asked.
    going.catch(() => undefined);
    const ends = (): Promise<void> => {
      over.abort();
      return going;
    };
    return { ends };
  }
}
