import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMANDS, type LargeOffice, openLargeOffice } from "./large-office.ts";

let office: LargeOffice;
beforeAll(async () => {
  office = await openLargeOffice(10_000);
});
afterAll(() => office.close());

/** For what the contact centre itself says of one queue, or of one rep, beside what we say. */
const ASK_DATAVERSE: ReadonlySet<string> = new Set(["me", "status Rep 4711", "queue Queue 7"]);

describe("what an answer costs in an office of 10 000 reps", () => {
  test("[R331] what takes more than one call is read before anybody asks", () => {
    const { graph, dataverse } = office.calls();
    expect([graph, dataverse]).toEqual([11, 13]);
  });

  test.each(COMMANDS)(
    "[R331] “%s”: rights in one call to Graph at most, and one to Dataverse at most",
    async (text) => {
      const cost = async (): Promise<readonly number[]> => {
        const before = office.calls();
        await office.ask(`rep-${COMMANDS.indexOf(text)}`, text);
        const { graph, dataverse } = office.calls();
        return [graph - before.graph, dataverse - before.dataverse];
      };
      const ofCenter = ASK_DATAVERSE.has(text) ? 1 : 0;
      expect(await cost()).toEqual([1, ofCenter]);
      expect(await cost()).toEqual([0, ofCenter]);
    },
  );
});
