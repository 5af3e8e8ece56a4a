import type { Engine, RepDocument } from "../engine/engine.ts";
import type { Answer } from "../http/route.ts";
import type { RepId, RepIdentity } from "../presence/identity.ts";
import { type Commands, type Outcome, UNKNOWN_REP } from "./commands.ts";
import { entryOf } from "./feed/entry.ts";
import { followedKind } from "./feed/interest.ts";
import type { HoldDetails } from "./hold-details.ts";
import { covers, type Integration } from "./integrations/integration.ts";
import { fieldProblems } from "./mount.ts";
import type { Call, Handler } from "./operation.ts";
import type { OPERATIONS, OperationId } from "./operations.ts";
import { problem, problemBody } from "./problem.ts";
import { readable, type Unreadable, unknownQueue } from "./queue-handlers.ts";
import type { QueueReps } from "./queue-reps.ts";
import { type Command, command } from "./schemas.ts";
import type { Planner } from "./shifts/planner.ts";
import type { Policy } from "../reconcile/policy.ts";
import { viewOf } from "./view.ts";

export type World = {
  readonly policy: Policy;
  readonly commands: Commands;
  readonly planner: Planner;
  readonly details: HoldDetails;
  readonly history: Engine["history"];
  readonly identities: () => readonly RepIdentity[];
  readonly find: (id: string) => RepIdentity | null;
  readonly document: (rep: RepId) => RepDocument | null;
  readonly queueReps: QueueReps;
  readonly unreadable: Unreadable;
};

type RepOperation =
  | "listReps"
  | "readRep"
  | "readHistory"
  | "putHold"
  | "endHold"
  | "setStatus"
  | "releaseStatus"
  | "listShifts"
  | "putShift"
  | "endShift"
  | "bulk";

export type Handlers<Ids extends OperationId = OperationId> = {
  readonly [Id in Ids]: Handler<(typeof OPERATIONS)[Id]>;
};

const PAGE = 100;
/** So many entries are looked through for one page, so that a narrow filter cannot read the whole history at once. */
const LOOKED_THROUGH = 5_000;

/** What the operations on reps do. */
export function repHandlers(world: World): Handlers<RepOperation> {
  const { commands, planner, details, queueReps } = world;

  const seenBy = (integration: Integration, id: string): RepDocument | null => {
    const identity = world.find(id);
    return identity && covers(integration, identity) ? world.document(identity.rep) : null;
  };
  const view = (document: RepDocument, integration: Integration) =>
    viewOf(document, world.policy, integration, (hold) => details.get(hold));
  const carryOut = async (one: Command, { integration, eventId }: Call): Promise<Answer> =>
    answerTo(await commands.apply(one, { integration, eventId }));

  return {
    listReps: ({ query }, { integration }) =>
      readable(world.unreadable, async () => {
        const { limit = PAGE, after = "", ids, queue } = query;
        if (queue !== undefined) await queueReps.refresh();
        if (queue !== undefined && !queueReps.isSeenBy(queue, integration)) return unknownQueue();
        const all = ids ? ids.flatMap((id) => world.find(id) ?? []) : world.identities();
        const visible = [...new Map(all.map((identity) => [identity.rep, identity])).values()]
          .filter((identity) => covers(integration, identity) && identity.rep > after)
          .filter((identity) => queue === undefined || queueReps.has(queue, identity))
          .toSorted((a, b) => (a.rep < b.rep ? -1 : 1));
        const page = visible.slice(0, limit);
        const reps = page.flatMap(({ rep }) => {
          const document = world.document(rep);
          return document ? [view(document, integration)] : [];
        });
        const next = visible.length > page.length ? (page.at(-1)?.rep ?? null) : null;
        return { status: 200, json: { reps, next } };
      }),

    readRep: async ({ params }, { integration }) => {
      const document = seenBy(integration, params.rep);
      return document ? { status: 200, json: view(document, integration) } : unknownRep();
    },

    readHistory: async ({ query }, { integration }) => {
      const { after = 0, sinceMs, limit = PAGE, kinds } = query;
      const only = query.rep === undefined ? null : seenBy(integration, query.rep)?.identity.rep;
      if (only === undefined) return unknownRep();
      const wanted = new Set<string>(kinds ?? []);
      const found = [];
      let position = after;
      let more = true;
      for (let looked = 0; more && found.length < limit && looked < LOOKED_THROUGH;) {
        const narrowed = {
          ...(only === null ? {} : { rep: only }),
          ...(sinceMs ? { sinceMs } : {}),
        };
        const page = await world.history({ ...narrowed, after: position, limit: 1_000 });
        more = page.length === 1_000;
        for (const entry of page) {
          looked += 1;
          position = entry.position;
          const identity = world.find(entry.rep);
          if (!identity || !covers(integration, identity)) continue;
          if (wanted.size > 0 && !wanted.has(followedKind(entry))) continue;
          found.push(entryOf(entry));
          if (found.length === limit) {
            more = true;
            break;
          }
        }
      }
      return { status: 200, json: { entries: found, next: more ? position : null } };
    },

    putHold: ({ params, body }, call) => carryOut({ op: "putHold", ...params, ...body }, call),
    endHold: ({ params }, call) => carryOut({ op: "endHold", ...params }, call),
    setStatus: ({ params, body }, call) => carryOut({ op: "setStatus", ...params, ...body }, call),
    releaseStatus: ({ params }, call) => carryOut({ op: "releaseStatus", ...params }, call),
    putShift: ({ params, body }, call) => carryOut({ op: "putShift", ...params, ...body }, call),
    endShift: ({ params }, call) => carryOut({ op: "endShift", ...params }, call),

    listShifts: async ({ params }, { integration }) => {
      const document = seenBy(integration, params.rep);
      if (!document) return unknownRep();
      const planned = planner.of(integration.name, document.identity.rep);
      const shifts = planned.map(({ shift, fromMs, untilMs, status }) => ({
        shift,
        fromMs,
        untilMs,
        ...(status === null ? {} : { status }),
      }));
      return { status: 200, json: { shifts } };
    },

    bulk: async ({ body }, { integration, eventId }) => {
      // Items on one rep are carried out in their order; other reps do not wait for that.
      const turns = new Map<string, Promise<unknown>>();
      const results = body.items.map(async (item, index) => {
        const read = command.safeParse(item);
        if (!read.success) {
          const errors = fieldProblems(read.error, `#/items/${index}`);
          const detail = "Each error names a place and what is expected there.";
          return { index, ...problemBody("api-input-malformed", { detail, errors }) };
        }
        const by = { integration, eventId: `${eventId}#${index}` };
        const rep = read.data.rep.toLowerCase();
        const turn = (turns.get(rep) ?? Promise.resolve()).then(async () =>
          itemResult(index, await commands.apply(read.data, by)),
        );
        turns.set(rep, turn);
        return turn;
      });
      return { status: 200, json: { results: await Promise.all(results) } };
    },
  };
}

function itemResult(index: number, outcome: Outcome): Readonly<Record<string, unknown>> {
  if (outcome.ok) return { index, status: 202, result: outcome.result };
  return { index, ...problemBody(outcome.code, outcome) };
}

const unknownRep = (): Answer => problem(UNKNOWN_REP.code, UNKNOWN_REP);

function answerTo(outcome: Outcome): Answer {
  if (outcome.ok) {
    const { result, untilMs } = outcome;
    return { status: 202, json: { result, untilMs } };
  }
  const { code, detail } = outcome;
  const retry = code === "api-not-stored" ? { headers: { "retry-after": "5" } } : {};
  return problem(code, { detail, ...retry });
}
