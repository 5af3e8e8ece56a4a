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
  "who looked me up",
  "health",
  "help",
];

/**
 * `node test/bot/speed.ts`: how long each command takes with 10 000 reps, from the verified message to the card, and
 * how many calls to Entra it made. Everything else that it reads is in memory or in the store.
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
  const counted = (groups: readonly string[]): Promise<ReadonlySet<string>> => {
    calls += 1;
    return Promise.resolve(new Set(groups));
  };
  const port: BotPort = {
    nowMs: Date.now,
    after: () => () => {},
    random: Math.random,
    people: () => people,
    engine,
    document: (rep) => documents.get(rep) ?? null,
    lastReadAtMs: Date.now,
    submit: () => {},
    policy: POLICY,
    groups: {
      memberOf: (_id, groups) => counted(groups),
      members: () => counted(people.map(({ identity }) => identity.teamsUserId)),
    },
    queues: null,
    detail: null,
    pausing: null,
    waitingFor: () => [],
    signedOut: () => [],
  };
  const rules = { scopes: [{ managers: "managers", reps: null }], adminGroup: null };
  const access = new Access(rules, port.groups, port.nowMs);
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
  const desk = new Desk({ port, access, audit, sealer, own, watches, postings });

  console.log("command | p50 ms | p99 ms | calls to Entra");
  for (const text of COMMANDS) {
    const took: number[] = [];
    const before = calls;
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
      const startedMs = performance.now();
      await desk.typed(turn, text);
      took.push(performance.now() - startedMs);
    }
    took.sort((a, b) => a - b);
    const at = (share: number): string => (took[Math.floor(took.length * share)] ?? 0).toFixed(1);
    console.log(`${text} | ${at(0.5)} | ${at(0.99)} | ${calls - before} in ${TIMES}`);
  }
  await engine.close();
}

await speed();
