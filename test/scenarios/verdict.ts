import { setTimeout as sleep } from "node:timers/promises";
import type { Company } from "./company.ts";
import {
  type Count,
  countWrong,
  noticedWithoutService,
  routedWhileBusySeconds,
  spuriousChoices,
} from "./count.ts";
import { type Act, type DayPlan, hangUpAll, liveThrough } from "./day.ts";
import { latenessOf } from "./lateness.ts";
import type { Sight } from "./witness.ts";

export type Verdict = Omit<Count, "wrong"> & {
  readonly oscillating: number;
  readonly throttled: number;
  readonly spurious: number;
  readonly acts: number;
  readonly writes: number;
  readonly writesPerAct: number;
  readonly routedWhileBusySeconds: number;
  /** Reps who were in a call while the others rested, and of them those whom Dynamics would route to. */
  readonly talking: number;
  readonly routedAtRest: number;
  /** How busy the machine was: the longest that a write was on its way. For information. */
  readonly lateMs: number;
  /** Reps for whom it would have been noticed if the service had written nothing. */
  readonly noticedWithout: number;
};

/** How long the world is watched for writes that nothing asked for. */
const WATCH_MS = 7_000;

/**
 * A whole day, and everything that is counted of it. Twice the world comes to rest: with the calls that are
 * still on, and without them.
 */
export async function judgeDay(
  company: Company,
  plan: DayPlan,
): Promise<{
  readonly verdict: Verdict;
  readonly evidence: string;
  readonly acts: readonly Act[];
}> {
  const { people, service, tenant, witness } = company;
  const writesBefore = company.writes();
  const day = await liveThrough(company, plan);
  await company.quiet(() => people.every((person) => !isRouted(witness.look(person))));
  const talking = people.filter((person) => witness.look(person).teams === "InACall");
  const routed = talking.filter((person) => isRouted(witness.look(person)));
  const acts = [...day, ...hangUpAll(company)];
  await company.quiet(() => countWrong(company, acts).wrong.length === 0);
  const writes = company.writes();
  await sleep(WATCH_MS);
  const history = await service.history();
  const lateMs = latenessOf(company, history);
  const { wrong, ...counted } = countWrong(company, acts, lateMs);
  const spurious = spuriousChoices(history, acts, lateMs);
  const throttledLines = service.lines.filter(({ code }) => String(code).includes("throttled"));
  const verdict: Verdict = {
    ...counted,
    oscillating: company.writes() - writes,
    throttled: tenant.graph.control.requests().throttled + throttledLines.length,
    spurious: spurious.length,
    acts: acts.length,
    writes: writes - writesBefore,
    writesPerAct: Math.round(((writes - writesBefore) / acts.length) * 100) / 100,
    routedWhileBusySeconds: routedWhileBusySeconds(company),
    talking: talking.length,
    routedAtRest: routed.length,
    lateMs: acts.reduce((most, { atMs }) => Math.max(most, lateMs(atMs)), 0),
    noticedWithout: noticedWithoutService(company, acts, lateMs),
  };
  const suspects = new Set([
    ...wrong.slice(0, 12).map(({ person }) => person.dynamics),
    ...spurious.slice(0, 3).map(({ rep }) => String(rep)),
  ]);
  const traces = history
    .filter(({ rep }) => suspects.has(rep))
    .toSorted((a, b) => a.rep.localeCompare(b.rep) || a.position - b.position)
    .map(({ rep, atMs, kind, says }) => `${rep.slice(0, 4)} ${clock(atMs)} ${kind}: ${says}`);
  const evidence = [
    ...wrong.map(({ person, ...rest }) => `${person.dynamics.slice(0, 4)} ${JSON.stringify(rest)}`),
    ...spurious
      .slice(0, 10)
      .map(({ rep, atMs, says }) => `spurious ${rep.slice(0, 4)} ${clock(atMs)} ${says}`),
    ...traces,
  ].join("\n");
  return { verdict, evidence, acts };
}

/** For whom something is wrong in the end, on a machine as busy as this one was. */
export async function wrongAfter(
  company: Pick<Company, "people" | "witness" | "service">,
  acts: readonly Act[],
): Promise<Count["wrong"]> {
  const history = await company.service.history();
  return countWrong(company, acts, latenessOf(company, history)).wrong;
}

/** Nothing stuck, clobbered, lost, oscillating, throttled or made up: what every day must come to. */
export const FAULTLESS = {
  stuck: 0,
  clobbered: 0,
  lost: 0,
  oscillating: 0,
  throttled: 0,
  spurious: 0,
  routedAtRest: 0,
} as const satisfies Partial<Verdict>;

const isRouted = ({ teams, dynamics }: Sight): boolean =>
  teams === "InACall" && dynamics === "Available";

const clock = (atMs: number): string => new Date(atMs).toISOString().slice(14, 23);
