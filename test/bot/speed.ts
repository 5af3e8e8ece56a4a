import type { Board, OwnAvailability } from "../../src/availability/board.ts";
import { Access } from "../../src/bot/access.ts";
import { Audit } from "../../src/bot/audit.ts";
import { Conversations } from "../../src/bot/conversations.ts";
import { Desk } from "../../src/bot/desk.ts";
import { Outbox } from "../../src/bot/outbox.ts";
import { Own } from "../../src/bot/own.ts";
import type { BotPort, Person } from "../../src/bot/port.ts";
import { Postings } from "../../src/bot/postings.ts";
import { Sealer } from "../../src/bot/seal.ts";
import type { Turn } from "../../src/bot/turn.ts";
import { Watches } from "../../src/bot/watches.ts";
import type { RepDocument } from "../../src/engine/engine.ts";
import { openSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import type { RepId } from "../../src/presence/identity.ts";
import { createQueueDesk } from "../../src/queue-desk.ts";
import { newRep } from "../../src/reconcile/rep.ts";
import { person, POLICY } from "../controller/crew.ts";

const REPS = 10_000;
const TIMES = 200;
const COMMANDS = [
  "me",
  "status Rep 4711",
  "why Rep 4711",
  "history Rep 4711",
  "who is available",
  "team",
  "set Rep 4711 busy because of training",
  "release Rep 4711",
  "notify me when Rep 4711 is available",
  "queues",
  "queue Queue 7",
  "who is available in Queue 7",
  "who looked me up",
  "health",
  "help",
];

const QUEUES = 50;
/** Graph gives 999 members a page. */
const MEMBERS_CALLS = Math.ceil(REPS / 999);
/** Of queues, memberships, workstreams, profiles, hours, statuses and conversations. */
const BOARD_CALLS = 12;

/** Queues of 200 reps each, whose figures cost so many calls as they do in Dataverse. */
function boardOf(people: readonly Person[], called: (calls: number) => void): Board {
  const nowMs = Date.now();
  const own = Array.from({ length: QUEUES }, (_, at): OwnAvailability => {
    const members = people.slice(at * 200, at * 200 + 200);
    return {
      queue: { id: `queue-${at}`, name: `Queue ${at}` },
      members: members.map(({ identity }) => identity.systemUserId),
      question: { workstreamId: `workstream-${at}` },
      own: {
        isOpen: true,
        changesAtMs: nowMs + 3_600_000,
        repsAvailable: 30,
        members: members.length,
        unavailable: {},
        waiting: 2,
        averageWaitSeconds: 45,
        longestWaitSeconds: 60,
      },
      ownAsOfMs: { setup: nowMs, reps: nowMs, conversations: nowMs },
    };
  });
  return {
    queues: () => Promise.resolve([]),
    availability: () => Promise.resolve(null),
    own: () => {
      called(BOARD_CALLS);
      return Promise.resolve(own);
    },
    center: () => {
      called(1);
      return Promise.resolve({ center: null, centerProblem: null });
    },
  };
}

/**
 * `node test/bot/speed.ts`: how long each command takes a manager of a group of 10 000 reps, from the verified message
 * to the card, and how many calls to Graph or Dataverse an answer makes: at most, and in all. It starts as the service
 * does, which reads ahead; whatever else an answer needs is in memory or in the store.
 */
async function speed(): Promise<void> {
  const engine = await openSqliteEngine({ path: ":memory:" });
  const people: readonly Person[] = Array.from({ length: REPS }, (_, at) => {
    const identity = person(`rep-${at}`);
    return { identity, name: `Rep ${at}`, email: `rep.${at}@contoso.example` };
  });
  const documents = new Map<RepId, RepDocument>(
    people.map(({ identity }) => {
      const rep = newRep(POLICY.systems.map(({ name }) => name));
      return [identity.rep, { identity, rep, generation: 1 }];
    }),
  );
  let calls = 0;
  const counted = (found: readonly string[], cost = 1): Promise<ReadonlySet<string>> => {
    calls += cost;
    return Promise.resolve(new Set(found));
  };
  const after = (): (() => void) => () => {};
  const board = boardOf(people, (cost) => {
    calls += cost;
  });
  const queues = createQueueDesk(board, { nowMs: Date.now, after });
  const port: BotPort = {
    nowMs: Date.now,
    after,
    random: Math.random,
    people: () => people,
    engine,
    document: (rep) => documents.get(rep) ?? null,
    lastReadAtMs: Date.now,
    submit: () => {},
    policy: POLICY,
    groups: {
      memberOf: (_id, groups) => counted(groups),
      members: () =>
        counted(
          people.map(({ identity }) => identity.teamsUserId),
          MEMBERS_CALLS,
        ),
    },
    roles: { holders: () => counted([]) },
    nextShift: () => null,
    queues,
    pausing: null,
    waitingFor: () => [],
  };
  const rules = {
    scopes: [{ managers: "managers", reps: "reps" }],
    roleScopes: [{ role: "Omnichannel Supervisor", reps: null }],
    adminGroup: null,
  };
  const access = new Access(rules, port);
  const audit = new Audit(port);
  const sealer = new Sealer(Buffer.alloc(32, 7), port.nowMs);
  const conversations = new Conversations(port);
  const outbox = new Outbox(
    { send: () => Promise.resolve(""), update: () => Promise.resolve() },
    port,
  );
  const watches = new Watches(port, conversations, outbox, () => Promise.resolve(true));
  const postings = new Postings({ port, access, conversations, outbox, sealer });
  const own = new Own(port, audit, conversations, watches);
  const desk = new Desk({
    port,
    access,
    audit,
    sealer,
    own,
    watches,
    postings,
    consoleUrl: null,
  });

  access.start();
  queues.start();
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  console.log(`read ahead, before anybody asks: ${calls} calls`);
  console.log("| command | p50 ms | p99 ms | calls of an answer, at most | calls of all answers |");
  for (const text of COMMANDS) {
    const took: number[] = [];
    const before = calls;
    let most = 0;
    for (let time = 0; time < TIMES; time += 1) {
      const turn: Turn = {
        id: `${text} ${time}`,
        place: "personal",
        conversationId: "chat",
        objectId: "rep-1@teams",
        userId: "29:1",
        name: "Rep 1",
        locale: "en",
        offsetMinutes: 0,
      };
      const called = calls;
      const startedMs = performance.now();
      await desk.typed(turn, text);
      took.push(performance.now() - startedMs);
      most = Math.max(most, calls - called);
    }
    took.sort((a, b) => a - b);
    const at = (share: number): string => (took[Math.floor(took.length * share)] ?? 0).toFixed(1);
    const made = `${most} | ${calls - before} in ${TIMES}`;
    console.log(`| ${text} | ${at(0.5)} | ${at(0.99)} | ${made} |`);
  }
  await engine.close();
}

await speed();
