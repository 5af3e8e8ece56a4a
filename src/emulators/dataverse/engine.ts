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

/** One capacity profile of a rep: how many conversations of its kind she may have, and has. */
export type ProfileLoad = {
  readonly profileId: string;
  readonly maxUnits: number;
  readonly used: number;
  /** An exhausted blocking profile keeps all other work away too. */
  readonly blocking: boolean;
};

/** What a conversation takes of a rep's capacity: units, or one of a profile. */
export type Load = { readonly units: number; readonly profileId?: string };

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
  readonly profiles: readonly ProfileLoad[];
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
      profiles: [],
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

  acceptConversation(rep: Rep, load: Load): void {
    this.#work(rep, { sign: 1, ...load, event: ENGINE_EVENT.sessionAssigned });
  }

  closeConversation(rep: Rep, load: Load): void {
    this.#work(rep, { sign: -1, ...load, event: ENGINE_EVENT.sessionClosed });
  }

  /** Gives the rep a capacity profile, or another limit of one she has. */
  setProfile(rep: Rep, profile: Omit<ProfileLoad, "used">): void {
    const others = rep.profiles.filter(({ profileId }) => profileId !== profile.profileId);
    const used = rep.profiles.find(({ profileId }) => profileId === profile.profileId)?.used ?? 0;
    this.#reps.set(rep.userId, { ...rep, profiles: [...others, { ...profile, used }] });
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
  #work(rep: Rep, work: Load & { readonly sign: 1 | -1; readonly event: number }): void {
    const { sign, profileId } = work;
    const units = profileId === undefined ? work.units : 0;
    const busier: Rep = {
      ...rep,
      conversations: Math.max(0, rep.conversations + sign),
      usedUnits: Math.max(0, rep.usedUnits + sign * units),
      profiles: rep.profiles.map((profile) =>
        profile.profileId === profileId
          ? { ...profile, used: Math.max(0, profile.used + sign) }
          : profile,
      ),
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

/** All capacity used, or an eleventh session: Do not disturb. Some used: Busy. None: Available. */
function presenceByCapacity(rep: Rep): string {
  if (isExhausted(rep) || rep.conversations > SESSIONS_LIMIT) return PRESENCE_ID.doNotDisturb;
  const working = rep.usedUnits > 0 || rep.profiles.some(({ used }) => used > 0);
  return working ? PRESENCE_ID.busy : PRESENCE_ID.available;
}

/** With units and profiles both set up, both must be used up; of profiles a blocking one, or all. */
function isExhausted(rep: Rep): boolean {
  const unitsUsedUp = rep.usedUnits >= rep.capacityUnits;
  if (rep.profiles.length === 0) return unitsUsedUp;
  const profilesUsedUp =
    isBlocked(rep) || rep.profiles.every(({ used, maxUnits }) => used >= maxUnits);
  return profilesUsedUp && (rep.capacityUnits === 0 || unitsUsedUp);
}

/** `msdyn_isblockedbysomeprofile`: no work of any kind, because a blocking profile is used up. */
export function isBlocked({ profiles }: Rep): boolean {
  return profiles.some(({ blocking, used, maxUnits }) => blocking && used >= maxUnits);
}

/** Whether the rep has capacity left for one more conversation of this kind. */
export function hasRoomFor(rep: Rep, { units, profileId }: Load): boolean {
  if (isBlocked(rep)) return false;
  if (profileId === undefined) return rep.capacityUnits - rep.usedUnits >= units;
  const profile = rep.profiles.find((it) => it.profileId === profileId);
  return profile !== undefined && profile.used < profile.maxUnits;
}
