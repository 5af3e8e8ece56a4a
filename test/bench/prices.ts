/** The day that is priced, and how often it comes. */
export const PRICED_DAY = { reps: 500, changesPerRep: 60, daysPerMonth: 22 } as const;

/** Each change makes one run that does something, and one more that the write itself causes. */
const RUNS_PER_CHANGE = 2;
/** Trigger, parse, look up the rep, compare, choose, two calls and an answer: what such a flow needs at least. */
const ACTIONS_PER_RUN = 8;
/** One of them goes through a connector that costs more: Dataverse. */
const CONNECTOR_CALLS_PER_RUN = 1;

type Price = {
  readonly name: string;
  /** How the price of a month follows from the list. */
  readonly says: string;
  readonly source: string;
  perMonth(runsPerDay: number): number;
};

const { reps, changesPerRep, daysPerMonth } = PRICED_DAY;
const runsPerDay = reps * changesPerRep * RUNS_PER_CHANGE;

/** A month in US dollars, without tax. */
export const priceOf = (price: Price): number => price.perMonth(runsPerDay);

export const PRICES: readonly Price[] = [
  {
    name: "Power Automate",
    says: `${runsPerDay} runs a day of ${ACTIONS_PER_RUN} actions are ${runsPerDay * ACTIONS_PER_RUN} requests; a Process licence allows 250 000 in 24 hours and costs $150 a month.`,
    source:
      'Requests: Microsoft, "Requests limits and allocations" (learn.microsoft.com/power-platform/admin/api-request-limits-allocations); price: microsoft.com/power-platform/products/power-automate/pricing, as a public collection of prices quotes it, May 2026.',
    perMonth: (runs) => Math.ceil((runs * ACTIONS_PER_RUN) / 250_000) * 150,
  },
  {
    name: "Logic Apps",
    says: `Consumption: ${ACTIONS_PER_RUN - CONNECTOR_CALLS_PER_RUN} built-in actions at $0.000025 and ${CONNECTOR_CALLS_PER_RUN} standard connector call at $0.000125 for each run; the free 4 000 actions a month are left out.`,
    source:
      'How it is metered: Microsoft, "Usage metering, billing, and pricing for Azure Logic Apps" (learn.microsoft.com/azure/logic-apps/logic-apps-pricing); the rates: a published copy of the Azure price list of 2020.',
    perMonth: (runs) =>
      runs *
      daysPerMonth *
      ((ACTIONS_PER_RUN - CONNECTOR_CALLS_PER_RUN) * 0.000_025 +
        CONNECTOR_CALLS_PER_RUN * 0.000_125),
  },
  {
    name: "Lockstep",
    says: "One small Linux virtual machine, 2 cores and 4 GB (B2s), whatever the number of changes; Graph and Dataverse charge nothing for these calls within their limits.",
    source:
      "Taken as $0.0416 an hour for 730 hours; an assumption, to be checked for your region. The work of running it is not priced.",
    perMonth: () => 0.0416 * 730,
  },
];
