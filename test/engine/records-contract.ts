import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Engine, KeptRecord } from "../../src/engine/engine.ts";
import type { OpenedEngine } from "./contract.ts";
import { event } from "./sample.ts";

const record = (id: string, over: Partial<KeptRecord> = {}): KeptRecord => ({
  kind: "conversation",
  id,
  body: { id, nested: [1, null] },
  expiresAtMs: null,
  ...over,
});

/** What every engine promises of the small things beside the reps. Part of the engine contract. */
export function registerRecordsContract(name: string, open: () => Promise<OpenedEngine>): void {
  describe(`records of an engine (${name})`, () => {
    let opened: OpenedEngine;
    let engine: Engine;
    beforeEach(async () => {
      opened = await open();
      engine = opened.engine;
    });
    afterEach(() => opened.dispose());

    const later = async (): Promise<Engine> => (opened.reopen ? await opened.reopen() : engine);

    test("[R66] what was kept is there later, by kind and in the order of the ids", async () => {
      await engine.keep(record("b"));
      await engine.keep(record("a", { expiresAtMs: 1_000.5 }));
      await engine.keep(record("a", { kind: "subscription", body: "another kind" }));
      const stored = await later();
      expect(await stored.kept("conversation")).toEqual([
        record("a", { expiresAtMs: 1_000.5 }),
        record("b"),
      ]);
      expect(await stored.kept("subscription")).toHaveLength(1);
      expect(await stored.kinds()).toEqual(["conversation", "subscription"]);
      expect(await stored.kept("nothing")).toEqual([]);
    });

    test("[R66] keeping again replaces, body and end", async () => {
      await engine.keep(record("a", { expiresAtMs: 5 }));
      await engine.keep(record("a", { body: [2], expiresAtMs: null }));
      expect(await (await later()).kept("conversation")).toEqual([record("a", { body: [2] })]);
    });

    test("[R66] what was forgotten is gone, and forgetting says whether it was there", async () => {
      await engine.keep(record("a"));
      expect(await engine.forget("subscription", "a")).toBe(false);
      expect(await engine.forget("conversation", "a")).toBe(true);
      expect(await engine.forget("conversation", "a")).toBe(false);
      expect(await (await later()).kept("conversation")).toEqual([]);
    });

    test("[R66] prune forgets what is past its end, and nothing that has none", async () => {
      await engine.keep(record("over", { expiresAtMs: 99 }));
      await engine.keep(record("now", { expiresAtMs: 100 }));
      await engine.keep(record("ever"));
      await engine.prune(100);
      const left = await engine.kept("conversation");
      expect(left.map(({ id }) => id)).toEqual(["ever", "now"]);
    });

    test("a body that JSON cannot hold, or an id that is no text, is refused and changes nothing", async () => {
      const refused = { name: "EngineError", code: "engine-unstorable", retry: "rejected" };
      await expect(engine.keep(record("a", { body: 1n }))).rejects.toMatchObject(refused);
      await expect(engine.keep(record("\ud800"))).rejects.toMatchObject(refused);
      expect(await engine.kept("conversation")).toEqual([]);
    });

    test("after close every call rejects", async () => {
      await engine.close();
      const calls = [
        engine.keep(record("a")),
        engine.kept("conversation"),
        engine.forget("conversation", "a"),
        engine.settle([]),
        engine.settled(),
        engine.kinds(),
      ];
      for (const outcome of await Promise.allSettled(calls)) {
        expect(outcome).toMatchObject({ status: "rejected", reason: { code: "engine-closed" } });
      }
    });

    test("[R63] an event that was given up is not handed out again, and its repetition is a duplicate", async () => {
      await engine.accept(event("1"));
      await engine.accept(event("2"));
      await engine.settle([{ source: "desk-phone", id: "1" }]);
      await engine.settle([{ source: "desk-phone", id: "1" }]);
      const stored = await later();
      expect((await stored.unsettled()).map(({ id }) => id)).toEqual(["2"]);
      const { body: _, ...key } = event("1");
      expect(await stored.settled()).toEqual([key]);
      expect(await stored.accept(event("1"))).toBe("duplicate");
    });
  });
}
