import { expect, test } from "vitest";
import { Idempotency } from "../../src/api/idempotency.ts";
import { openForTest, temporaryDirectory } from "../engine/store.ts";

const KEYS = ["1", "2", "3", "4", "5"];

async function open(most: { readonly answers: number; readonly bytes: number }) {
  const engine = await openForTest({ path: `${temporaryDirectory()}/lockstep.db` });
  let nowMs = 1_000_000;
  const start = () => new Idempotency({ engine, nowMs: () => (nowMs += 1), most });
  return { start, answers: async () => (await engine.kept("idempotency")).length };
}

/** Whether the key is answered as before, and nothing is done again. */
async function isKnown(idempotency: Idempotency, owner: string, key: string): Promise<boolean> {
  let runs = 0;
  await idempotency.once(owner, key, "asked", async () => {
    runs += 1;
    return { status: 500 };
  });
  return runs === 0;
}

test.each([
  ["many answers", { answers: 2, bytes: 1_000_000 }, "short"],
  ["long answers", { answers: 100, bytes: 3_000 }, "x".repeat(1_200)],
])(
  "[R185, R192] an integration with too %s loses its own oldest, and none of another's",
  async (_what, most, says) => {
    const { start, answers } = await open(most);
    const idempotency = start();
    const answer = async () => ({ status: 202, json: { says } });
    await idempotency.once("quiet", "1", "asked", answer);
    for (const key of KEYS) await idempotency.once("flood", key, "asked", answer);
    await idempotency.sweep();
    const afterRestart = start();
    await afterRestart.load();
    for (const one of [idempotency, afterRestart]) {
      expect(await isKnown(one, "quiet", "1")).toBe(true);
      const known = [];
      for (const key of KEYS) if (await isKnown(one, "flood", key)) known.push(key);
      expect(known).toEqual(["4", "5"]);
    }
    expect(await answers()).toBe(3);
  },
);
