import { describe, expect, test } from "vitest";
import { keepFresh } from "../../src/availability/fresh.ts";

describe("[R170] what was asked a moment ago", () => {
  const open = (limit = 10) => {
    let nowMs = 0;
    const asked: string[] = [];
    let release: (() => void) | null = null;
    let fails = false;
    const ask = keepFresh<string, string>({
      keptMs: 2_000,
      nowMs: () => nowMs,
      limit,
      ask: async (key) => {
        asked.push(key);
        if (release === null) await new Promise<void>((resolve) => (release = resolve));
        if (fails) throw new Error("it cannot be read");
        return `${key} ${asked.length}`;
      },
    });
    return {
      ask,
      asked,
      let: () => release?.(),
      wait: (ms: number) => (nowMs += ms),
      fail: (yes: boolean) => (fails = yes),
    };
  };

  test("is asked once, however many wait for it, and again when it is old", async () => {
    const it = open();
    const all = [it.ask("a"), it.ask("a"), it.ask("a")];
    it.let();
    expect(new Set((await Promise.all(all)).map(({ value }) => value))).toEqual(new Set(["a 1"]));
    it.wait(1_999);
    expect(await it.ask("a")).toEqual({ value: "a 1", asOfMs: 0 });
    it.wait(1);
    expect(await it.ask("a")).toEqual({ value: "a 2", asOfMs: 2_000 });
  });

  test("an error is kept for nobody, and the oldest answers go first", async () => {
    const it = open(1);
    it.fail(true);
    const first = it.ask("a");
    it.let();
    await expect(first).rejects.toThrow("cannot be read");
    it.fail(false);
    expect((await it.ask("a")).value).toBe("a 2");
    await it.ask("b");
    await it.ask("a");
    expect(it.asked).toEqual(["a", "a", "b", "a"]);
  });
});
