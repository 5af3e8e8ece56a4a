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
import { DEFAULT_MAPPINGS } from "../../src/presence/mapping.ts";
import { person, POLICY } from "../controller/crew.ts";

/** Calls that left for Microsoft. */
type Calls = { readonly graph: number; readonly dataverse: number };

export type LargeOffice = {
  /** So far, those before anybody asked included. */
  calls(): Calls;
  /** Somebody who manages everybody says this in her own chat; resolves when the card is there. */
  ask(who: string, text: string): Promise<void>;
  close(): Promise<void>;
};

const QUEUES = 50;
const QUEUE_MEMBERS = 200;
/** Graph gives so many members a page. */
const PAGE = 999;
/** Of queues, memberships, workstreams, profiles, hours, statuses and conversations. */
const BOARD_CALLS = 12;

/** Queues of 200 reps each, whose figures cost so many calls as they do in Dataverse. */
function boardOf(people: readonly Person[], called: (calls: number) => void): Board {
  const nowMs = Date.now();
  const own = Array.from({ length: QUEUES }, (_, at): OwnAvailability => {
    const members = people.slice(at * QUEUE_MEMBERS, (at + 1) * QUEUE_MEMBERS);
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
 * The bot of so many reps, started as the service starts it, which reads ahead; in front of counters where Graph and
 * Dataverse would be. Whatever else an answer needs is in memory or in the store.
 */
export async function openLargeOffice(reps: number): Promise<LargeOffice> {
  const engine = await openSqliteEngine({ path: ":memory:" });
  const people: readonly Person[] = Array.from({ length: reps }, (_, at) => {
    const identity = person(`rep-${at}`);
    return { identity, name: `Rep ${at}`, email: `rep.${at}@contoso.example` };
  });
  const documents = new Map<RepId, RepDocument>(
    people.map(({ identity }) => {
      const rep = newRep(POLICY.systems.map(({ name }) => name));
      return [identity.rep, { identity, rep, generation: 1 }];
    }),
  );
  const calls = { graph: 0, dataverse: 0 };
  const counted = (
    system: keyof Calls,
    found: readonly string[],
    cost = 1,
  ): Promise<ReadonlySet<string>> => {
    calls[system] += cost;
    return Promise.resolve(new Set(found));
  };
  const after = (): (() => void) => () => {};
  const board = boardOf(people, (cost) => {
    calls.dataverse += cost;
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
    mappings: DEFAULT_MAPPINGS,
    groups: {
      memberOf: (_id, groups) => counted("graph", groups),
      members: () =>
        counted(
          "graph",
          people.map(({ identity }) => identity.teamsUserId),
          Math.ceil(reps / PAGE),
        ),
    },
    roles: { holders: () => counted("dataverse", []) },
    nextShift: () => null,
    queues,
    // As often as the service asks: once in half a minute for each rep.
    detail: async () => {
      calls.dataverse += 1;
      return null;
    },
    pausing: null,
    waitingFor: () => [],
    signedOut: () => [],
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
  let messages = 0;
  return {
    calls: () => ({ ...calls }),
    ask: async (who, text) => {
      messages += 1;
      const turn: Turn = {
        id: `message ${messages}`,
        place: "personal",
        conversationId: `chat ${who}`,
        objectId: `${who}@teams`,
        userId: `29:${who}`,
        name: who,
        locale: "en",
        offsetMinutes: 0,
        timeZone: null,
      };
      await desk.typed(turn, text);
    },
    close: async () => {
      access.stop();
      queues.stop();
      await engine.close();
    },
  };
}

/** What can be asked of an office whose reps are called "Rep 0" and so on, and its queues "Queue 0". */
export const COMMANDS = [
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
  "policy",
  "pause",
  "resume",
  "export",
  "erase",
  "digest at 8:00",
  "help",
] as const;
