import {
  type Connector,
  type Sighting,
  type Sightings,
  SystemError,
  type SystemErrorFields,
} from "../../src/connectors/connector.ts";
import type { Clock } from "../../src/controller/clock.ts";
import {
  DYNAMICS,
  type RepId,
  type RepIdentity,
  type SystemName,
  TEAMS,
} from "../../src/presence/identity.ts";
import { join, type Status } from "../../src/presence/status.ts";
import type { Write } from "../../src/reconcile/plan.ts";

/**
 * What may go wrong with one call. `silent`: nothing happened and no answer comes. `deaf`: it had its effect and
 * no answer comes. `lost` and `late` are the same with a time-out after ten seconds.
 */
export type Trouble =
  | { readonly kind: "throttled"; readonly retryAfterMs: number }
  | { readonly kind: "down" | "rejected" | "lost" | "late" | "silent" | "deaf" | "broken" };

/** A write that reached the system, whether or not it changed anything. */
type Arrival = {
  readonly rep: RepId;
  readonly shows: Status;
  readonly cause: string;
  readonly renewal: boolean;
  readonly atMs: number;
};

/** Whose row is another one than when somebody read it, or was told so. */
type Follower = { readonly touched: Set<RepId>; changed: Set<RepId> };

const TIMEOUT_MS = 10_000;

/**
 * A world that keeps its own truth about every rep, and shows it after half a round trip. What is in it is
 * what the tests look at.
 */
abstract class EmulatedSystem implements Connector {
  abstract readonly system: SystemName;
  readonly arrivals: Arrival[] = [];
  /** When each call left, reads and writes. */
  readonly departuresMs: number[] = [];
  readonly readTroubles: Trouble[] = [];
  readonly writeTroubles: Trouble[] = [];
  repsPerCall = Infinity;
  /** Calls that a write takes. */
  callsPerWrite = 1;
  /** Whether its rows carry versions. */
  versioned = true;
  latencyMs = 20;
  reads = 0;
  readonly #clock: Clock;
  /** Whether it says who has changed, to whoever follows it. */
  tells = true;
  /** Whom its followers have looked at. */
  readonly looked: RepId[] = [];
  readonly #versions = new Map<RepId, number>();
  readonly #followers: Follower[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  callsFor(): number {
    return this.callsPerWrite;
  }

  abstract look(rep: RepId): Omit<Sighting, "sequence"> | null;
  protected abstract change(rep: RepId, write: Write): void;

  /** The system as one process sees it that follows its changes. */
  followed(): Connector {
    const follower: Follower = { touched: new Set(), changed: new Set() };
    this.#followers.push(follower);
    const { system, looked } = this;
    const repsPerCall = (): number => this.repsPerCall;
    return {
      system,
      get repsPerCall() {
        return repsPerCall();
      },
      callsFor: () => this.callsFor(),
      write: (rep, write) => this.write(rep, write),
      read: async (reps) => {
        const seen = await this.#readFor(follower, reps);
        const get = (rep: RepId): Sighting | undefined => {
          looked.push(rep);
          return seen.get(rep);
        };
        return { get, size: seen.size, changed: () => (this.tells ? take(follower) : null) };
      },
    };
  }

  read(reps: readonly RepIdentity[]): Promise<Sightings> {
    return this.#readFor(null, reps);
  }

  async #readFor(follower: Follower | null, reps: readonly RepIdentity[]): Promise<Sightings> {
    this.reads += 1;
    this.departuresMs.push(this.#clock.nowMs());
    const { latencyMs } = this;
    await this.#wait(latencyMs / 2);
    await this.#fail(this.readTroubles.shift());
    const seen = new Map<RepId, Sighting>();
    for (const { rep } of reps) {
      const sighting = this.look(rep);
      const version = String(this.#versions.get(rep) ?? 0).padStart(8, "0");
      if (sighting) seen.set(rep, { ...sighting, sequence: this.versioned ? version : null });
    }
    for (const rep of follower?.touched ?? []) follower?.changed.add(rep);
    follower?.touched.clear();
    await this.#wait(latencyMs / 2);
    return seen;
  }

  async write({ rep }: RepIdentity, write: Write): Promise<void> {
    this.departuresMs.push(this.#clock.nowMs());
    await this.#wait(this.latencyMs / 2);
    const trouble = this.writeTroubles.shift();
    if (!trouble || trouble.kind === "late" || trouble.kind === "deaf") {
      this.arrivals.push({
        rep,
        shows: write.shows,
        cause: write.cause.kind,
        renewal: write.renewal,
        atMs: this.#clock.nowMs(),
      });
      this.change(rep, write);
      this.touch(rep);
    }
    await this.#fail(trouble);
    await this.#wait(this.latencyMs / 2);
  }

  /** Every change of a row is a new version of it. */
  protected touch(rep: RepId): void {
    for (const { touched } of this.#followers) touched.add(rep);
    this.#versions.set(rep, (this.#versions.get(rep) ?? 0) + 1);
  }

  async #fail(trouble: Trouble | undefined): Promise<void> {
    if (!trouble) return;
    const { system } = this;
    const common = { system, nextStep: "wait", surelyNotApplied: true } as const;
    const fields: Readonly<Record<Trouble["kind"], SystemErrorFields | null>> = {
      throttled: { ...common, code: "throttled", retry: "throttled" },
      down: { ...common, code: "down", retry: "unavailable" },
      rejected: { ...common, code: "rejected", retry: "rejected" },
      lost: { ...common, code: "timeout", retry: "unavailable", surelyNotApplied: false },
      late: { ...common, code: "timeout", retry: "unavailable", surelyNotApplied: false },
      silent: null,
      deaf: null,
      broken: null,
    };
    if (trouble.kind === "broken") throw new TypeError("a fault of the connector's own");
    const failure = fields[trouble.kind];
    if (!failure) await new Promise<never>(() => undefined);
    if (trouble.kind === "lost" || trouble.kind === "late") await this.#wait(TIMEOUT_MS);
    if (!failure) return;
    const retryAfterMs = trouble.kind === "throttled" ? trouble.retryAfterMs : undefined;
    throw new SystemError(retryAfterMs === undefined ? failure : { ...failure, retryAfterMs });
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(ms, resolve);
    });
  }
}

