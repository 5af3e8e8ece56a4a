import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { repId, teamsUserId } from "../../src/presence/identity.ts";
import { registerLeasesContract } from "./leases-contract.ts";
import { registerRecordsContract } from "./records-contract.ts";
import { commit, document, entry, event, identity } from "./sample.ts";

export type OpenedEngine = {
  /** Empty. */
  readonly engine: Engine;
  /** Closes what is open and opens the same store again; `null` where nothing outlives closing. */
  readonly reopen: (() => Promise<Engine>) | null;
  /** Closes what is open and deletes the store. */
  readonly dispose: () => Promise<void>;
};

const ANA = repId("ana");
const BEN = repId("ben");
const CONFLICT = { ok: false, reason: "conflict" };

/** What every engine promises. Each implementation runs all of it. */
export function registerEngineContract(name: string, open: () => Promise<OpenedEngine>): void {
  registerRecordsContract(name, open);
  registerLeasesContract(name, open);
  describe(`an engine (${name})`, () => {
    let opened: OpenedEngine;
    let engine: Engine;
    beforeEach(async () => {
      opened = await open();
      engine = opened.engine;
    });
    afterEach(() => opened.dispose());

    /** The same store as a later start sees it, or as it is where there is no later start. */
    async function later(): Promise<Engine> {
      return opened.reopen ? await opened.reopen() : engine;
    }
    async function said(query: Partial<Parameters<Engine["history"]>[0]> = {}): Promise<string[]> {
      return (await engine.history({ limit: 1_000, ...query })).map(({ says }) => says);
    }

    describe("documents", () => {
      test("[R60] a document is stored under a generation that rises with every commit", async () => {
        const first = await engine.commit(commit(document("ana")));
        expect(first).toMatchObject({ ok: true, generation: 1 });
        expect(await engine.commit(commit(document("ana", 1)))).toMatchObject({
          ok: true,
          generation: 2,
        });
        expect(await engine.get(ANA)).toEqual({ ...document("ana", 1), generation: 2 });
        expect(await engine.get(BEN)).toBeNull();
      });

      test("[R60] of two concurrent commits of the same generation exactly one wins", async () => {
        const [first, second] = await Promise.all([
          engine.commit(commit(document("ana", 0, 10))),
          engine.commit(commit(document("ana", 0, 20))),
        ]);
        expect([first, second].filter(({ ok }) => ok)).toHaveLength(1);
        expect([first, second]).toContainEqual(CONFLICT);
        expect((await engine.get(ANA))?.rep.intent).toBe(first.ok ? 10 : 20);
      });

      test("[R60] a generation that never was, or is over, conflicts and changes nothing", async () => {
        expect(await engine.commit(commit(document("ana", 7), "never was"))).toEqual(CONFLICT);
        await engine.commit(commit(document("ana"), "first"));
        expect(await engine.commit(commit(document("ana", 0, 99), "over"))).toEqual(CONFLICT);
        expect(await engine.get(ANA)).toEqual({ ...document("ana"), generation: 1 });
        expect(await said()).toEqual(["first"]);
      });

      test("[R60] a conflict rejects nobody else", async () => {
        await engine.commit(commit(document("ana")));
        const results = await Promise.all([
          engine.commit(commit(document("ben"))),
          engine.commit(commit(document("ana", 0))),
          engine.commit(commit(document("cleo"))),
        ]);
        expect(results.map(({ ok }) => ok)).toEqual([true, false, true]);
      });

      test("[R60] a rep who was removed and came back accepts no commit from her earlier life", async () => {
        await engine.commit(commit(document("ana")));
        await engine.remove(ANA);
        expect(await engine.get(ANA)).toBeNull();
        expect(await engine.commit(commit(document("ana", 1)))).toEqual(CONFLICT);
        await engine.commit(commit(document("ana", 0, 50)));
        expect(await engine.commit(commit(document("ana", 1)))).toEqual(CONFLICT);
        expect((await engine.get(ANA))?.rep.intent).toBe(50);
      });

      test("everything that was committed is loaded", async () => {
        const names = Array.from({ length: 1_201 }, (_, n) => `rep-${n}`);
        await Promise.all(names.map((name) => engine.commit(commit(document(name)))));
        await engine.remove(repId("rep-600"));
        const loaded = await (await later()).load();
        const expected = names.filter((name) => name !== "rep-600").toSorted();
        expect(loaded.map(({ identity: { rep } }) => rep).toSorted()).toEqual(expected);
        expect(loaded).toContainEqual({ ...document("rep-1200"), generation: 1 });
      });

      test("one Teams user and one Dynamics user belong to one rep, and a collision rejects only itself", async () => {
        await engine.commit(commit(document("ana")));
        for (const key of ["teamsUserId", "systemUserId"] as const) {
          const taken = { ...identity("ben"), [key]: identity("ana")[key] };
          const [collision, beside] = await Promise.allSettled([
            engine.commit(commit({ ...document("ben"), identity: taken }, "collided")),
            engine.commit(commit(document(`beside ${key}`))),
          ]);
          expect(collision).toMatchObject({
            status: "rejected",
            reason: { name: "EngineError", code: "engine-identity-taken", retry: "rejected" },
          });
          expect(beside).toMatchObject({ status: "fulfilled", value: { ok: true } });
        }
        expect(await engine.get(BEN)).toBeNull();
        expect(await said()).toEqual([]);
      });

      test("a rep may be bound to another Teams user, and the old one is free again", async () => {
        await engine.commit(commit(document("ana")));
        const moved = { ...identity("ana"), teamsUserId: teamsUserId("new") };
        await engine.commit(commit({ ...document("ana", 1), identity: moved }));
        const heir = { ...identity("ben"), teamsUserId: identity("ana").teamsUserId };
        expect(await engine.commit(commit({ ...document("ben"), identity: heir }))).toMatchObject({
          ok: true,
        });
        expect((await engine.get(ANA))?.identity).toEqual(moved);
      });
    });

    describe("commits", () => {
      test("[R61] a commit stores its document, its history and what it settles together", async () => {
        await engine.accept(event("call-1"));
        await engine.accept(event("call-2"));
        const whole = commit(document("ana"), "one", "two");
        await engine.commit({ ...whole, settles: [{ source: "desk-phone", id: "call-1" }] });
        const stored = await later();
        expect((await stored.get(ANA))?.generation).toBe(1);
        expect((await stored.history({ limit: 10 })).map(({ says }) => says)).toEqual([
          "one",
          "two",
        ]);
        expect((await stored.unsettled()).map(({ id }) => id)).toEqual(["call-2"]);
      });

      test("[R61] a commit that loses, or cannot be stored, leaves no history and settles nothing", async () => {
        await engine.accept(event("call-1"));
        const settles = [{ source: "desk-phone", id: "call-1" }];
        await engine.commit({ ...commit(document("ana", 3), "lost"), settles });
        const endless = entry(ANA, "no time", Number.NaN);
        const unstorable = { document: document("ana"), history: [endless], settles };
        await expect(engine.commit(unstorable)).rejects.toMatchObject({
          name: "EngineError",
          code: "engine-unstorable",
          retry: "rejected",
        });
        expect(await engine.get(ANA)).toBeNull();
        expect(await said()).toEqual([]);
        expect(await engine.unsettled()).toHaveLength(1);
      });

      test("[R62] ten thousand concurrent commits are all durable and have positions of their own", async () => {
        const names = Array.from({ length: 10_000 }, (_, n) => `rep-${n}`);
        const results = await Promise.all(
          names.map((name) => engine.commit(commit(document(name), `hello ${name}`))),
        );
        expect(results.filter(({ ok }) => !ok)).toEqual([]);
        const stored = await later();
        expect(await stored.load()).toHaveLength(10_000);
        const positions: number[] = [];
        const told = new Set<string>();
        for (let after = 0; ; after = positions.at(-1) ?? 0) {
          const page = await stored.history({ after, limit: 1_000 });
          if (page.length === 0) break;
          for (const { position, says } of page) {
            positions.push(position);
            told.add(says);
          }
        }
        expect(new Set(positions).size).toBe(10_000);
        expect(positions).toEqual(positions.toSorted((left, right) => left - right));
        expect(told).toEqual(new Set(names.map((name) => `hello ${name}`)));
      }, 60_000);

      test("text of every script, and of none, comes back as it was", async () => {
        const strange = "Ünïcødé 日本語 🦊 \u0000 \u2028 ' \" \\ ‮";
        await engine.commit(commit(document(strange), strange));
        await engine.accept({
          ...event(strange, repId(strange)),
          body: { strange, nested: [null, 1.5] },
        });
        const stored = await later();
        expect(await stored.get(repId(strange))).toMatchObject({ identity: identity(strange) });
        expect((await stored.history({ rep: repId(strange), limit: 1 }))[0]?.says).toBe(strange);
        const [kept] = await stored.unsettled();
        expect(kept).toMatchObject({ id: strange, body: { strange, nested: [null, 1.5] } });
      });
    });

    describe("inbox", () => {
      test("[R63] an event is accepted once, and a repetition is a duplicate, at once or later", async () => {
        const answers = await Promise.all([engine.accept(event("1")), engine.accept(event("1"))]);
        expect(answers).toEqual(["accepted", "duplicate"]);
        expect(await engine.accept({ ...event("1"), source: "wfm" })).toBe("accepted");
        const stored = await later();
        expect(await stored.accept(event("1"))).toBe("duplicate");
        expect(await stored.unsettled()).toEqual([event("1"), { ...event("1"), source: "wfm" }]);
      });

      test("[R63] a settled event is not handed out again, and its repetition is still a duplicate", async () => {
        await engine.accept(event("1"));
        const settles = [{ source: "desk-phone", id: "1" }];
        await engine.commit({ ...commit(document("ana")), settles });
        await engine.commit({ ...commit(document("ana", 1)), settles });
        const stored = await later();
        expect(await stored.unsettled()).toEqual([]);
        expect(await stored.accept(event("1"))).toBe("duplicate");
        expect(await stored.unsettled()).toEqual([]);
      });

      test("[R63] unsettled events come oldest first, whatever their clocks say", async () => {
        const ids = ["z", "a", "m", "b"];
        for (const [at, id] of ids.entries()) await engine.accept(event(id, ANA, 9_000 - at));
        await engine.commit({
          ...commit(document("ana")),
          settles: [{ source: "desk-phone", id: "m" }],
        });
        expect((await (await later()).unsettled()).map(({ id }) => id)).toEqual(["z", "a", "b"]);
      });

      test("a body that JSON cannot hold, or an id that is no text, is refused", async () => {
        const refused = { name: "EngineError", code: "engine-unstorable", retry: "rejected" };
        await expect(engine.accept({ ...event("1"), body: 1n })).rejects.toMatchObject(refused);
        await expect(engine.accept({ ...event("1"), body: undefined })).rejects.toMatchObject(
          refused,
        );
        await expect(engine.accept(event("\ud800"))).rejects.toMatchObject(refused);
        expect(await engine.unsettled()).toEqual([]);
      });
    });

    describe("history", () => {
      test("[R65] pages follow positions and lose nothing", async () => {
        const says = Array.from({ length: 25 }, (_, n) => `line ${n}`);
        await engine.commit(commit(document("ana"), ...says));
        const seen: string[] = [];
        for (let after = 0; ;) {
          const page = await engine.history({ after, limit: 10 });
          seen.push(...page.map((line) => line.says));
          if (page.length < 10) break;
          after = page.at(-1)?.position ?? 0;
        }
        expect(seen).toEqual(says);
        const [first] = await engine.history({ limit: 1 });
        expect(first).toEqual({ position: first?.position, ...entry(ANA, "line 0") });
      });

      test("rep, time and position narrow, alone and together, even when clocks jump back", async () => {
        const lines = [
          entry(ANA, "ana 50", 50),
          entry(BEN, "ben 10", 10),
          entry(ANA, "ana 20", 20),
          entry(BEN, "ben 40", 40),
        ];
        for (const [at, line] of lines.entries()) {
          await engine.commit({ document: document("cleo", at), history: [line], settles: [] });
        }
        const [, second] = await engine.history({ limit: 2 });
        const after = second?.position ?? 0;
        expect(await said({ rep: ANA })).toEqual(["ana 50", "ana 20"]);
        expect(await said({ sinceMs: 20 })).toEqual(["ana 50", "ana 20", "ben 40"]);
        expect(await said({ sinceMs: 60 })).toEqual([]);
        expect(await said({ after })).toEqual(["ana 20", "ben 40"]);
        expect(await said({ after, sinceMs: 30 })).toEqual(["ben 40"]);
        expect(await said({ rep: ANA, sinceMs: 30 })).toEqual(["ana 50"]);
        expect(await said({ rep: ANA, after, sinceMs: 20 })).toEqual(["ana 20"]);
        expect(await said({ sinceMs: 20, limit: 2 })).toEqual(["ana 50", "ana 20"]);
        expect(await said({ rep: repId("nobody") })).toEqual([]);
      });

      test.each([0, -1, 1_001, 1.5, Number.NaN])("a limit of %d is refused", async (limit) => {
        await expect(engine.history({ limit })).rejects.toMatchObject({
          name: "EngineError",
          code: "engine-limit",
          retry: "rejected",
        });
      });

      test("[R65] a position is never given twice, whatever was pruned and however often it was opened", async () => {
        await engine.commit(commit(document("ana"), "one", "two"));
        const last = (await engine.history({ limit: 2 })).at(-1)?.position ?? Number.NaN;
        await engine.prune(10_000);
        expect(await said()).toEqual([]);
        const stored = await later();
        await stored.commit(commit(document("ana", 1), "three"));
        const [next] = await stored.history({ limit: 1 });
        expect(next?.says).toBe("three");
        expect(next?.position).toBeGreaterThan(last);
      });
    });

    describe("forgetting", () => {
      test("prune forgets history and settled events that are older, and keeps all the rest", async () => {
        for (const [at, id] of ["old", "open", "new"].entries()) {
          await engine.accept(event(id, ANA, id === "new" ? 200 : 100 + at));
        }
        const settles = ["old", "new"].map((id) => ({ source: "desk-phone", id }));
        const history = [entry(ANA, "199", 199), entry(ANA, "200", 200), entry(ANA, "5", 5)];
        await engine.commit({ document: document("ana"), history, settles });
        await engine.prune(200);
        expect(await said()).toEqual(["200"]);
        expect((await engine.unsettled()).map(({ id }) => id)).toEqual(["open"]);
        expect(await engine.accept(event("new"))).toBe("duplicate");
        expect(await engine.accept(event("open"))).toBe("duplicate");
        expect(await engine.accept(event("old"))).toBe("accepted");
        expect(await engine.get(ANA)).not.toBeNull();
      });

      test("prune takes thousands of entries while commits go on", async () => {
        const says = Array.from({ length: 2_500 }, (_, n) => `${n}`);
        await engine.commit(commit(document("ana"), ...says));
        const young = {
          document: document("ben"),
          history: [entry(BEN, "young", 9_000)],
          settles: [],
        };
        const [, result] = await Promise.all([engine.prune(5_000), engine.commit(young)]);
        expect(result.ok).toBe(true);
        expect(await said()).toEqual(["young"]);
      });

      test("removing a rep forgets her document and her open events, and keeps her history", async () => {
        await engine.commit(commit(document("ana"), "ana was here"));
        await engine.accept(event("1", ANA));
        await engine.accept(event("2", BEN));
        await engine.remove(ANA);
        await engine.remove(ANA);
        const stored = await later();
        expect(await stored.load()).toEqual([]);
        expect((await stored.unsettled()).map(({ id }) => id)).toEqual(["2"]);
        expect(await stored.accept(event("1", ANA))).toBe("duplicate");
        expect(await stored.history({ rep: ANA, limit: 5 })).toHaveLength(1);
      });
    });

    describe("closing", () => {
      test("after close every call rejects, and closing again is harmless", async () => {
        await engine.close();
        await engine.close();
        const calls = [
          engine.load(),
          engine.get(ANA),
          engine.commit(commit(document("ana"))),
          engine.remove(ANA),
          engine.accept(event("1")),
          engine.unsettled(),
          engine.history({ limit: 1 }),
          engine.prune(1),
        ];
        for (const outcome of await Promise.allSettled(calls)) {
          expect(outcome).toMatchObject({
            status: "rejected",
            reason: { name: "EngineError", code: "engine-closed" },
          });
        }
      });

      test("[R62] what was asked before close is still carried out", async () => {
        const asked = engine.commit(commit(document("ana"), "just in time"));
        await engine.close();
        expect(await asked).toMatchObject({ ok: true, generation: 1 });
        if (opened.reopen) expect(await (await opened.reopen()).get(ANA)).not.toBeNull();
      });
    });
  });
}
