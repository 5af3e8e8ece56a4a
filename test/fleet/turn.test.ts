import { beforeEach, expect, onTestFinished, test } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { openSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import { awaitTurn, type Turn } from "../../src/fleet/turn.ts";
import { VirtualClock } from "../controller/clock.ts";
import { engineWith } from "../controller/crew.ts";
import { commit, document } from "../engine/sample.ts";

const TTL_MS = 6_000;
const FENCED = { name: "EngineError", code: "engine-fenced", retry: "unavailable" };

let store: Engine;
let clock: VirtualClock;
beforeEach(async () => {
  store = await openSqliteEngine({ path: ":memory:" });
  clock = new VirtualClock();
  onTestFinished(() => store.close());
});

class Instance {
  turn: Turn | null = null;
  isWaiting = false;
  replaced = 0;
  isCut = false;
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
    const engine = engineWith(store, {
      lease: (right, holder, ttlMs) =>
        this.isCut ? Promise.reject(new Error("cut off")) : store.lease(right, holder, ttlMs),
    });
    void awaitTurn({
      engine,
      clock,
      elapsedMs: () => clock.nowMs(),
      instance: name,
      ttlMs: TTL_MS,
      onWaiting: () => {
        this.isWaiting = true;
      },
      onReplaced: () => {
        this.replaced += 1;
      },
      onFault: () => undefined,
    }).then((turn) => {
      this.turn = turn;
    });
  }

  get works(): Turn {
    if (!this.turn) throw new Error(`${this.#name} does not work`);
    return this.turn;
  }
}

/** The store's clock does not move with ours: it finds the right over when we say so. */
const expire = (holder: string): Promise<unknown> => store.lease("service", holder, 0);

test("[R264] one works and the next stands by until it ends", async () => {
  const first = new Instance("first");
  await clock.settle();
  const second = new Instance("second");
  await clock.advance(10 * TTL_MS);
  expect([first.turn !== null, second.turn, second.isWaiting]).toEqual([true, null, true]);
  expect(await first.works.engine.commit(commit(document("ana")))).toMatchObject({ ok: true });
  await first.works.end();
  await clock.advance(TTL_MS);
  expect(await second.works.engine.load()).toHaveLength(1);
  expect(await second.works.engine.commit(commit(document("ana", 1)))).toMatchObject({ ok: true });
  await expect(first.works.engine.commit(commit(document("ana", 2)))).rejects.toMatchObject(FENCED);
  expect(first.replaced).toBe(0);
  await second.works.end();
});

test("[R264] who is not heard of is replaced, commits nothing more, and is told so once when it is back", async () => {
  const first = new Instance("first");
  await clock.settle();
  const second = new Instance("second");
  await clock.settle();
  first.isCut = true;
  await clock.advance(TTL_MS);
  await expect(first.works.engine.commit(commit(document("ana")))).rejects.toMatchObject(FENCED);
  await expire("first");
  await clock.advance(TTL_MS);
  expect(await second.works.engine.commit(commit(document("ana")))).toMatchObject({ ok: true });
  first.isCut = false;
  await clock.advance(3 * TTL_MS);
  expect([first.replaced, second.replaced]).toEqual([1, 0]);
  await second.works.end();
});

test("[R264] a store that was away and had nobody else meanwhile is worked on as before", async () => {
  const only = new Instance("only");
  await clock.settle();
  only.isCut = true;
  await clock.advance(10 * TTL_MS);
  await expect(only.works.engine.commit(commit(document("ana")))).rejects.toMatchObject(FENCED);
  only.isCut = false;
  await clock.advance(TTL_MS);
  expect(await only.works.engine.commit(commit(document("ana")))).toMatchObject({ ok: true });
  expect(only.replaced).toBe(0);
  await only.works.end();
});
