import { describe, expect, test } from "vitest";
import type { DynamicsAccount } from "../../src/directory/account.ts";
import { createCensus } from "../../src/directory/census.ts";
import { openDecisionBook } from "../../src/directory/decisions.ts";
import { openSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import { systemUserId, teamsUserId } from "../../src/presence/identity.ts";
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
      const census = createCensus({
        accounts: async () => [{ ...account, teamsUser: T1 }],
        members: async () => new Set(),
        teamsAccounts: async () => [],
        decisions: () => book.read(),
        nowMs: () => nowMs,
      });
      const why = async () => (await census.take(patience())).excluded[0]?.why ?? "takes part";
      return { engine, book, why };
    };
    let { engine, book, why } = await open();
    expect(await why()).toBe("takes part");
    await book.pause(ANA, { reason: "a quiet morning", untilMs: 5_000 });
    await engine.close();
    ({ engine, book, why } = await open());
    expect(await why()).toBe("paused");
    nowMs = 5_000;
    expect(await why()).toBe("takes part");
    await book.pause(ANA, { reason: "until I say so", untilMs: null });
    nowMs = 5_000_000;
    expect(await why()).toBe("paused");
    expect(await book.resume(ANA)).toBe(true);
    expect(await why()).toBe("takes part");
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
        pauses: new Map(),
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
