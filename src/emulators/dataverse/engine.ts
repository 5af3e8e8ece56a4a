import { BASE_PRESENCE, PRESENCE_ID, type PresenceStatus } from "./presence.ts";

/**
 * Who decides a rep's presence now. `capacity`: the engine. `untilWork`: she chose Available or Busy,
 * which lasts until she accepts or closes a conversation. `sticky`: anything else that was chosen,
 * which only another choice or signing out ends.
 */
export type Stance = "capacity" | "untilWork" | "sticky";

const ENGINE_EVENT = {
  newUser: 192350002,
  login: 192350003,
  reconnect: 192350004,
  logout: 192350005,
  setPresence: 192350006,
  missedNotification: 192350007,
  rejectedNotification: 192350008,
  sessionAssigned: 192350012,
  sessionClosed: 192350013,
} as const;

/** A rep as the assignment engine knows her, which is ahead of her `msdyn_agentstatus` row. */
export type Rep = {
  readonly userId: string;
  readonly presenceId: string;
  readonly stance: Stance;
  readonly loggedIn: boolean;
  readonly browserSessions: number;
  readonly loggedInAtMs: number;
  readonly capacityUnits: number;
  readonly usedUnits: number;
  readonly conversations: number;
  readonly defaultPresenceId?: string;
  /** What a disconnect interrupted. */
  readonly interrupted?: {
    readonly presenceId: string;
    readonly stance: Stance;
    readonly atMs: number;
  };
  readonly modifiedBy: "AGENT" | "SYSTEM";
  readonly modifiedByUserId: string | null;
  readonly presenceAtMs: number;
  readonly capacityAtMs: number;
  readonly event: number;
};

/** A disconnected rep who is back within this time has the presence she left with. */
const RESTORE_WINDOW_MS = 150_000;
const SESSIONS_LIMIT = 10;

type Choice = {
  readonly presenceId: string;
  readonly modifiedBy: "AGENT" | "SYSTEM";
  readonly modifiedByUserId: string | null;
};

/**
 * The rules by which Dynamics changes presence on its own (Microsoft: "Manage presence status",
 * "Presence FAQ", "Manage missed notifications"). Every command replaces the rep and reports the
 * change once; a command that changes nothing reports nothing.
 */
export class PresenceEngine {
  readonly #reps = new Map<string, Rep>();
  readonly #nowMs: () => number;
  readonly #presenceOf: (id: string) => PresenceStatus | undefined;
  readonly #changed: (rep: Rep) => void;

  constructor(options: {
    readonly nowMs: () => number;
    readonly presenceOf: (id: string) => PresenceStatus | undefined;
    readonly changed: (rep: Rep) => void;
  }) {
    this.#nowMs = options.nowMs;
    this.#presenceOf = options.presenceOf;
    this.#changed = options.changed;
  }

  rep(userId: string): Rep | undefined {
    return this.#reps.get(userId);
  }

  reps(): Iterable<Rep> {
    return this.#reps.values();
  }

  /** Makes the user known to routing: Offline, never signed in. Reports nothing. */
  provision(userId: string, options: { capacityUnits: number; defaultPresenceId?: string }): Rep {
    const nowMs = this.#nowMs();
    const rep: Rep = {
      userId,
      presenceId: PRESENCE_ID.offline,
      stance: "capacity",
      loggedIn: false,
      browserSessions: 0,
      loggedInAtMs: 0,
      usedUnits: 0,
      conversations: 0,
      ...options,
      modifiedBy: "SYSTEM",
      modifiedByUserId: null,
      presenceAtMs: nowMs,
      capacityAtMs: nowMs,
      event: ENGINE_EVENT.newUser,
    };
    this.#reps.set(userId, rep);
    return rep;
  }

  remove(userId: string): void {
    this.#reps.delete(userId);
  }

