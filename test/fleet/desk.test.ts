import { beforeEach, expect, onTestFinished, test } from "vitest";
import { type Engine, engineWith } from "../../src/engine/engine.ts";
import { openSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import { Desk } from "../../src/fleet/desk.ts";
import { VirtualClock } from "../controller/clock.ts";

const TTL_MS = 6_000;
const FENCED = { name: "EngineError", code: "engine-fenced", retry: "unavailable" };
const RECORD = { kind: "board", id: "1", body: {}, expiresAtMs: null };

let store: Engine;
let clock: VirtualClock;
beforeEach(async () => {
  store = await openSqliteEngine({ path: ":memory:" });
  clock = new VirtualClock();
  onTestFinished(() => store.close());
});

class Instance {
  readonly desk: Desk;
  readonly name: string;
  opened = 0;
  waited = 0;
  replaced = 0;
  faults = 0;
  isCut = false;

  constructor(name: string) {
    this.name = name;
    const away = (): Promise<never> => Promise.reject(new Error("cut off"));
    const engine = engineWith(store, {
      lease: (right, holder, ttlMs) => (this.isCut ? away() : store.lease(right, holder, ttlMs)),
      release: (right, holder) => (this.isCut ? away() : store.release(right, holder)),
    });
    this.desk = new Desk({
      engine,
      clock,
      elapsedMs: () => clock.nowMs(),
      ttlMs: TTL_MS,
      onWaiting: () => {
        this.waited += 1;
      },
      onReplaced: () => {
        this.replaced += 1;
      },
      onFault: () => {
        this.faults += 1;
      },
    });
  }

  open(): Promise<void> {
    return this.desk.open(this.name, `http://${this.name}:1`, async () => {
      this.opened += 1;
    });
  }

  /** The store's clock does not move with ours: it finds the right over when we say so. */
  expire(): Promise<unknown> {
    return store.lease("desk", `${this.name} http://${this.name}:1`, 0);
  }
}

/** The first has the desk, the second waits for it. */
async function two(): Promise<[Instance, Instance]> {
  const [first, second] = [new Instance("first"), new Instance("second")];
  await first.open();
  await second.open();
  return [first, second];
}

test("[R264] one has the desk, everybody knows where it is, and the next has it when that one ends", async () => {
  const [first, second] = await two();
  await clock.advance(10 * TTL_MS);
  expect([first.opened, second.opened, second.waited]).toEqual([1, 0, 1]);
  expect([first.desk.isHere, second.desk.isHere]).toEqual([true, false]);
  expect(await second.desk.where()).toBe("http://first:1");
  await expect(second.desk.engine.keep(RECORD)).rejects.toMatchObject(FENCED);
  await first.desk.engine.keep(RECORD);
  await first.desk.close();
  await clock.advance(TTL_MS);
  expect([second.opened, second.desk.isHere, first.replaced]).toEqual([1, true, 0]);
  expect(await first.desk.where()).toBe("http://second:1");
  expect(await second.desk.engine.kept("board")).toHaveLength(1);
  await second.desk.close();
  expect(await first.desk.engine.leases()).toEqual([]);
});

test("[R264] who is not heard of is replaced, does nothing more, and is told so once when it is back", async () => {
  const [first, second] = await two();
  let posted = 0;
  const post = (): void => {
    posted += 1;
    first.desk.clock.after(1_000, post);
  };
  post();
  await clock.advance(TTL_MS);
  first.isCut = true;
  await clock.advance(TTL_MS);
  const before = posted;
  expect(before).toBeGreaterThan(6);
  await first.expire();
  await clock.advance(2 * TTL_MS);
  expect([posted, second.opened]).toEqual([before, 1]);
  await expect(first.desk.engine.keep(RECORD)).rejects.toMatchObject(FENCED);
  await expect(first.desk.engine.forget("board", "1")).rejects.toMatchObject(FENCED);
  first.isCut = false;
  await clock.advance(3 * TTL_MS);
  expect([first.replaced, second.replaced, posted]).toEqual([1, 0, before]);
  expect(first.desk.isHere).toBe(false);
  await second.desk.close();
});

test("[R264] a store that was away and had nobody else meanwhile is worked on as before", async () => {
  const only = new Instance("only");
  only.isCut = true;
  await only.open();
  expect(only.desk.isHere).toBe(false);
  only.isCut = false;
  await clock.advance(TTL_MS);
  expect(only.opened).toBe(1);
  let fired = 0;
  only.isCut = true;
  await clock.advance(10 * TTL_MS);
  const cancel = only.desk.clock.after(1, () => (fired += 1));
  only.desk.clock.after(1, () => (fired += 1));
  await clock.advance(TTL_MS);
  await expect(only.desk.engine.keep(RECORD)).rejects.toMatchObject(FENCED);
  cancel();
  only.isCut = false;
  await clock.advance(TTL_MS);
  await only.desk.engine.keep(RECORD);
  expect([only.replaced, only.opened, fired]).toEqual([0, 1, 1]);
  await only.desk.close();
});

test("[R264] who ends while it is given the desk does not open it", async () => {
  const only = new Instance("only");
  const opening = only.open();
  await only.desk.close();
  await opening;
  expect(only.opened).toBe(0);
  expect(await store.leases()).toEqual([]);
});

test("[R264] it ends in peace while the store is away, and the next has the desk when the right is over", async () => {
  const [first, second] = await two();
  first.isCut = true;
  await first.desk.close();
  expect([first.faults, first.desk.isHere]).toEqual([1, false]);
  await first.expire();
  await clock.advance(TTL_MS);
  expect([second.opened, second.desk.isHere]).toEqual([1, true]);
});
