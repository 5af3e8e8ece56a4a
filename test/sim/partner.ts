import { createHmac } from "node:crypto";
import type { Partner } from "../../src/connectors/partner/signature.ts";
import { type RepIdentity, systemName } from "../../src/presence/identity.ts";
import { keyOf } from "./disk.ts";
import type { ServiceProcess } from "./process.ts";
import type { World } from "./world.ts";

/** Who reports over the wire, each with its own secret. A supervisor commands through the API. */
const SOURCES = ["phone", "switchboard", "planner"] as const;
export const DESK = "desk";
type Source = (typeof SOURCES)[number] | typeof DESK;

const keyFor = (source: Source): Buffer =>
  Buffer.alloc(32, 7 + SOURCES.findIndex((name) => name === source));
export const PARTNERS: readonly Partner[] = SOURCES.map((source) => ({
  name: systemName(source),
  keys: [keyFor(source)],
}));

const RETRY_MS = 3_000;
const TRIES = 10_000;

export type PartnerEvent = {
  readonly source: Source;
  readonly type:
    | "hold.started"
    | "hold.renewed"
    | "hold.ended"
    | "status.set"
    | "status.released"
    | "shift.ended"
    | "shift.started";
  readonly rep: string;
  readonly hold?: string;
  readonly status?: string;
  readonly ttlSeconds?: number;
  readonly endsHolds?: boolean;
};

/** `refused`: there is nothing of the supervisor's to take back. */
type Result = "taken" | "unknown rep" | "refused";

/** Stands in the id of each of her calls, so that one that is stored with somebody else is seen. */
export const markOf = ({ rep }: RepIdentity): string => `of-${rep.slice(-2)}-`;

/**
 * Two phone systems, a workforce planner and a supervisor: each signs, sends, and sends again under the same id until
 * it is told that the event was taken, or that nobody knows the rep. Each says one thing after the other about a rep,
 * and does not know of the others.
 */
export class SimulatedPartner {
  readonly #world: World;
  readonly #tails = new Map<string, Promise<void>>();
  #sent = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** `onTaken` is called once, when the event was promised or the partner gave up. */
  tell(event: PartnerEvent, onTaken: (result: Result) => void): void {
    this.#sent += 1;
    const id = `event-${this.#sent}`;
    const speaker = `${event.source} ${event.rep}`;
    const before = this.#tails.get(speaker) ?? Promise.resolve();
    this.#tails.set(
      speaker,
      before.then(async () => {
        const result = await this.#deliver(id, event);
        this.#world.journal.tell(
          `${id} (${event.source}: ${event.type} ${event.rep} ${event.hold ?? ""}) ${result}`,
        );
        onTaken(result);
      }),
    );
  }

  async #deliver(id: string, event: PartnerEvent): Promise<Result> {
    const { timeline, chance, journal } = this.#world;
    let again = false;
    for (let tries = 0; tries < TRIES; tries += 1) {
      await timeline.wait(chance.between(5, 60));
      const process = this.#world.anyProcess();
      const status = process ? await this.#post(process, id, event) : null;
      if (status === 404) return "unknown rep";
      if (status === 409) return "refused";
      // An answer that was lost on its way looks like none: the event is sent again although it was taken.
      const lost = this.#world.strikes("event sent again");
      if (status !== null && status < 300) {
        await this.#settled(event, keyOf({ source: event.source, id }));
        if (again || !lost) return "taken";
        again = true;
        journal.fault("event sent again");
      }
      await timeline.wait(RETRY_MS);
    }
    throw new Error(`${id} was never taken`);
  }

  /**
   * A known limit of docs/SPEC.md: two instances that take two events about one rep may swap them. With more than
   * one, the partner says the next thing when the last one was acted on. What ends calls of others is waited for too:
   * only then can be known which calls it ended.
   */
  async #settled({ endsHolds }: PartnerEvent, key: string): Promise<void> {
    const { climate, platter, timeline } = this.#world;
    if (climate.instances === 1 && !endsHolds) return;
    while (platter.inbox.get(key)?.settled === false) await timeline.wait(RETRY_MS);
  }

  /** The status of the answer, or `null` if none came. */
  async #post(process: ServiceProcess, id: string, event: PartnerEvent): Promise<number | null> {
    const { timeline, checker } = this.#world;
    const { source } = event;
    const answered =
      source === DESK ? process.command(event, id) : this.#signed(process, id, event);
    const answer = await Promise.race([answered, timeline.wait(RETRY_MS * 3)]);
    if (!answer || !process.isAlive()) return null;
    if (answer.status === 202) checker.promised(keyOf({ source, id }));
    return answer.status;
  }

  #signed(
    process: ServiceProcess,
    id: string,
    { source, ...event }: PartnerEvent,
  ): Promise<{ readonly status: number }> {
    const { timeline } = this.#world;
    const body = Buffer.from(JSON.stringify(event));
    const timestamp = String(Math.floor(timeline.nowMs / 1000));
    const hmac = createHmac("sha256", keyFor(source)).update(`${id}.${timestamp}.`).update(body);
    return process.partner(body, [
      ["webhook-id", id],
      ["webhook-timestamp", timestamp],
      ["webhook-signature", `v1,${hmac.digest("base64")}`],
    ]);
  }
}