  login(rep: Rep): void {
    const browserSessions = rep.browserSessions + 1;
    if (rep.loggedIn) {
      this.#reps.set(rep.userId, { ...rep, browserSessions });
      return;
    }
    const nowMs = this.#nowMs();
    const { interrupted } = rep;
    const back = interrupted && nowMs - interrupted.atMs <= RESTORE_WINDOW_MS;
    const start = back ? interrupted : this.#signInPresence(rep);
    this.#settle(
      { ...rep, browserSessions, loggedIn: true, loggedInAtMs: nowMs, interrupted: undefined },
      { ...start, event: back ? ENGINE_EVENT.reconnect : ENGINE_EVENT.login },
    );
  }

  /** Tab closed or asleep, device off, network lost: Offline at once, with the presence kept for a while. */
  disconnect(rep: Rep): void {
    if (!rep.loggedIn) return;
    const { presenceId, stance } = rep;
    this.#leave({ ...rep, interrupted: { presenceId, stance, atMs: this.#nowMs() } });
  }

  /** Signing out is final: even a sticky choice is gone. */
  logout(rep: Rep): void {
    if (rep.loggedIn) this.#leave({ ...rep, interrupted: undefined });
  }

  /** A choice, made in the desktop or through the API. Choosing what is already shown is still a choice. */
  choose(rep: Rep, choice: Choice, reportRepeats: boolean): void {
    const base = this.#baseOf(choice.presenceId);
    const passing = base === BASE_PRESENCE.available || base === BASE_PRESENCE.busy;
    const stance = passing ? "untilWork" : "sticky";
    if (choice.presenceId === rep.presenceId && !reportRepeats) {
      this.#reps.set(rep.userId, { ...rep, stance });
      return;
    }
    this.#settle(rep, { ...choice, stance, event: ENGINE_EVENT.setPresence });
  }

  acceptConversation(rep: Rep, units: number): void {
    this.#work(rep, { conversations: 1, units, event: ENGINE_EVENT.sessionAssigned });
  }

  closeConversation(rep: Rep, units: number): void {
    this.#work(rep, { conversations: -1, units: -units, event: ENGINE_EVENT.sessionClosed });
  }

  missNotification(rep: Rep): void {
    this.#settle(rep, {
      presenceId: PRESENCE_ID.inactive,
      stance: "sticky",
      event: ENGINE_EVENT.missedNotification,
    });
  }

  rejectNotification(rep: Rep): void {
    this.#settle(rep, {
      presenceId: PRESENCE_ID.doNotDisturb,
      stance: "sticky",
      event: ENGINE_EVENT.rejectedNotification,
    });
  }

  #leave(rep: Rep): void {
    this.#settle(
      { ...rep, loggedIn: false, browserSessions: 0 },
      { presenceId: PRESENCE_ID.offline, stance: "capacity", event: ENGINE_EVENT.logout },
    );
  }

  /** Accepting or closing always rewrites the capacity columns, and the presence unless it is sticky. */
  #work(
    rep: Rep,
    work: { readonly conversations: number; readonly units: number; readonly event: number },
  ): void {
    const busier: Rep = {
      ...rep,
      conversations: Math.max(0, rep.conversations + work.conversations),
      usedUnits: Math.max(0, rep.usedUnits + work.units),
      capacityAtMs: this.#nowMs(),
      event: work.event,
    };
    if (!rep.loggedIn || rep.stance === "sticky") {
      this.#reps.set(rep.userId, busier);
      this.#changed(busier);
      return;
    }
    this.#settle(busier, {
      presenceId: presenceByCapacity(busier),
      stance: "capacity",
      event: work.event,
    });
  }

  #signInPresence(rep: Rep): { presenceId: string; stance: Stance } {
    const presenceId = rep.defaultPresenceId ?? PRESENCE_ID.available;
    const base = this.#baseOf(presenceId);
    const keeps = base !== BASE_PRESENCE.available && base !== BASE_PRESENCE.busy;
    if (keeps) return { presenceId, stance: "sticky" };
    if (rep.conversations === 0) return { presenceId, stance: "capacity" };
    return { presenceId: presenceByCapacity(rep), stance: "capacity" };
  }

  #settle(
    rep: Rep,
    to: Partial<Choice> & { presenceId: string; stance: Stance; event: number },
  ): void {
    const moved = rep.presenceId !== to.presenceId;
    const settled: Rep = {
      ...rep,
      presenceId: to.presenceId,
      stance: to.stance,
      event: to.event,
      ...(moved || to.modifiedBy
        ? {
            modifiedBy: to.modifiedBy ?? "SYSTEM",
            modifiedByUserId: to.modifiedByUserId ?? null,
            presenceAtMs: this.#nowMs(),
          }
        : {}),
    };
    this.#reps.set(rep.userId, settled);
    this.#changed(settled);
  }

  #baseOf(presenceId: string): number | undefined {
    return this.#presenceOf(presenceId)?.basePresence;
  }
}

/** All units used, or an eleventh session: Do not disturb. Some used: Busy. None: Available. */
function presenceByCapacity(rep: Rep): string {
  if (rep.usedUnits >= rep.capacityUnits || rep.conversations > SESSIONS_LIMIT) {
    return PRESENCE_ID.doNotDisturb;
  }
  return rep.usedUnits > 0 ? PRESENCE_ID.busy : PRESENCE_ID.available;
}