type TeamsPerson = {
  /** What her client reports by itself. */
  client: "Available" | "InACall" | "InAMeeting" | "Offline";
  preferred: Status | null;
  session: boolean;
};

function take(follower: Follower): ReadonlySet<RepId> {
  const { changed } = follower;
  follower.changed = new Set();
  return changed;
}

/** Teams as Graph documents it: one preferred slot over the strongest session; nothing at all is Offline. */
export class EmulatedTeams extends EmulatedSystem {
  readonly system = TEAMS;
  readonly #people = new Map<RepId, TeamsPerson>();

  join(rep: RepId): void {
    this.#people.set(rep, { client: "Available", preferred: null, session: false });
    this.touch(rep);
  }

  leave(rep: RepId): void {
    this.#people.delete(rep);
    this.touch(rep);
  }

  client(rep: RepId, client: TeamsPerson["client"]): void {
    this.#person(rep).client = client;
    this.touch(rep);
  }

  /** She chooses in the client; `null` resets her status. */
  choose(rep: RepId, status: Status | null): void {
    this.#person(rep).preferred = status;
    this.touch(rep);
  }

  shows(rep: RepId): Status | null {
    return this.look(rep)?.status ?? null;
  }

  /** What of ours or hers lies there. */
  person(rep: RepId): Readonly<TeamsPerson> {
    return this.#person(rep);
  }

  override look(rep: RepId): Omit<Sighting, "sequence"> | null {
    const person = this.#people.get(rep);
    if (!person) return null;
    const { client, preferred, session } = person;
    const bare = client === "Offline" ? null : client;
    if (!bare && !session) return { status: "Offline", automatic: null, native: "Offline" };
    if (preferred) return { status: preferred, automatic: null, native: preferred };
    const status = session ? join(bare ?? "InACall", "InACall") : (bare ?? "Available");
    const automatic = status === "InACall" ? "hold" : status === "InAMeeting" ? "soft" : null;
    return { status, automatic, native: status };
  }

  protected override change(rep: RepId, write: Write): void {
    const person = this.#person(rep);
    if (write.to === "preferred") person.preferred = write.shows;
    else if (write.from === "preferred" || write.lifts) person.preferred = null;
    if (write.to === "session") person.session = true;
    else if (write.from === "session") person.session = false;
    else if (write.to === "none" && write.session) person.session = false;
  }

  #person(rep: RepId): TeamsPerson {
    const person = this.#people.get(rep);
    if (!person) throw new Error(`nobody is ${rep}`);
    return person;
  }
}

/** The organization's presences: Microsoft's, and one of its own. */
const BASES: Readonly<Record<string, Status>> = {
  Available: "Available",
  Busy: "Busy",
  "Busy - DND": "DoNotDisturb",
  Away: "Away",
  Lunch: "Away",
  Offline: "Offline",
};
const BY_STATUS: Readonly<Partial<Record<Status, string>>> = {
  Available: "Available",
  Busy: "Busy",
  DoNotDisturb: "Busy - DND",
  Away: "Away",
  Offline: "Offline",
};

/** Dynamics: one row for each rep, with the presence chosen last; a write replaces it. */
export class EmulatedDynamics extends EmulatedSystem {
  readonly system = DYNAMICS;
  readonly #presences = new Map<RepId, string>();
  readonly #writers = new Map<RepId, string>();

  join(rep: RepId, presence = "Available"): void {
    this.#presences.set(rep, presence);
    this.touch(rep);
  }

  leave(rep: RepId): void {
    this.#presences.delete(rep);
    this.touch(rep);
  }

  /** She chooses; `by` says so if it is somebody else. */
  choose(rep: RepId, presence: string, by = "AGENT"): void {
    this.#presences.set(rep, presence);
    this.#writers.set(rep, by);
    this.touch(rep);
  }

  /** The presence by its own name: Lunch is not Away. */
  presence(rep: RepId): string | null {
    return this.#presences.get(rep) ?? null;
  }

  override look(rep: RepId): Omit<Sighting, "sequence"> | null {
    const presence = this.#presences.get(rep);
    if (presence === undefined) return null;
    const by = this.#writers.get(rep) ?? null;
    return { status: BASES[presence] ?? null, automatic: null, native: presence, by };
  }

  protected override change(rep: RepId, write: Write): void {
    this.#presences.set(rep, write.native ?? BY_STATUS[write.shows] ?? "Available");
  }
}
