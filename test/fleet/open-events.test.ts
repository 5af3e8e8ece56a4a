import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import type { InboxEvent } from "../../src/engine/engine.ts";
import { LOOK_EVERY_MS, OpenEvents, type Taker } from "../../src/fleet/open-events.ts";
import { VirtualClock } from "../controller/clock.ts";
import { event } from "../engine/sample.ts";
import { Platter } from "../sim/disk.ts";
import "../fuzz/same-cases.ts";

/** An inbox that several fill, and somebody who takes what is in it; each look at it may take its time. */
class Inbox {
  readonly clock = new VirtualClock();
  readonly given: string[] = [];
  readonly #platter = new Platter();
  readonly #taker: Taker = { submit: ({ id }) => void this.given.push(id) };
  readonly open: OpenEvents;
  isOurs = true;
  isAway = false;
  readMs: () => number = () => 0;

  constructor() {
    this.open = new OpenEvents({
      engine: { unsettled: () => this.#read() },
      clock: this.clock,
      takerOf: () => (this.isOurs ? this.#taker : undefined),
      onFault: () => undefined,
    });
    this.open.start();
  }

  accept(id: string): InboxEvent {
    const accepted = event(id);
    this.#platter.accept(accepted);
    return accepted;
  }

  settle(id: string): void {
    this.#platter.settle([{ source: "desk-phone", id }]);
  }

  give(id: string): void {
    this.open.give(event(id), this.#taker);
  }

  async #read(): Promise<readonly InboxEvent[]> {
    if (this.isAway) throw new Error("away");
    const open = this.#platter.unsettled();
    await this.clock.wait(this.readMs());
    return open;
  }
}

test("[R63] [R263] an event of which nobody was told is found, also after the store was away, by whoever has the rep", async () => {
  const inbox = new Inbox();
  onTestFinished(() => inbox.open.stop());
  inbox.isAway = true;
  inbox.accept("e-1");
  await inbox.clock.advance(3 * LOOK_EVERY_MS);
  inbox.isAway = false;
  inbox.isOurs = false;
  await inbox.clock.advance(LOOK_EVERY_MS);
  expect(inbox.given).toEqual([]);
  inbox.isOurs = true;
  await inbox.clock.advance(LOOK_EVERY_MS);
  await inbox.clock.advance(LOOK_EVERY_MS);
  expect(inbox.given).toEqual(["e-1"]);
});

test("[R63] [R263] a look that comes back late does not bring back what was settled meanwhile", async () => {
  const inbox = new Inbox();
  onTestFinished(() => inbox.open.stop());
  inbox.accept("e-1");
  inbox.give("e-1");
  inbox.readMs = () => 500;
  inbox.open.soon();
  inbox.settle("e-1");
  inbox.readMs = () => 0;
  inbox.open.soon();
  await inbox.clock.advance(100);
  inbox.open.soon();
  await inbox.clock.advance(3 * LOOK_EVERY_MS);
  expect(inbox.given).toEqual(["e-1"]);
});

test("[R63] [R263] whoever is told of events, whenever, and however late a look comes back: each is handed over once", async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constantFrom("accept", "give", "settle"), at: fc.nat(7) }),
    fc.record({ do: fc.constantFrom("look", "pass"), at: fc.nat(400) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.infiniteStream(fc.nat(300)),
      async (steps, delays) => {
        const inbox = new Inbox();
        inbox.readMs = () => Number(delays.next().value);
        const accepted = new Set<string>();
        for (const { at, do: what } of steps) {
          const id = `e-${at}`;
          if (what === "accept" && !accepted.has(id)) {
            inbox.accept(id);
            accepted.add(id);
          }
          // Only who accepted it hands it over directly, and only what was handed over comes to be settled.
          if (what === "give" && !accepted.has(id)) {
            inbox.accept(id);
            accepted.add(id);
            inbox.give(id);
          }
          if (what === "settle" && inbox.given.includes(id)) inbox.settle(id);
          if (what === "look") inbox.open.soon();
          if (what === "pass") await inbox.clock.advance(at);
        }
        await inbox.clock.advance(3 * LOOK_EVERY_MS);
        expect(inbox.given.toSorted()).toEqual([...accepted].toSorted());
        void inbox.open.stop();
      },
    ),
    { numRuns: 300 },
  );
});
