/**
 * Measures what the service is for: `node test/measure/routing.ts [chat|rush]`, a minute or two. One working day of 200
 * reps and 2 000 conversations, without the service, with it, and with it as a policy may have it. Time is virtual, so
 * that a poll of five seconds is five seconds of that day, and nothing of the computer it runs on is in the figures. The
 * controller, the connectors' translation, the routing engine and the rules of both systems are the real ones; what lies
 * between them takes 10 to 160 ms a call, rows follow the contact centre within a second, webhooks within 1.3 s.
 */
import { makePeople } from "../../src/emulators/people.ts";
import { readPolicyFile } from "../../src/policy.ts";
import { arrivalsOf, type Happening, happeningsOf } from "../scenarios/routing-plan.ts";
import type { Climate } from "../sim/climate.ts";
import { realDrive } from "../sim/drive.ts";
import { CLIENT_ID } from "../sim/graph.ts";
import { markOf } from "../sim/partner.ts";
import { World } from "../sim/world.ts";
import { routingIn } from "./routing-center.ts";

const MINUTE_MS = 60_000;
const DAY = { seed: 1, reps: 200, minutes: 480, minuteMs: MINUTE_MS };
/** Conversations of 30 of a rep's 100 units: she can have three at once, and in the rush she often has two. */
const KINDS = {
  chat: { conversations: 2_000, units: 30 },
  rush: { conversations: 12_000, units: 30 },
} as const;
/** Everything starts, signs in and is read once. */
const BEFORE_WORK_MS = MINUTE_MS;

/** A poll of Teams, a read, and the write to Dynamics. */
const SOON_MS = 10_000;

/** Busy is an allowed presence, so a call must show as something else (`doctor` says so). */
const CALLS = { InACall: "Busy - DND", InAMeeting: "Busy - DND" };
const VARIANTS = {
  without: null,
  with: { dynamics: { writes: CALLS } },
  "with, and a Busy by capacity hidden": { dynamics: { writes: CALLS, capacityBusy: "hidden" } },
} as const;

type Counts = Readonly<Record<string, number>>;

/** Who is in what, now. */
type Doing = { readonly kind: Happening["kind"]; readonly sinceMs: number };

function climateOf(policy: object | null): Climate {
  return {
    name: "a working day",
    reps: DAY.reps,
    instances: 1,
    odds: {},
    deedMs: 0,
    pollMs: 5_000,
    dynamicsPollMs: 10_000,
    restartMs: 1_000,
    swizzles: false,
    versioned: true,
    pace: { burst: 100, perSecond: 15 },
    rosterMoves: false,
    capacityUnits: 100,
    ...(policy ? { mappings: readPolicyFile(JSON.stringify(policy)) } : {}),
  };
}

