import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makePeople } from "../../../src/emulators/people.ts";
import { startTenant } from "../../../src/emulators/tenant.ts";
import { openSqliteEngine } from "../../../src/engine/sqlite/sqlite-engine.ts";
import type { StoredHistoryEntry } from "../../../src/engine/engine.ts";
import { countWrong, routedWhileBusySeconds } from "../../scenarios/count.ts";
import { type DayPlan, hangUpAll, liveThrough, type Workplace } from "../../scenarios/day.ts";
import { type Lateness, latenessOf, PUNCTUAL } from "../../scenarios/lateness.ts";
import { lessAvailable, shownOn } from "../../scenarios/meaning.ts";
import { type Person, type Sight, Witness } from "../../scenarios/witness.ts";
import { type Cloud, launchLockstep, WEBHOOK_KEY, writeCertificate } from "../cloud.ts";
import type { Contestant } from "../contestant.ts";
import { atMost, type Result } from "../report/result.ts";
import { figure, median } from "../report/statistics.ts";
import type { Guard } from "../rivals/flow.ts";
import { launchNodeRed } from "../rivals/node-red.ts";
import { LOCKSTEP } from "./field.ts";
import { cutShort, inTurn, playRounds, type Scope, type Section } from "./section.ts";

/** What is wrong after a day, or was during it. */
type Wrongs = {
  readonly stuck: number;
  readonly clobbered: number;
  readonly lost: number;
  readonly oscillating: number;
  readonly routedWhileBusySeconds: number;
  readonly disagreementMsPerChange: number;
  readonly writesPerChange: number;
};
const FAULTS = ["stuck", "clobbered", "lost", "oscillating"] as const;

const RIVALS: readonly (readonly [name: string, guard: Guard])[] = [
  ["Node-RED, naive", "none"],
  ["Node-RED, value compare", "compare"],
  ["Node-RED, echo window", "window"],
];
/** The world has come to rest when nothing was written for so long, or when all is as it should be. */
const CALM_MS = 3_000;
const BREATH_MS = 1_500;
const REST_WITHIN_MS = 9_000;
/** How long the world is then watched for writes that nothing asked for. */
const WATCH_MS = 3_000;
const POLL_SECONDS = 1;

export const correctness: Section = {
  id: "correctness",
  withinMs: 690_000,
  async run(scope) {
    const contestants: readonly (readonly [string, Guard | null])[] = [
      [LOCKSTEP, null],
      ...(scope.rivals ? RIVALS : []),
    ];
    const seen = new Map<string, Wrongs[]>();
    const played = await playRounds(scope, async (round) => {
      for (const [name, guard] of inTurn(contestants, round)) {
        const wrongs = await liveDay(name, guard, round, scope);
        seen.set(name, [...(seen.get(name) ?? []), wrongs]);
        scope.say(`correctness: ${name}, round ${round + 1}: ${JSON.stringify(wrongs)}`);
      }
    });
    const middle = (name: string, of: keyof Wrongs): number =>
      median((seen.get(name) ?? []).map((one) => one[of]));
    const worst = (name: string, of: keyof Wrongs): number =>
      Math.max(...(seen.get(name) ?? []).map((one) => one[of]));
    const { reps, plan } = dayOf(scope, 0);
    return {
      id: "correctness",
      title: "Correctness under load",
      how: `${scope.rounds} days, the same for everybody: ${reps} reps, each with ${plan.actsPerRep} calls or choices ${plan.meanGapMs / 1000} s apart on average, in either system, against the emulated tenant of this repository with its rules. Webhooks come 0.1 to 0.8 s late, 1 % never, 5 % twice, and overtake each other; everybody polls each second. What is wrong is counted from the state of the two systems alone, by the oracle of test/scenarios. Medians, the worst day in brackets.`,
      table: {
        columns: [
          "contestant",
          "stuck",
          "clobbered",
          "lost",
          "oscillating",
          "routed while busy, s",
          "disagreement, ms per change",
          "writes per change",
        ],
        rows: contestants.map(([name]) => [
          name,
          ...FAULTS.map((of) => `${figure(middle(name, of))} (${figure(worst(name, of))})`),
          figure(middle(name, "routedWhileBusySeconds")),
          figure(middle(name, "disagreementMsPerChange")),
          figure(middle(name, "writesPerChange")),
        ]),
      },
      charts: [
        {
          title: "Reps for whom something is wrong at the end of the day",
          unit: "reps",
          groups: FAULTS.slice(0, 3).map((of) => ({
            name: of,
            bars: contestants.map(([name]) => ({ name, value: middle(name, of) })),
          })),
        },
        {
          title: "While it lasts",
          unit: "s, ms",
          groups: [
            {
              name: "routed while busy, s",
              bars: contestants.map(([name]) => ({
                name,
                value: middle(name, "routedWhileBusySeconds"),
              })),
            },
            {
              name: "disagreement, ms",
              bars: contestants.map(([name]) => ({
                name,
                value: middle(name, "disagreementMsPerChange"),
              })),
            },
          ],
        },
      ],
      targets: FAULTS.map((of) => atMost(`${of}, the worst day`, worst(LOCKSTEP, of), 0, "")),
      notes: [
        ...cutShort(played, scope),
        "Stuck: busy in a system with nothing left to be busy for. Clobbered: her last choice does not stand where she made it. Lost: it stands there, and the other system does not show it. Oscillating: writes in the three seconds after the world had come to rest. Routed while busy: seconds, over all reps, in which Dynamics would have routed to somebody in a Teams call. Disagreement includes the wait for a poll or a webhook, which is the same for everybody.",
        "The rivals are flows of Node-RED's own nodes (test/bench/rivals/flow.ts): a webhook and a poll behind a filter node, each written to the other side; then with the last value of both sides remembered and compared; then with five seconds in which the side just written to is not listened to.",
      ],
      figures: Object.fromEntries(seen),
    } satisfies Result;
  },
};

