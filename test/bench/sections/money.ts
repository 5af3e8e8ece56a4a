import { join } from "node:path";
import { openSqliteEngine } from "../../../src/engine/sqlite/sqlite-engine.ts";
import { atMost, type Result } from "../report/result.ts";
import { figure, median } from "../report/statistics.ts";
import { PRICED_DAY, priceOf, PRICES } from "../prices.ts";
import { Field } from "./field.ts";
import type { Section } from "./section.ts";

/** For 1 000 changes. */
type Use = {
  readonly rate: number;
  readonly awayMs: number;
  readonly graphReads: number;
  readonly graphWrites: number;
  readonly dataverseReads: number;
  readonly documents: number;
  readonly historyEntries: number;
  readonly cpuMs: number;
};

/** Changes each second, and how far away the two systems are, in milliseconds. */
const WEATHERS = [
  [5, 0],
  [50, 0],
  [200, 0],
  [200, 40],
] as const;

export const money: Section = {
  id: "money",
  withinMs: 90_000,
  async run(scope) {
    const reps = scope.quick ? 100 : 1_000;
    await using field = new Field(scope, reps);
    const { load, tenant, folder } = await field.lockstep();
    const uses: Use[] = [];
    for (const [rate, awayMs] of scope.quick ? [[50, 0] as const] : WEATHERS) {
      tenant.awayMs = awayMs;
      const rounds: Use[] = [];
      for (let round = 0; round < scope.rounds; round += 1) {
        const durationMs = scope.quick ? 300 : 1_500;
        const [calls, kept] = [tenant.calls, await keptIn(folder)];
        const { sent, cpuMs } = await load.run(rate, durationMs);
        const [callsAfter, keptAfter] = [tenant.calls, await keptIn(folder)];
        const per = (after: number, before: number): number => ((after - before) * 1_000) / sent;
        rounds.push({
          rate,
          awayMs,
          graphReads: per(callsAfter.graphReads, calls.graphReads),
          graphWrites: per(callsAfter.graphWrites, calls.graphWrites),
          dataverseReads: per(callsAfter.dataverseReads, calls.dataverseReads),
          documents: per(keptAfter.documents, kept.documents),
          historyEntries: per(keptAfter.historyEntries, kept.historyEntries),
          cpuMs: (cpuMs * 1_000) / sent,
        });
      }
      tenant.awayMs = 0;
      uses.push(middleOf(rounds));
      scope.say(`money: ${JSON.stringify(uses.at(-1))}`);
    }
    const cheapest = uses.findLast(({ awayMs }) => awayMs === 0);
    const prices = PRICES.map((price) => ({ ...price, perMonth: priceOf(price) }));
    return {
      id: "money",
      title: "Money: calls, store and price",
      how: `Calls that reach the two systems and what the store keeps for 1 000 changes from Dynamics to Teams, ${reps} reps, medians of ${scope.rounds} rounds, polls and confirming reads included; "away", each call takes so much longer, as it does outside this computer. Then the same day priced: ${PRICED_DAY.reps} reps with ${PRICED_DAY.changesPerRep} changes each, ${PRICED_DAY.daysPerMonth} days a month, from published prices.`,
      table: {
        columns: [
          "",
          ...uses.map(
            ({ rate, awayMs }) => `at ${rate}/s${awayMs === 0 ? "" : `, ${awayMs} ms away`}`,
          ),
          "same calls floor",
        ],
        rows: [
          ["Graph reads", ...uses.map((use) => figure(use.graphReads)), "1 000"],
          ["Graph writes", ...uses.map((use) => figure(use.graphWrites)), "1 000"],
          ["Dataverse reads", ...uses.map((use) => figure(use.dataverseReads)), "1 000"],
          ["documents stored", ...uses.map((use) => figure(use.documents)), "0"],
          ["history entries stored", ...uses.map((use) => figure(use.historyEntries)), "0"],
          ["CPU ms", ...uses.map((use) => figure(use.cpuMs)), "–"],
          ...prices.map(({ name, perMonth }) => [
            `${name}, a month`,
            ...uses.map(() => ""),
            `$${figure(perMonth)}`,
          ]),
        ],
      },
      charts: [
        {
          title: "The same month, by published prices",
          unit: "US $",
          groups: [
            {
              name: `${PRICED_DAY.reps} reps`,
              bars: prices.map(({ name, perMonth }) => ({ name, value: perMonth })),
            },
          ],
        },
      ],
      targets: cheapest
        ? [
            atMost(
              `reads for each change at ${cheapest.rate}/s`,
              (cheapest.graphReads + cheapest.dataverseReads) / 1_000,
              2,
              "",
            ),
          ]
        : [],
      notes: [
        "On this computer a read is over before the next one is asked for, so at 200/s each change reads both systems alone, and what confirms it comes on top. The farther away the cloud is, the more changes share a read.",
        ...PRICES.map(({ name, says, source }) => `**${name}:** ${says} ${source}`),
      ],
      figures: { uses, prices },
    } satisfies Result;
  },
};

function middleOf(rounds: readonly Use[]): Use {
  const middle = (of: keyof Use): number => median(rounds.map((one) => one[of]));
  return {
    rate: middle("rate"),
    awayMs: middle("awayMs"),
    graphReads: middle("graphReads"),
    graphWrites: middle("graphWrites"),
    dataverseReads: middle("dataverseReads"),
    documents: middle("documents"),
    historyEntries: middle("historyEntries"),
    cpuMs: middle("cpuMs"),
  };
}

/** How many documents were ever stored, and how long the history is. */
async function keptIn(folder: string): Promise<{ documents: number; historyEntries: number }> {
  const engine = await openSqliteEngine({ path: join(folder, "lockstep.db"), readOnly: true });
  try {
    const documents = await engine.load();
    let position = 0;
    for (;;) {
      const page = await engine.history({ after: position, limit: 1_000 });
      position = page.at(-1)?.position ?? position;
      if (page.length < 1_000) break;
    }
    return {
      documents: documents.reduce((sum, { generation }) => sum + generation, 0),
      historyEntries: position,
    };
  } finally {
    await engine.close();
  }
}
