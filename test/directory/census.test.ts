import { describe, expect, test } from "vitest";
import type { DynamicsAccount } from "../../src/directory/account.ts";
import { createCensus } from "../../src/directory/census.ts";
import { openDecisionBook } from "../../src/directory/decisions.ts";
import { PAUSE_RECORD, pausesOf } from "../../src/directory/pauses.ts";
import { openSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import { repId, systemUserId, teamsUserId } from "../../src/presence/identity.ts";
import { temporaryFolder } from "../service/launch.ts";

const ANA = systemUserId("a0000000-0000-4000-8000-00000000000a");
const T1 = teamsUserId("11111111-1111-4111-8111-111111111111");
const account: DynamicsAccount = {
  user: ANA,
  standing: "person",
  teamsUser: null,
  principalName: "ana@north.example",
  mail: null,
};
const patience = (): AbortSignal => AbortSignal.timeout(10_000);

describe("a census", () => {
  test("[R162] a pause is durable, ends by itself, and can be ended by her", async () => {
    await using folder = await temporaryFolder();
    let nowMs = 1_000;
    const open = async () => {
      const engine = await openSqliteEngine({ path: `${folder.path}/l.db` });
      const book = openDecisionBook(engine, () => nowMs);
      const paused = async () => [...pausesOf(await engine.kept(PAUSE_RECORD), nowMs).reps.keys()];
      return { engine, book, paused };
    };
    let { engine, book, paused } = await open();
    expect(await paused()).toEqual([]);
    await book.pause(repId(ANA), { by: "the rep", untilMs: 5_000 });
    await engine.close();
    ({ engine, book, paused } = await open());
    expect(await paused()).toEqual([ANA]);
    nowMs = 5_000;
    expect(await paused()).toEqual([]);
    await book.pause(repId(ANA), { by: "the rep", untilMs: null });
    nowMs = 5_000_000;
    expect(await paused()).toEqual([ANA]);
    expect(await book.resume(repId(ANA))).toBe(true);
    expect(await paused()).toEqual([]);
    await book.pause("*", { by: "an administrator", untilMs: null });
    expect(pausesOf(await engine.kept(PAUSE_RECORD), nowMs).all).toMatchObject({
      by: "an administrator",
    });
    await engine.close();
  });

  test("looks an address up once in ten minutes, found or not", async () => {
    let nowMs = 0;
    const asked: (readonly string[])[] = [];
    let known = false;
    const census = createCensus({
      accounts: async () => [account],
      members: async () => new Set(),
      teamsAccounts: async (addresses) => {
        asked.push(addresses);
        return known ? [{ user: T1, principalName: "ana@north.example", mail: null }] : [];
      },
      decisions: async () => ({
        pins: new Map(),
        choices: new Map(),
        scope: { teams: [], queues: [], listedOnly: false },
      }),
      nowMs: () => nowMs,
    });
    const count = async () => (await census.take(patience())).matches.length;
    expect(await count()).toBe(0);
    known = true;
    nowMs = 9 * 60_000;
    expect(await count()).toBe(0);
    nowMs = 10 * 60_000;
    expect(await count()).toBe(1);
    expect(await count()).toBe(1);
    expect(asked).toEqual([["ana@north.example"], ["ana@north.example"]]);
  });
});
