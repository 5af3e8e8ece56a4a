import { expect, onTestFinished, test } from "vitest";
import { openSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import { Mirror } from "../../src/fleet/mirror.ts";
import { repId } from "../../src/presence/identity.ts";
import { VirtualClock } from "../controller/clock.ts";
import { engineWith } from "../../src/engine/engine.ts";
import { commit, document } from "../engine/sample.ts";

async function mirrored() {
  const store = await openSqliteEngine({ path: ":memory:" });
  onTestFinished(() => store.close());
  const clock = new VirtualClock();
  let [isCut, news, faults] = [false, 0, 0];
  const engine = engineWith(store, {
    history: (query) => (isCut ? Promise.reject(new Error("cut off")) : store.history(query)),
  });
  const mirror = new Mirror({
    engine,
    clock,
    onNews: () => (news += 1),
    onFault: () => (faults += 1),
  });
  onTestFinished(() => mirror.stop());
  return {
    store,
    clock,
    mirror,
    cut: (is: boolean) => (isCut = is),
    news: () => news,
    faults: () => faults,
  };
}

const generation = (mirror: Mirror, name: string): number | undefined =>
  mirror.get(repId(name))?.generation;

test("[R263] what any instance stores of a rep is known to the one that is asked, soon after", async () => {
  const { clock, mirror, news, store } = await mirrored();
  for (let n = 0; n < 37; n += 1) await store.commit(commit(document("ana", n), `${n}`));
  await mirror.start();
  expect([generation(mirror, "ana"), news()]).toEqual([37, 0]);
  await clock.advance(5_000);
  expect(news()).toBe(0);
  await store.commit(commit(document("ana", 37), "told"));
  await store.commit(commit(document("ben"), "told"));
  await clock.advance(1_000);
  expect([generation(mirror, "ana"), generation(mirror, "ben"), news()]).toEqual([38, 1, 1]);
  expect(mirror.all()).toHaveLength(2);
  // What is stored here shows at once.
  await store.commit(commit(document("ben", 1), "here"));
  mirror.nudge();
  await clock.advance(0);
  expect([generation(mirror, "ben"), news()]).toEqual([2, 2]);
  // What is stored without a word shows later, and so does who is gone.
  await store.commit({ document: document("ana", 38), history: [], settles: [] });
  await store.remove(repId("ben"));
  await clock.advance(70_000);
  expect([generation(mirror, "ana"), generation(mirror, "ben")]).toEqual([39, undefined]);
});

test("[R263] an empty store is followed too, and a store that was away is asked again", async () => {
  const { clock, cut, faults, mirror, news, store } = await mirrored();
  await mirror.start();
  cut(true);
  await store.commit(commit(document("ana"), "told"));
  await clock.advance(2_000);
  expect([faults() > 0, news()]).toEqual([true, 0]);
  cut(false);
  await clock.advance(1_000);
  expect([generation(mirror, "ana"), news()]).toEqual([1, 1]);
});