async function live(
  policy: object | null,
  work: (typeof KINDS)[keyof typeof KINDS],
): Promise<Counts> {
  const world = new World(DAY.seed, climateOf(policy), await realDrive());
  const { timeline, people, graph } = world;
  world.dataverse.lagMs = 1_000;
  const plan = { ...DAY, ...work };
  const { units } = work;
  const everybody = makePeople(DAY.reps);
  const indexOf = new Map(everybody.users.map(({ systemUserId }, at) => [systemUserId, at]));
  const queues = everybody.queues.map((queue) => ({
    ...queue,
    members: queue.members.map((id) => people[indexOf.get(id) ?? 0]?.systemUserId ?? ""),
  }));
  const doing = new Map<string, Doing>();
  const isReallyBusy = (userId: string): boolean => doing.has(userId);
  const routing = routingIn(world, { queues, units, isReallyBusy });
  routing.habits = { ...routing.habits, backMinutes: 3 };
  if (policy) world.startProcess();

  const uncoveredMs = new Map<string, number>();
  const userOf = new Map(people.map((rep) => [String(rep.teamsUserId), rep.systemUserId]));
  graph.onWrite = (id, action) => {
    if (action === "clearUserPreferredPresence")
      uncoveredMs.set(userOf.get(id) ?? "", timeline.nowMs);
  };

  const startMs = timeline.nowMs + BEFORE_WORK_MS;
  const at = (minute: number, run: () => void): void => {
    timeline.after(startMs + minute * MINUTE_MS - timeline.nowMs, run);
  };
  for (const { inMinutes, ...arrival } of arrivalsOf(queues, plan)) {
    const more = { context: new Map<string, string>(), wrapUpMinutes: 0, patienceMinutes: null };
    at(inMinutes, () => routing.arrive({ ...arrival, ...more }));
  }
  for (const [index, happening] of happeningsOf(plan).entries()) {
    const { kind, atMinute, minutes } = happening;
    const rep = people[happening.rep];
    if (!rep) throw new Error(`nobody is number ${happening.rep}`);
    const tell = (event: Parameters<typeof world.partner.tell>[0]): void => {
      if (policy) world.partner.tell(event, () => undefined);
    };
    const who = rep.systemUserId;
    const hold = `call-${markOf(rep)}${index}`;
    const inTeams = {
      availability: "Busy",
      activity: kind === "Teams call" ? "InACall" : "InAMeeting",
    };
    const session = kind === "Teams call" ? "call" : "meeting";
    at(atMinute, () => {
      doing.set(who, { kind, sinceMs: timeline.nowMs });
      if (kind === "end of shift") tell({ source: "planner", type: "shift.ended", rep: who });
      else if (kind === "desk phone call")
        tell({ source: "phone", type: "hold.started", rep: who, hold, status: "InACall" });
      else graph.session(rep.teamsUserId, session, inTeams);
    });
    if (kind === "end of shift") continue;
    at(atMinute + minutes, () => {
      doing.delete(who);
      if (kind === "desk phone call") tell({ source: "phone", type: "hold.ended", rep: who, hold });
      else graph.session(rep.teamsUserId, session, null);
    });
  }

  const why = new Map<string, number>();
  let judged = 0;
  const endMs = startMs + DAY.minutes * MINUTE_MS;
  while (await timeline.step(endMs)) {
    for (; judged < routing.counts.whileBusy.length; judged += 1) {
      const { userId = "", atMs = 0 } = routing.counts.whileBusy[judged] ?? {};
      const cause = causeOf(world, userId, doing.get(userId), atMs, uncoveredMs.get(userId) ?? 0);
      why.set(cause, (why.get(cause) ?? 0) + 1);
    }
  }
  const { arrived, accepted, routedWhileBusy, averageWaitMs } = routing.counts.summary();
  const writes = [...world.checker.writes.values()].reduce((sum, count) => sum + count, 0);
  const averageWaitSeconds = Math.round(averageWaitMs / 1_000);
  const broken = world.checker.violation;
  if (broken) console.error(String(broken));
  return {
    arrived,
    accepted,
    averageWaitSeconds,
    writes,
    routedWhileBusy,
    ...Object.fromEntries(why),
  };
}

/** Why it was given to her although she could not take it, by what was true of both systems at that moment. */
function causeOf(
  world: World,
  userId: string,
  doing: Doing | undefined,
  atMs: number,
  uncoveredMs: number,
): string {
  if (world.processes.length === 0 || !doing) return "nobody told Dynamics";
  const rep = world.people.find(({ systemUserId }) => systemUserId === userId);
  const { preferred } = world.graph.person(rep?.teamsUserId ?? "");
  const inTeams = doing.kind === "Teams call" || doing.kind === "Teams meeting";
  const covered = inTeams && preferred?.setBy === CLIENT_ID;
  if (covered)
    return `a ${doing.kind} beneath ${preferred.availability} that we copied from Dynamics`;
  if (atMs - doing.sinceMs <= SOON_MS) return `a ${doing.kind} less than ten seconds old`;
  if (inTeams && atMs - uncoveredMs <= SOON_MS) {
    return `a ${doing.kind} that our status hid until ten seconds ago or less`;
  }
  return `another ${doing.kind}`;
}

const kind = process.argv[2] === "rush" ? "rush" : "chat";
for (const [name, policy] of Object.entries(VARIANTS)) {
  console.log(JSON.stringify({ kind, name, ...(await live(policy, KINDS[kind])) }));
}
