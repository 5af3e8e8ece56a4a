import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Controller } from "../../../src/controller/controller.ts";
import { Pace } from "../../../src/controller/pace.ts";
import { Sweep } from "../../../src/controller/sweep.ts";
import { openSqliteEngine } from "../../../src/engine/sqlite/sqlite-engine.ts";
import { DYNAMICS_PACE, TEAMS_PACE } from "../../../src/paces.ts";
import { DEFAULT_MAPPINGS } from "../../../src/presence/mapping.ts";
import { createPolicy } from "../../../src/policy.ts";
import { DYNAMICS, type RepIdentity } from "../../../src/presence/identity.ts";
import { person } from "../../controller/crew.ts";
import { EmulatedDynamics, EmulatedTeams } from "../../controller/systems.ts";
import { dice } from "../../scenarios/day.ts";
import { DATAVERSE_LIMIT, GRAPH_LIMIT, limited } from "../limited.ts";
import { atMost, type Result } from "../report/result.ts";
import { figure } from "../report/statistics.ts";
import { VirtualTime } from "../virtual-time.ts";
import type { Scope, Section } from "./section.ts";

const WITHIN_MS = 60_000;
const POLL_MS = 5_000;
/** Of the reps, those who become Busy; the others become free. */
const PROTECTIVE_SHARE = 0.25;
const HINT_MS = 100;
const LATEST_MS = 3_600_000;

type Side = "Dynamics" | "Teams";

type Storm = {
  readonly writtenTo: Side;
  readonly drainSeconds: number;
  readonly boundSeconds: number;
  /** As long as the requests take that the writes consist of. */
  readonly requestsBoundSeconds: number;
  readonly lastProtectiveSeconds: number;
  readonly throttled: number;
  readonly requests: number;
  readonly left: number;
};

export const storm: Section = {
  id: "storm",
  withinMs: 300_000,
  async run(scope) {
    const reps = scope.quick ? 200 : 10_000;
    const storms: Storm[] = [];
    for (const writtenTo of ["Teams", "Dynamics"] as const) {
      if (storms.length > 0 && scope.isLate()) break;
      storms.push(await blow(writtenTo, reps, scope));
      scope.say(`storm: ${JSON.stringify(storms.at(-1))}`);
    }
    return {
      id: "storm",
      title: "Storm: everybody changes within a minute",
      how: `${reps} reps change once each within 60 s, one in four to Busy and the others to Available: a meeting of all ends. In virtual time, the real controller, store, pace and polls against emulated systems that answer 429 beyond the real limits (Graph 1 500 requests in 30 s, Dataverse 6 000 in 300 s). Lower bound: one request for each rep at the limit's mean rate. One run, for it has no chance in it: the seed says who changes when.`,
      table: {
        columns: [
          "written to",
          "lower bound s",
          "drained after s",
          "× bound",
          "× requests of the writes",
          "last protective write s",
          "× whole",
          "requests for each change",
          "429",
          "reps left behind",
        ],
        rows: storms.map((one) => [
          one.writtenTo,
          figure(one.boundSeconds),
          figure(one.drainSeconds),
          figure(one.drainSeconds / one.boundSeconds),
          figure(one.drainSeconds / one.requestsBoundSeconds),
          figure(one.lastProtectiveSeconds),
          figure(one.lastProtectiveSeconds / one.drainSeconds),
          figure(one.requests / reps),
          String(one.throttled),
          String(one.left),
        ]),
      },
      charts: [
        {
          title: "From the first change to the last write",
          unit: "s",
          groups: storms.map((one) => ({
            name: `written to ${one.writtenTo}`,
            bars: [
              { name: "lower bound", value: one.boundSeconds },
              { name: "all drained", value: one.drainSeconds },
              { name: "last protective write", value: one.lastProtectiveSeconds },
            ],
          })),
        },
      ],
      targets: storms.flatMap((one) => [
        atMost(`storm into ${one.writtenTo}: drained`, one.drainSeconds / one.boundSeconds, 1.05),
        atMost(
          `storm into ${one.writtenTo}: last protective write, of the whole`,
          one.lastProtectiveSeconds / one.drainSeconds,
          0.3,
        ),
        atMost(`storm into ${one.writtenTo}: answered 429`, one.throttled, 0, ""),
        atMost(`storm into ${one.writtenTo}: reps left behind`, one.left, 0, ""),
      ]),
      notes: [
        `What keeps it from the bound: the pace is ${TEAMS_PACE.perSecond}/s of 50 on Graph and ${DYNAMICS_PACE.perSecond}/s of 20 on Dataverse, because a window may also hold a burst; one request in twenty is a read while writes wait, for each write is made on a reading younger than a quarter of a second; and the polls go on, which for ${reps} reps are ${Math.ceil(reps / 650)} requests to Graph every 5 s. Nobody here had a call of ours within the hour: a withdrawal from Teams is two requests where a session of ours may lie (the column "requests of the writes" counts what they are).`,
        "A quarter of all writes protect, so that the last of them cannot come before a quarter of the time has gone.",
      ],
      figures: storms,
    } satisfies Result;
  },
};

