import {
  aggregate,
  boundariesOf,
  isOver,
  type Pair,
  type Preferred,
  type Session,
} from "./aggregate.ts";

export type Shown = Pair & { readonly atMs: number; readonly sequenceNumber: string };

/** One user of the tenant with everything that decides her presence. */
export type Person = {
  readonly id: string;
  readonly userPrincipalName: string;
  readonly displayName: string;
  readonly accountEnabled: boolean;
  readonly sessions: Map<string, Session>;
  preferred: Preferred | null;
  statusMessage: StatusMessage | null;
  outOfOffice: { readonly isOutOfOffice: boolean; readonly message: string | null };
  /** What was shown and since when, newest last; never empty. */
  timeline: Shown[];
  settledAtMs: number;
  writes: number;
};

type StatusMessage = { readonly content: string; readonly expiresAtMs: number | null };

export type ChangeListener = (
  userId: string,
  availability: string,
  activity: string,
  sequenceNumber: string,
  atMs: number,
) => void;

export type NewPerson = {
  readonly id: string;
  readonly userPrincipalName: string;
  readonly displayName: string;
  readonly accountEnabled?: boolean;
};

export function shownNow(person: Person): Shown {
  return person.timeline.at(-1) as Shown;
}

/** What a reader sees whose view is behind: the newest state that is not younger than `atMs`. */
export function shownAt(person: Person, atMs: number): Shown {
  return person.timeline.findLast((shown) => shown.atMs <= atMs) ?? (person.timeline[0] as Shown);
}

/** Starts or renews a session; the map keeps the order in which sessions last spoke. */
export function putSession({ sessions }: Person, key: string, session: Session): void {
  sessions.delete(key);
  sessions.set(key, session);
}

function nextBoundaryOf({ sessions, preferred, settledAtMs }: Person): number {
  const sources = [...sessions.values(), ...(preferred ? [preferred] : [])];
  const ahead = sources.flatMap(boundariesOf).filter((boundary) => boundary > settledAtMs);
  return Math.min(...ahead);
}

// A stale read never looks further back than this many changes.
const TIMELINE_LENGTH = 256;

/**
 * The tenant's users and the only place that changes their presence. There are no timers: what expired
 * in the meantime is caught up with, moment by moment in order, when somebody looks or writes.
 */
export class People {
  readonly #byId = new Map<string, Person>();
  readonly #listeners: ChangeListener[] = [];
  // Presence versions sort as strings ("Graph: presence resource type: sequenceNumber").
  #sequence = 129_000_000;
  /** Nothing changes by itself before this moment, so that a request need not look at every user. */
  #nextBoundaryMs = Number.POSITIVE_INFINITY;

  add({ accountEnabled = true, ...user }: NewPerson, atMs: number): void {
    const id = user.id.toLowerCase();
    this.#byId.set(id, {
      ...user,
      id,
      accountEnabled,
      sessions: new Map(),
      preferred: null,
      statusMessage: null,
      outOfOffice: { isOutOfOffice: false, message: null },
      timeline: [{ ...aggregate([], null, atMs), atMs, sequenceNumber: this.#nextSequence() }],
      settledAtMs: atMs,
      writes: 0,
    });
  }

  remove(id: string): boolean {
    return this.#byId.delete(id.toLowerCase());
  }

  all(): IterableIterator<Person> {
    return this.#byId.values();
  }

  onChange(listener: ChangeListener): void {
    this.#listeners.push(listener);
  }

  /** Gives the user as she is at `nowMs`, or undefined when the tenant has no such user. */
  find(id: string, nowMs: number): Person | undefined {
    const person = this.#byId.get(id.toLowerCase());
    if (person) this.#settle(person, nowMs);
    return person;
  }

  /** Changes a user's sources at `atMs`, which must not lie before what was already settled. */
  change(person: Person, atMs: number, apply: (person: Person) => void): void {
    this.#settle(person, atMs);
    apply(person);
    this.#note(person, person.settledAtMs);
    this.#expect(person);
  }

  /** Catches up with everybody whose presence has changed by itself since the last call. */
  settleAll(nowMs: number): void {
    if (nowMs < this.#nextBoundaryMs) return;
    this.#nextBoundaryMs = Number.POSITIVE_INFINITY;
    for (const person of this.#byId.values()) {
      this.#settle(person, nowMs);
      this.#expect(person);
    }
  }

  #settle(person: Person, nowMs: number): void {
    for (;;) {
      const boundaryMs = nextBoundaryOf(person);
      if (boundaryMs > nowMs) break;
      person.settledAtMs = boundaryMs;
      this.#note(person, boundaryMs);
      this.#forgetWhatIsOver(person);
    }
    person.settledAtMs = Math.max(person.settledAtMs, nowMs);
  }

  #expect(person: Person): void {
    this.#nextBoundaryMs = Math.min(this.#nextBoundaryMs, nextBoundaryOf(person));
  }

  #forgetWhatIsOver(person: Person): void {
    const nowMs = person.settledAtMs;
    for (const [id, session] of person.sessions) {
      if (isOver(session, nowMs)) person.sessions.delete(id);
    }
    if (person.preferred && isOver(person.preferred, nowMs)) person.preferred = null;
  }

  #note(person: Person, atMs: number): void {
    const before = shownNow(person);
    const after = aggregate(person.sessions.values(), person.preferred, atMs);
    if (after.availability === before.availability && after.activity === before.activity) return;
    const sequenceNumber = this.#nextSequence();
    person.timeline.push({ ...after, atMs, sequenceNumber });
    if (person.timeline.length > TIMELINE_LENGTH) person.timeline.shift();
    for (const listener of this.#listeners) {
      listener(person.id, after.availability, after.activity, sequenceNumber, atMs);
    }
  }

  #nextSequence(): string {
    this.#sequence += 1;
    return `A${String(this.#sequence).padStart(10, "0")}`;
  }
}
