import type { RepId, SystemUserId, TeamsUserId } from "../presence/identity.ts";
import {
  type Choice,
  choiceRecord,
  type Decisions,
  decisionsOf,
  KIND,
  pinRecord,
  type Record,
  type Scope,
  scopeRecord,
} from "./decision.ts";
import { type EVERYBODY, type KeptPause, PAUSE_RECORD } from "./pauses.ts";

type PauseTerms = { readonly by: string; readonly untilMs: number | null };

/** What of an engine keeps decisions. */
export type Keeping = {
  keep(record: Record): Promise<void>;
  kept(kind: string): Promise<readonly Record[]>;
  forget(kind: string, id: string): Promise<boolean>;
};

/**
 * Who decides that somebody takes part writes it here; the directory follows at its next look, within a minute.
 * Everything is durable when its promise resolves. Rejects with the engine's error.
 */
export type DecisionBook = {
  read(): Promise<Decisions>;
  pin(user: SystemUserId, teamsUser: TeamsUserId): Promise<void>;
  unpin(user: SystemUserId): Promise<boolean>;
  choose(user: SystemUserId, choice: Omit<Choice, "atMs">): Promise<void>;
  /** Back to what the scope says. */
  unchoose(user: SystemUserId): Promise<boolean>;
  /**
   * Somebody, or everybody, rests from syncing: what we set is withdrawn. `by` is a role, never a name; `untilMs` is
   * null until somebody resumes.
   */
  pause(who: RepId | typeof EVERYBODY, pause: PauseTerms): Promise<void>;
  resume(who: RepId | typeof EVERYBODY): Promise<boolean>;
  setScope(scope: Scope): Promise<void>;
};

export function openDecisionBook(keeping: Keeping, nowMs: () => number): DecisionBook {
  return {
    async read() {
      const kinds = await Promise.all(Object.values(KIND).map((kind) => keeping.kept(kind)));
      return decisionsOf(kinds.flat(), nowMs());
    },
    pin: (user, teamsUser) => keeping.keep(pinRecord(user, teamsUser)),
    unpin: (user) => keeping.forget(KIND.pin, user),
    choose: (user, choice) => keeping.keep(choiceRecord(user, { ...choice, atMs: nowMs() })),
    unchoose: (user) => keeping.forget(KIND.choice, user),
    pause: (who, { by, untilMs }) => {
      const body: KeptPause = { by, sinceMs: nowMs() };
      return keeping.keep({ kind: PAUSE_RECORD, id: who, body, expiresAtMs: untilMs });
    },
    resume: (who) => keeping.forget(PAUSE_RECORD, who),
    setScope: (scope) => keeping.keep(scopeRecord(scope)),
  };
}
