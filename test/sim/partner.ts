import { createHmac } from "node:crypto";
import type { Partner } from "../../src/connectors/partner/signature.ts";
import { systemName } from "../../src/presence/identity.ts";
import { keyOf } from "./disk.ts";
import type { ServiceProcess } from "./process.ts";
import type { World } from "./world.ts";

const KEY = Buffer.alloc(32, 7);
export const PARTNERS: readonly Partner[] = [{ name: systemName("phone"), keys: [KEY] }];

const RETRY_MS = 3_000;
const TRIES = 10_000;

export type PartnerEvent = {
  readonly type:
    | "hold.started"
    | "hold.renewed"
    | "hold.ended"
    | "status.set"
    | "shift.ended"
    | "shift.started";
  readonly rep: string;
  readonly hold?: string;
  readonly status?: string;
  readonly ttlSeconds?: number;
};

/**
 * A phone system and a workforce planner in one: it signs, sends, and sends again under the same id until it is told
 * that the event was taken, or that nobody knows the rep. It says one thing after the other about each rep.
 */
export class SimulatedPartner {
  readonly #world: World;
  readonly #tails = new Map<string, Promise<void>>();
  #sent = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** `onTaken` is called once, when the event was promised or the partner gave up. */
  tell(event: PartnerEvent, onTaken: (result: "taken" | "unknown rep") => void): void {
    this.#sent += 1;
    const id = `event-${this.#sent}`;
    const before = this.#tails.get(event.rep) ?? Promise.resolve();
    this.#tails.set(
      event.rep,
      before.then(async () => {
        const result = await this.#deliver(id, event);
        this.#world.journal.tell(
          `${id} (${event.type} ${event.rep} ${event.hold ?? ""}) ${result}`,
        );
        onTaken(result);
      }),
    );
  }

  async #deliver(id: string, event: PartnerEvent): Promise<"taken" | "unknown rep"> {
    const { timeline, chance, journal } = this.#world;
    const body = Buffer.from(JSON.stringify(event));
    let again = false;
    for (let tries = 0; tries < TRIES; tries += 1) {
      await timeline.wait(chance.between(5, 60));
      const process = this.#world.anyProcess();
      const status = process ? await this.#post(process, id, body) : null;
      if (status === 404) return "unknown rep";
      // An answer that was lost on its way looks like none: the event is sent again although it was taken.
      const lost = this.#world.strikes("event sent again");
      if (status !== null && status < 300) {
        await this.#settled(keyOf({ source: "phone", id }));
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
   * one, the partner says the next thing when the last one was acted on.
   */
  async #settled(key: string): Promise<void> {
    const { climate, platter, timeline } = this.#world;
    if (climate.instances === 1) return;
    while (platter.inbox.get(key)?.settled === false) await timeline.wait(RETRY_MS);
  }

  /** The status of the answer, or `null` if none came. */
  async #post(process: ServiceProcess, id: string, body: Buffer): Promise<number | null> {
    const { timeline, checker } = this.#world;
    const timestamp = String(Math.floor(timeline.nowMs / 1000));
    const hmac = createHmac("sha256", KEY).update(`${id}.${timestamp}.`).update(body);
    const answered = process.partner(body, [
      ["webhook-id", id],
      ["webhook-timestamp", timestamp],
      ["webhook-signature", `v1,${hmac.digest("base64")}`],
    ]);
    const answer = await Promise.race([answered, timeline.wait(RETRY_MS * 3)]);
    if (!answer || !process.isAlive()) return null;
    if (answer.status === 202) checker.promised(keyOf({ source: "phone", id }));
    return answer.status;
  }
}