function dayOf({ quick }: Scope, round: number): { readonly reps: number; readonly plan: DayPlan } {
  const doings = ["calls", "teams choices", "dynamics choices"] as const;
  const plan = { seed: 80 + round, doings, meanGapMs: 1_500, leastGapMs: 600 };
  return quick
    ? { reps: 5, plan: { ...plan, actsPerRep: 1, meanGapMs: 300, leastGapMs: 100 } }
    : { reps: 60, plan: { ...plan, actsPerRep: 4 } };
}

async function liveDay(
  name: string,
  guard: Guard | null,
  round: number,
  scope: Scope,
): Promise<Wrongs> {
  const { reps, plan } = dayOf(scope, round);
  const tenant = await startTenant({ people: makePeople(reps), signedIn: true, tls: scope.tls });
  const folder = await mkdtemp(join(tmpdir(), "lockstep-bench-"));
  const { graph, dataverse } = tenant;
  const people = tenant.people.users.map((user): Person => ({
    teams: user.azureObjectId ?? "",
    dynamics: user.systemUserId,
  }));
  for (const { teams } of people) {
    graph.control.setClient({ userId: teams, availability: "Available" });
  }
  let contestant: Contestant | null = null;
  let witness: Witness | null = null;
  try {
    const cloud: Cloud = {
      graphUrl: graph.url,
      dataverseUrl: dataverse.url,
      authorityUrl: tenant.entra.url,
      tenantId: tenant.tenantId,
      clientId: tenant.clientId,
      clientSecret: tenant.clientSecret,
      caPath: await writeCertificate(folder, tenant.caPem),
      pollSeconds: POLL_SECONDS,
      dynamicsPollSeconds: POLL_SECONDS,
    };
    contestant =
      guard === null
        ? await launchLockstep(name, cloud, folder, { paced: true })
        : await launchNodeRed(name, guard, cloud, folder);
    dataverse.control.registerWebhook({
      url: `${contestant.url}/webhooks/dataverse`,
      headerName: "x-lockstep-key",
      headerValue: WEBHOOK_KEY,
      mode: "async",
    });
    dataverse.control.hooks({
      delayMinMs: 100,
      delayMaxMs: 800,
      dropShare: 0.01,
      duplicateShare: 0.05,
      reorder: true,
    });
    witness = new Witness(tenant, people);
    const store = guard === null ? join(folder, "lockstep.db") : null;
    return await judge({ tenant, people, witness }, plan, store);
  } finally {
    witness?.close();
    await contestant?.stop();
    await tenant.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function judge(company: Workplace, plan: DayPlan, store: string | null): Promise<Wrongs> {
  const { people, tenant, witness } = company;
  const { graph, dataverse } = tenant;
  const writes = (): number => graph.control.writes().length + dataverse.control.writes().length;
  const fromMs = Date.now();
  const day = await liveThrough(company, plan);
  const isRouted = (sight: Sight): boolean =>
    sight.teams === "InACall" && sight.dynamics === "Available";
  await rest(company, writes, () => people.every((one) => !isRouted(witness.look(one))));
  const acts = [...day, ...hangUpAll(company)];
  await rest(company, writes, () => countWrong(company, acts).wrong.length === 0);
  const span = { fromMs, toMs: Date.now() };
  const rested = writes();
  await sleep(WATCH_MS);
  const lateMs: Lateness = store === null ? PUNCTUAL : latenessOf(company, await historyIn(store));
  const { stuck, clobbered, lost } = countWrong(company, acts, lateMs);
  const disagreed = people.reduce(
    (sum, person) => sum + witness.lastedMs(person, span, (sight) => !agrees(sight)),
    0,
  );
  return {
    stuck,
    clobbered,
    lost,
    oscillating: writes() - rested,
    routedWhileBusySeconds: routedWhileBusySeconds(company),
    disagreementMsPerChange: disagreed / acts.length,
    writesPerChange: rested / acts.length,
  };
}

async function rest(
  { witness }: Workplace,
  writes: () => number,
  isWell: () => boolean,
): Promise<void> {
  const untilMs = Date.now() + REST_WITHIN_MS;
  let [count, sinceMs] = [writes(), Date.now()];
  for (;;) {
    await sleep(100);
    const now = writes();
    if (now !== count) [count, sinceMs] = [now, Date.now()];
    const calmMs = Date.now() - Math.max(sinceMs, witness.changedAtMs());
    if (calmMs > CALM_MS || (calmMs > BREATH_MS && isWell()) || Date.now() > untilMs) return;
  }
}

/** Both systems show the same, as far as each has words for it; a call lies over whatever is less available. */
function agrees({ teams, dynamics, inCall }: Sight): boolean {
  const asked = shownOn("dynamics", teams);
  return asked === dynamics || (inCall && lessAvailable(asked, dynamics) === dynamics);
}

async function historyIn(path: string): Promise<readonly StoredHistoryEntry[]> {
  const engine = await openSqliteEngine({ path, readOnly: true });
  try {
    const entries: StoredHistoryEntry[] = [];
    for (;;) {
      const page = await engine.history({ after: entries.at(-1)?.position ?? 0, limit: 1_000 });
      entries.push(...page);
      if (page.length < 1_000) return entries;
    }
  } finally {
    await engine.close();
  }
}
