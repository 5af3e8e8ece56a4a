import { expect, onTestFinished, test } from "vitest";
import { Planner } from "../../src/api/shifts/planner.ts";
import { type Engine, engineWith, type InboxEvent } from "../../src/engine/engine.ts";
import { VirtualClock } from "../controller/clock.ts";
import { openForTest, temporaryDirectory } from "../engine/store.ts";
import { ANA } from "./office.ts";

const HOUR = 3_600_000;

/** A planner on a store that keeps at once, and says so only when it is told to. */
async function slowly() {
  const store = await openForTest({ path: `${temporaryDirectory()}/lockstep.db` });
  const clock = new VirtualClock();
  const submitted: InboxEvent[] = [];
  let answer = Promise.resolve();
  const engine: Engine = engineWith(store, {
    keep: async (record) => {
      const answered = answer;
      await store.keep(record);
      await answered;
    },
  });
  const planner = new Planner({
    engine,
    clock,
    find: () => ANA,
    submit: (event) => submitted.push(event),
    onFault: (error) => {
      throw error;
    },
  });
  await planner.start();
  onTestFinished(() => planner.stop());
  const hold = (): (() => void) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    answer = promise;
    return resolve;
  };
  const nowMs = clock.nowMs();
  const shift = {
    integration: "planner",
    rep: ANA.rep,
    shift: "s",
    fromMs: nowMs + HOUR,
    untilMs: nowMs + 9 * HOUR,
    status: null,
    plan: "first",
    begun: false,
  };
  const told = () => submitted.map(({ body }) => (body as { readonly type: string }).type);
  return { clock, hold, planner, shift, store, told };
}

test("[R193] a shift that is taken back while its beginning is being stored does not end", async () => {
  const { clock, hold, planner, shift, told } = await slowly();
  await planner.put(shift);
  const answer = hold();
  await clock.advance(HOUR);
  expect(told()).toEqual(["shift.started"]);
  expect(await planner.remove(shift)).toBe(true);
  answer();
  await clock.advance(24 * HOUR);
  expect(told()).toEqual(["shift.started"]);
});

test("[R193] a shift that is taken back while it is being planned does not come", async () => {
  const { clock, hold, planner, shift, told } = await slowly();
  const answer = hold();
  const planned = planner.put(shift);
  expect(await planner.remove(shift)).toBe(true);
  answer();
  await planned;
  await clock.advance(24 * HOUR);
  expect(told()).toEqual([]);
});

test("[R193] a shift that is planned anew while it begins ends when it was planned anew", async () => {
  const { clock, hold, planner, shift, store, told } = await slowly();
  await planner.put(shift);
  const answer = hold();
  const longer = planner.put({ ...shift, untilMs: shift.untilMs + HOUR, plan: "second" });
  await clock.advance(HOUR);
  answer();
  await longer;
  const [kept] = await store.kept("shift");
  expect(kept?.body).toMatchObject({ plan: "second" });
  await clock.advance(8 * HOUR);
  expect(told()).not.toContain("shift.ended");
  await clock.advance(HOUR);
  expect(told()).toContain("shift.ended");
});
