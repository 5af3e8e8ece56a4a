import { AsyncLocalStorage } from "node:async_hooks";
import type { Graph } from "../../src/connectors/teams/graph.ts";
import { lost, malformed, refusal } from "../../src/connectors/teams/graph-error.ts";
import type { Pair, SessionKind } from "../../src/emulators/graph/aggregate.ts";
import type { Write } from "../../src/emulators/graph/operation.ts";
import {
  People,
  type Person,
  putSession,
  shownAt,
  shownNow,
} from "../../src/emulators/graph/person.ts";
import { decideWrite } from "../../src/emulators/graph/presence-write.ts";
import type { Chance } from "./chance.ts";
import type { Odds } from "./climate.ts";
import type { Journal } from "./journal.ts";
import type { Caller, Failure, Line } from "./line.ts";
import type { Timeline } from "./timeline.ts";

export const CLIENT_ID = "99999999-0000-4000-8000-000000000001";
/** A replica is never further behind: less than the time in which Teams is trusted to settle. */
const STALEST_MS = 500;
const PREFERRED_MS = 86_400_000;

/** What one read said about a call of hers that shows, by the truth at the moment of the read. */
export type TeamsTruth = {
  readonly userId: string;
  readonly inCall: boolean;
  readonly ours: boolean;
  readonly sequence: string;
};

type Told = { readonly text: string; readonly truth: readonly TeamsTruth[] };

/** Graph's presence of a few users: the emulator's own people and rules, in virtual time, behind a bad line. */
export class SimulatedGraph {
  odds: Odds;
  readonly people = new People();
  readonly line: Line;
  onWrite: (userId: string, action: string) => void = () => {};
  readonly #told = new AsyncLocalStorage<TeamsTruth[]>();
  readonly #timeline: Timeline;
  readonly #chance: Chance;
  readonly #journal: Journal;
  readonly #versioned: boolean;

  constructor(
    world: {
      readonly timeline: Timeline;
      readonly chance: Chance;
      readonly journal: Journal;
      readonly odds: Odds;
    },
    line: Line,
    versioned: boolean,
  ) {
    this.#timeline = world.timeline;
    this.#chance = world.chance;
    this.#journal = world.journal;
    this.odds = world.odds;
    this.line = line;
    this.#versioned = versioned;
  }

  join(id: string): void {
    this.people.add({ id, userPrincipalName: id, displayName: id }, this.#timeline.nowMs);
    this.session(id, "client", { availability: "Available", activity: "Available" });
  }

  person(id: string): Person {
    const person = this.people.find(id, this.#timeline.nowMs);
    if (!person) throw new Error(`nobody is ${id}`);
    return person;
  }

  shows(id: string): Pair {
    return shownNow(this.person(id));
  }

  session(id: string, kind: SessionKind, pair: Pair | null): void {
    this.people.change(this.person(id), this.#timeline.nowMs, (person) => {
      if (pair === null) person.sessions.delete(kind);
      else {
        const setAtMs = this.#timeline.nowMs;
        putSession(person, kind, { kind, ...pair, setAtMs, expiresAtMs: null });
      }
    });
  }

  /** She picks a status; `null` resets it. */
  choose(id: string, availability: string | null): void {
    const expiresAtMs = this.#timeline.nowMs + PREFERRED_MS;
    this.people.change(this.person(id), this.#timeline.nowMs, (person) => {
      person.preferred =
        availability === null
          ? null
          : { availability, activity: availability, expiresAtMs, setBy: "human" };
    });
  }

  /** Whether anything of ours lies there, and has not run out. */
  hasOurs(id: string): boolean {
    const { sessions, preferred } = this.person(id);
    return sessions.has(`app:${CLIENT_ID}`) || preferred?.setBy === CLIENT_ID;
  }

