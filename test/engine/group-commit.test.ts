import { join } from "node:path";
import { expect, test } from "vitest";
import { commit, document, event, identity } from "./sample.ts";
import { openForTest, temporaryDirectory, transactionsIn } from "./store.ts";

const PLACES = [
  ["in this thread", false],
  ["in a thread of its own", true],
] as const;

test.each(PLACES)(
  "calls of one turn share one transaction, whatever their kind and fate, %s",
  async (_, inThread) => {
    const path = join(temporaryDirectory(), "lockstep.db");
    const engine = await openForTest({ path, inThread });
    const before = transactionsIn(path);
    const { teamsUserId } = identity("ana");
    const taken = { ...document("ben"), identity: { ...identity("ben"), teamsUserId } };
    const outcomes = await Promise.allSettled([
      engine.commit(commit(document("ana"), "stored")),
      engine.commit(commit(document("ana"), "too late")),
      engine.commit(commit(taken, "collided")),
      engine.accept(event("1")),
      engine.accept(event("1")),
      ...Array.from({ length: 100 }, (_, n) => engine.commit(commit(document(`rep-${n}`)))),
    ]);
    expect(outcomes.filter(({ status }) => status === "rejected")).toHaveLength(1);
    expect(transactionsIn(path) - before).toBe(1);
    expect((await engine.history({ limit: 10 })).map(({ says }) => says)).toEqual(["stored"]);
  },
);

test.each(PLACES)(
  "calls that follow an answer share the next transaction, %s",
  async (_, inThread) => {
    const path = join(temporaryDirectory(), "lockstep.db");
    const engine = await openForTest({ path, inThread });
    const before = transactionsIn(path);
    const chains = Array.from({ length: 20 }, async (_, n) => {
      await engine.commit(commit(document(`rep-${n}`)));
      await engine.commit(commit(document(`rep-${n}`, 1)));
    });
    await Promise.all(chains);
    expect(transactionsIn(path) - before).toBe(2);
  },
);

test.each(PLACES)(
  "[R62] no one is answered before the transaction is in the file, %s",
  async (_, inThread) => {
    const path = join(temporaryDirectory(), "lockstep.db");
    const engine = await openForTest({ path, inThread });
    const reader = await openForTest({ path, readOnly: true });
    const names = Array.from({ length: 50 }, (_, n) => `rep-${n}`);
    const seen = names.map(async (name) => {
      await engine.commit(commit(document(name)));
      return reader.get(document(name).identity.rep);
    });
    expect((await Promise.all(seen)).filter((found) => found === null)).toEqual([]);
  },
);
