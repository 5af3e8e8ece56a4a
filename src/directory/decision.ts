import { z } from "zod";
import {
  type SystemUserId,
  systemUserId,
  type TeamsUserId,
  teamsUserId,
} from "../presence/identity.ts";

/** What people have decided about who takes part, kept in the engine's small records, one kind each. */
export const KIND = {
  /** Which Teams account a Dynamics user has; id: the Dynamics user. */
  pin: "directory-pin",
  /** That somebody is in or out, whatever the scope says; id: the Dynamics user. */
  choice: "directory-choice",
  /** Whose members take part; one record. */
  scope: "directory-scope",
} as const;

export type Choice = {
  readonly sync: "in" | "out";
  /** Why, for whoever asks later. */
  readonly reason: string;
  readonly atMs: number;
};

export type Scope = {
  /** Dataverse ids of teams and queues, lower-case: their members take part. */
  readonly teams: readonly string[];
  readonly queues: readonly string[];
  /** True: without a team or a queue only those who opted in take part; false: everybody. */
  readonly listedOnly: boolean;
};

export type Decisions = {
  readonly pins: ReadonlyMap<SystemUserId, TeamsUserId>;
  readonly choices: ReadonlyMap<SystemUserId, Choice>;
  readonly scope: Scope;
};

export const EVERYBODY: Scope = { teams: [], queues: [], listedOnly: false };

/** A record as the engine keeps it. */
export type Record = {
  readonly kind: string;
  readonly id: string;
  readonly body: unknown;
  readonly expiresAtMs: number | null;
};

const guid = z.guid().transform((text) => text.toLowerCase());
const pin = z.object({ teamsUser: guid });
const choice = z.object({ sync: z.enum(["in", "out"]), reason: z.string(), atMs: z.number() });
const scope = z.object({
  teams: z.array(guid),
  queues: z.array(guid),
  listedOnly: z.boolean().default(false),
});

const SCOPE_ID = "scope";

export const pinRecord = (user: SystemUserId, teamsUser: TeamsUserId): Record => ({
  kind: KIND.pin,
  id: user,
  body: { teamsUser },
  expiresAtMs: null,
});

export const choiceRecord = (user: SystemUserId, body: Choice): Record => ({
  kind: KIND.choice,
  id: user,
  body,
  expiresAtMs: null,
});

export const scopeRecord = (body: Scope): Record => ({
  kind: KIND.scope,
  id: SCOPE_ID,
  body,
  expiresAtMs: null,
});

/** Reads what was kept. A record of a form that this release does not know is as good as none. Pure. */
export function decisionsOf(records: readonly Record[], nowMs: number): Decisions {
  const pins = new Map<SystemUserId, TeamsUserId>();
  const choices = new Map<SystemUserId, Choice>();
  let kept: Scope = EVERYBODY;
  for (const { kind, id, body, expiresAtMs } of records) {
    if (expiresAtMs !== null && expiresAtMs <= nowMs) continue;
    const user = systemUserId(id);
    if (kind === KIND.pin) {
      const parsed = pin.safeParse(body);
      if (parsed.success) pins.set(user, teamsUserId(parsed.data.teamsUser));
    } else if (kind === KIND.choice) {
      const parsed = choice.safeParse(body);
      if (parsed.success) choices.set(user, parsed.data);
    } else if (kind === KIND.scope) {
      kept = scope.safeParse(body).data ?? kept;
    }
  }
  return { pins, choices, scope: kept };
}