  /** The lease of our session is over. */
  endSession(id: string): void {
    this.people.change(this.person(id), this.#timeline.nowMs, ({ sessions }) => {
      sessions.delete(`app:${CLIENT_ID}`);
    });
  }

  /** Everything of ours runs out at once. */
  letGo(id: string): void {
    this.endSession(id);
    this.people.change(this.person(id), this.#timeline.nowMs, (person) => {
      if (person.preferred?.setBy === CLIENT_ID) person.preferred = null;
    });
  }

  /** What a read comes to, and what its answers were read from: several may come back at the same moment. */
  async reading<Seen>(
    read: () => Promise<Seen>,
  ): Promise<{ readonly seen: Seen; readonly truth: readonly TeamsTruth[] }> {
    const truth: TeamsTruth[] = [];
    return { seen: await this.#told.run(truth, read), truth };
  }

  /** The way to Graph as one process has it. */
  transport(caller: Caller): Pick<Graph, "post"> {
    return {
      post: async ({ path, body, appRole }) => {
        const [, userId, action] = /^\/users\/([^/]+)\/presence\/(\w+)$/.exec(path) ?? [];
        const answer =
          userId === undefined
            ? await this.line.send(caller, false, () =>
                this.#presences((body as { ids: readonly string[] }).ids),
              )
            : await this.line.send(caller, true, () => this.#apply(userId, action as Write, body));
        if (answer.kind === "failed") {
          throw this.#errorOf(answer.failure, appRole, caller.clock.nowMs());
        }
        this.#told.getStore()?.push(...answer.value.truth);
        return answer.value.text;
      },
    };
  }

  #presences(ids: readonly string[]): Told {
    const truth: TeamsTruth[] = [];
    const value = ids.flatMap((id) => {
      const person = this.people.find(id, this.#timeline.nowMs);
      if (!person || this.#strikes("rep not mentioned")) return [];
      const isStale = this.#versioned && this.#strikes("stale read");
      const shown = isStale
        ? shownAt(person, this.#timeline.nowMs - this.#chance.between(1, STALEST_MS))
        : shownNow(person);
      const { availability, activity, sequenceNumber } = shown;
      if (this.#strikes("presence unknown")) {
        return [{ id, availability: "PresenceUnknown", activity: "PresenceUnknown" }];
      }
      const inCall = person.sessions.has("call") && activity === "InACall";
      const ours = person.sessions.has(`app:${CLIENT_ID}`);
      truth.push({ userId: id, inCall, ours, sequence: sequenceNumber });
      const version = this.#versioned ? { sequenceNumber } : {};
      return [{ id, availability, activity, ...version }];
    });
    return { text: JSON.stringify({ value }), truth };
  }

  #apply(userId: string, action: Write, body: unknown): Told | { readonly refused: number } {
    const person = this.people.find(userId, this.#timeline.nowMs);
    if (!person) return { refused: 404 };
    const decision = decideWrite(action, body, CLIENT_ID, person);
    if ("refused" in decision) return { refused: decision.refused.status };
    this.people.change(person, this.#timeline.nowMs, (changed) =>
      decision.apply(changed, this.#timeline.nowMs),
    );
    this.onWrite(userId, action);
    return { text: "", truth: [] };
  }

  #strikes(fault: "rep not mentioned" | "presence unknown" | "stale read"): boolean {
    const struck = this.#chance.happens(this.odds[fault] ?? 0);
    if (struck) this.#journal.fault(fault);
    return struck;
  }

  #errorOf(failure: Failure, appRole: string, nowMs: number): Error {
    if (failure.kind === "garbled") return malformed();
    if (failure.kind !== "status") return lost(brokenBy(failure), false);
    const { status, retryAfter } = failure;
    return refusal({ status, retryAfter, text: "", appRole, nowMs });
  }
}

/** As Node words it: whether a connection was made decides whether the request may have arrived. */
export function brokenBy({ kind }: Failure): Error {
  const code = kind === "never connected" ? "ECONNREFUSED" : "UND_ERR_HEADERS_TIMEOUT";
  return Object.assign(new Error(kind), { code });
}