async function blow(writtenTo: Side, reps: number, scope: Scope): Promise<Storm> {
  const clock = new VirtualTime();
  const [teams, dynamics] = [new EmulatedTeams(clock), new EmulatedDynamics(clock)];
  const random = dice(17);
  const people = Array.from({ length: reps }, (_, index) => person(`rep${index}`));
  const becomesBusy = new Set(people.filter(() => random() < PROTECTIVE_SHARE));
  for (const one of people) {
    teams.join(one.rep);
    dynamics.join(one.rep, becomesBusy.has(one) ? "Available" : "Busy");
    if (!becomesBusy.has(one)) teams.choose(one.rep, "Busy");
  }
  const folder = await mkdtemp(join(tmpdir(), "lockstep-bench-"));
  const engine = await openSqliteEngine({ path: join(folder, "storm.db") });
  const paces = { teams: new Pace(clock, TEAMS_PACE), dynamics: new Pace(clock, DYNAMICS_PACE) };
  const systems = {
    teams: limited(teams, GRAPH_LIMIT, clock),
    dynamics: limited(dynamics, DATAVERSE_LIMIT, clock),
  };
  const onSystemError = (): void => undefined;
  const onFault = (): void => scope.say("storm: a fault of the controller's own");
  const controller = new Controller({
    engine,
    policy: createPolicy(DEFAULT_MAPPINGS),
    clock,
    systems: [
      { connector: systems.teams.connector, pace: paces.teams },
      { connector: systems.dynamics.connector, pace: paces.dynamics },
    ],
    gatherMs: 4,
    confirmMs: 150,
    onSystemError,
    onFault,
  });
  const common = { controller, clock, pollMs: POLL_MS, onSystemError, onFault };
  const sweeps = [
    new Sweep({ ...common, connector: systems.teams.connector, pace: paces.teams }),
    new Sweep({ ...common, connector: systems.dynamics.connector, pace: paces.dynamics }),
  ];
  try {
    await controller.start();
    for (const identity of people) controller.adopt(identity);
    for (const sweep of sweeps) sweep.start();
    // Both windows are empty again when it begins.
    await clock.passUntil(() => false, DATAVERSE_LIMIT.windowMs + WITHIN_MS);
    const calm = teams.arrivals.length + dynamics.arrivals.length;
    if (calm > 0) throw new Error(`${calm} writes before anything had happened`);

    const system = writtenTo === "Teams" ? systems.teams : systems.dynamics;
    const before = { ...system.traffic };
    const target = writtenTo === "Teams" ? teams : dynamics;
    const source = writtenTo === "Teams" ? dynamics : teams;
    const change = (one: RepIdentity): void => {
      const isBusy = becomesBusy.has(one);
      if (source === dynamics) {
        dynamics.choose(one.rep, isBusy ? "Busy" : "Available");
        clock.after(HINT_MS, () => controller.hint(one.rep, DYNAMICS));
      } else teams.choose(one.rep, isBusy ? "Busy" : null);
    };
    const fromMs = clock.nowMs();
    for (const one of people) clock.after(random() * WITHIN_MS, () => change(one));
    const open = new Set(people);
    const isDone = (one: RepIdentity): boolean => {
      const wanted = becomesBusy.has(one) ? "Busy" : "Available";
      return teams.shows(one.rep) === wanted && dynamics.presence(one.rep) === wanted;
    };
    const byRep = new Map<string, RepIdentity>(people.map((one) => [one.rep, one]));
    let seen = 0;
    const drained = await clock.passUntil(() => {
      // Only who was written to can be done since: looking at everybody would take longer than the storm.
      for (; seen < target.arrivals.length; seen += 1) {
        const one = byRep.get(target.arrivals[seen]?.rep ?? "");
        if (one && isDone(one)) open.delete(one);
      }
      return open.size === 0;
    }, LATEST_MS);
    const lastOf = (isIncluded: (rep: string) => boolean): number =>
      target.arrivals.reduce(
        (last, { rep, atMs }) => (isIncluded(rep) ? Math.max(last, atMs) : last),
        fromMs,
      );
    const protectedReps = new Set<string>([...becomesBusy].map(({ rep }) => rep));
    const limit = writtenTo === "Teams" ? GRAPH_LIMIT : DATAVERSE_LIMIT;
    return {
      writtenTo,
      drainSeconds: drained ? (lastOf(() => true) - fromMs) / 1_000 : Number.NaN,
      boundSeconds: Math.max(WITHIN_MS, (reps * limit.windowMs) / limit.requests) / 1_000,
      requestsBoundSeconds:
        Math.max(
          WITHIN_MS,
          ((system.traffic.written - before.written) * limit.windowMs) / limit.requests,
        ) / 1_000,
      lastProtectiveSeconds: (lastOf((rep) => protectedReps.has(rep)) - fromMs) / 1_000,
      throttled: systems.teams.traffic.throttled + systems.dynamics.traffic.throttled,
      requests: system.traffic.requests - before.requests,
      left: open.size,
    };
  } finally {
    await Promise.all(sweeps.map((sweep) => sweep.stop()));
    const stopping = controller.stop();
    await clock.passUntil(() => false, WITHIN_MS);
    await stopping;
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
}
