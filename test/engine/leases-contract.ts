import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Engine, Fence } from "../../src/engine/engine.ts";
import type { OpenedEngine } from "./contract.ts";
import { commit, document } from "./sample.ts";

const LONG_MS = 600_000;

/** What every engine promises of rights that one instance has at a time. Part of the engine contract. */
export function registerLeasesContract(name: string, open: () => Promise<OpenedEngine>): void {
  describe(`leases of an engine (${name})`, () => {
    let opened: OpenedEngine;
    let engine: Engine;
    beforeEach(async () => {
      opened = await open();
      engine = opened.engine;
    });
    afterEach(() => opened.dispose());

    async function mustHave(right: string, holder: string, ttlMs = LONG_MS): Promise<Fence> {
      const fence = await engine.lease(right, holder, ttlMs);
      if (!fence) throw new Error(`${holder} does not get ${right}`);
      return fence;
    }

    test("[R250] of those who ask at once one gets the right, and keeps it by renewing", async () => {
      const asked = ["a", "b", "c"].map((holder) => engine.lease("shard", holder, LONG_MS));
      const given = await Promise.all(asked);
      expect(given.filter((fence) => fence !== null)).toHaveLength(1);
      const [{ holder } = { holder: "" }] = await engine.leases();
      expect(await mustHave("shard", holder)).toEqual(given.find((fence) => fence !== null));
      expect(await engine.lease("another", "d", LONG_MS)).not.toBeNull();
    });

    test("[R250] a right passes on when it is over, and each time its number rises", async () => {
      const first = await mustHave("shard", "a", 0);
      const second = await mustHave("shard", "b", 0);
      const third = await mustHave("shard", "a");
      expect(second.fence).toBeGreaterThan(first.fence);
      expect(third.fence).toBeGreaterThan(second.fence);
      expect(await engine.lease("shard", "b", LONG_MS)).toBeNull();
    });

    test("[R250] a right that was given up is free at once, and only its holder gives it up", async () => {
      const first = await mustHave("shard", "a");
      await engine.release("shard", "b");
      expect(await engine.lease("shard", "b", LONG_MS)).toBeNull();
      await engine.release("shard", "a");
      expect(await engine.leases()).toEqual([]);
      expect((await mustHave("shard", "b")).fence).toBeGreaterThan(first.fence);
    });

    test("[R250] who has what is told by name, and what is over is not told", async () => {
      await mustHave("z", "a");
      await mustHave("b", "c");
      await mustHave("over", "a", 0);
      expect(await engine.leases()).toEqual([
        { name: "b", holder: "c" },
        { name: "z", holder: "a" },
      ]);
    });

    test("[R250] a right outlives a restart", async () => {
      await mustHave("shard", "a");
      const stored = opened.reopen ? await opened.reopen() : engine;
      expect(await stored.lease("shard", "b", LONG_MS)).toBeNull();
    });

    test("[R251] a commit under a right that passed on is refused and changes nothing", async () => {
      const old = await mustHave("shard", "a", 0);
      const stale = { ...commit(document("ana"), "stale"), fence: old };
      const fresh = { ...commit(document("ben"), "fresh") };
      expect(await engine.commit({ ...fresh, fence: old })).toMatchObject({
        ok: true,
        generation: 1,
      });
      const now = await mustHave("shard", "b");
      expect(await engine.commit(stale)).toEqual({ ok: false, reason: "fenced" });
      expect(await engine.commit({ ...stale, fence: { name: "never", fence: 1 } })).toEqual({
        ok: false,
        reason: "fenced",
      });
      expect(await engine.get(stale.document.identity.rep)).toBeNull();
      expect((await engine.history({ limit: 9 })).map(({ says }) => says)).toEqual(["fresh"]);
      expect(await engine.commit({ ...stale, fence: now })).toMatchObject({
        ok: true,
        generation: 1,
      });
    });

    test("a name that is no text, or a time that never comes, is refused; after close everything is", async () => {
      const refused = { name: "EngineError", code: "engine-unstorable", retry: "rejected" };
      await expect(engine.lease("\ud800", "a", 1)).rejects.toMatchObject(refused);
      await expect(engine.lease("shard", "a", Number.NaN)).rejects.toMatchObject(refused);
      await engine.close();
      const calls = [engine.lease("shard", "a", 1), engine.release("shard", "a"), engine.leases()];
      for (const outcome of await Promise.allSettled(calls)) {
        expect(outcome).toMatchObject({ status: "rejected", reason: { code: "engine-closed" } });
      }
    });
  });
}
