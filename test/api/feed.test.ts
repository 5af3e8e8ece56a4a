import fc from "fast-check";
import { expect, test } from "vitest";
import { Feed } from "../../src/api/feed/feed.ts";
import { announcing } from "../../src/engine/announcing.ts";
import type { Engine, StoredHistoryEntry } from "../../src/engine/engine.ts";
import { openSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import { eventually } from "../service/launch.ts";
import { VirtualClock } from "../controller/clock.ts";
import { commit, document } from "../engine/sample.ts";
import "../fuzz/same-cases.ts";

/** Several commits at once: each with so many entries, told to the feed or made by somebody else. */
const step = fc.array(
  fc.record({ entries: fc.nat({ max: 3 }), told: fc.boolean(), where: fc.boolean() }),
  { minLength: 1, maxLength: 5 },
);

async function everything(read: (after: number) => Promise<readonly StoredHistoryEntry[]>) {
  const all: StoredHistoryEntry[] = [];
  for (;;) {
    const page = await read(all.at(-1)?.position ?? 0);
    if (page.length === 0) return all;
    all.push(...page);
  }
}

test("[R364] whoever follows the feed is told all that is stored, once and in its order, however it got there", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.nat(3), async (steps, before) => {
      const store = await openSqliteEngine({ path: ":memory:" });
      try {
        for (let n = 0; n < before; n += 1) await store.commit(commit(document(`b${n}`), "before"));
        const feed = new Feed((query) => store.history(query), new VirtualClock());
        await feed.start();
        const following = follow(feed, before);
        const saying = announcing(store, (_, stored) => feed.grew(stored));
        const silent = announcing(store, () => feed.grew(null));
        let reps = 0;
        for (const commits of steps) {
          await Promise.all(
            commits.map(({ entries, told, where }) => {
              reps += 1;
              const engine: Engine = told ? (where ? saying : silent) : store;
              const says = Array.from({ length: entries }, (_, at) => `${reps}/${at}`);
              return engine.commit(commit(document(`rep-${reps}`), ...says));
            }),
          );
        }
        await saying.commit(commit(document("last"), "last"));
        const stored = await everything((after) => store.history({ after, limit: 1_000 }));
        expect(await following).toEqual(stored.slice(before));
        expect(await everything((after) => feed.read(after, 2))).toEqual(stored);
        expect(feed.tail).toBe(stored.at(-1)?.position);
      } finally {
        await store.close();
      }
    }),
    { numRuns: 60 },
  );
});

test("[R364] what is too far back to be kept is read from the store, and joins what is kept without a gap", async () => {
  const store = await openSqliteEngine({ path: ":memory:" });
  const feed = new Feed((query) => store.history(query), new VirtualClock());
  await feed.start();
  const engine = announcing(store, (_, stored) => feed.grew(stored));
  const says = Array.from({ length: 700 }, (_, n) => `${n}`);
  for (let round = 0; round < 12; round += 1)
    await engine.commit(commit(document("ana", round), ...says));
  const told = await everything((after) => feed.read(after, 1_000));
  expect(told.map(({ position }) => position)).toEqual(
    Array.from({ length: 8_400 }, (_, n) => n + 1),
  );
  await store.close();
});

test("[R364] what is stored while the feed begins is told, though nothing follows it", async () => {
  const store = await openSqliteEngine({ path: ":memory:" });
  for (let n = 0; n < 5; n += 1) await store.commit(commit(document(`rep-${n}`), "before"));
  for (let moment = 1; moment <= 12; moment += 1) {
    let calls = 0;
    const feed: Feed = new Feed(async (query) => {
      const page = await store.history(query);
      calls += 1;
      if (calls === moment) {
        await store.commit(commit(document(`moment-${moment}`), "meanwhile"));
        feed.grew(null);
      }
      return page;
    }, new VirtualClock());
    await feed.start();
    if (calls < moment) break;
    const newest = (await everything((after) => store.history({ after, limit: 9 }))).at(-1);
    await eventually("it is known", () => feed.tail === newest?.position, { everyMs: 1 });
    const all = await everything((after) => feed.read(after, 2));
    expect(all.map(({ position }) => position)).toEqual(all.map((_, n) => n + 1));
    expect(all.at(-1)).toEqual(newest);
  }
  await store.close();
});

test("[R364] what could not be read is read again, though nothing is stored after it", async () => {
  const store = await openSqliteEngine({ path: ":memory:" });
  const clock = new VirtualClock();
  let isAway = false;
  const feed = new Feed(async (query) => {
    if (isAway) throw new Error("away");
    return store.history(query);
  }, clock);
  await feed.start();
  isAway = true;
  const silent = announcing(store, () => feed.grew(null));
  await silent.commit(commit(document("ana"), "one"));
  await clock.advance(5_000);
  isAway = false;
  const more = feed.more(0, 60_000, new AbortController().signal);
  await clock.advance(10_000);
  await eventually("it is known", () => feed.tail === 1, { everyMs: 1 });
  expect(await more).toBe(true);
  await store.close();
});

/** Reads along until it is told the last one. */
async function follow(feed: Feed, after: number): Promise<readonly StoredHistoryEntry[]> {
  const seen: StoredHistoryEntry[] = [];
  const never = new AbortController().signal;
  while (seen.at(-1)?.says !== "last") {
    const at = seen.at(-1)?.position ?? after;
    await feed.more(at, 1_000, never);
    seen.push(...(await feed.read(at, 3)));
  }
  return seen;
}
