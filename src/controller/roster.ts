import type { InboxEvent, RepDocument } from "../engine/engine.ts";
import { hasId, type RepId, type RepIdentity, type SystemName } from "../presence/identity.ts";
import { newRep, type Pause, type Rep } from "../reconcile/rep.ts";
import { mayAge } from "./news.ts";
import type { Departures } from "./reader.ts";
import { Restless } from "./restless.ts";
import { Sharing } from "./sharing.ts";
import { type Drive, Slot } from "./slot.ts";

/** Who is to be left alone, and on whose word. */
export type Pauses = { readonly all: Pause | null; readonly reps: ReadonlyMap<RepId, Pause> };

export type RosterOptions = Omit<Drive, "sharing" | "woke"> & {
  readonly systems: readonly SystemName[];
  readonly nowMs: () => number;
  readonly depart: Departures;
};

/** When somebody who is new is read: by a call for her, or together with everybody by the sweep that comes next. */
export type FirstLook = "now" | "by the next sweep";

/** On whose word a rep is left alone who is no rep any more. */
const DIRECTORY = "the directory";

/** Whether a stored rep is on her way out. */
export const isLeaving = ({ rep }: RepDocument): boolean => rep.paused?.by === DIRECTORY;

/**
 * The slots of all reps who are looked after: who comes, who is to be left alone, who leaves.
 *
 * Invariant: somebody who leaves keeps her slot, and her place in the store, until nothing of ours is left with
 * her; whoever shares an account with her waits for that.
 */
export class Roster {
  readonly #options: RosterOptions & Drive;
  readonly #sharing = new Sharing();
  readonly #restless: Restless;
  readonly #slots = new Map<RepId, Slot>();
  /** Those of them who are on their way out: few, and looked through for everybody who comes. */
  readonly #leavers = new Set<Slot>();
  /** Events of reps who are not known yet. */
  readonly #early = new Map<RepId, InboxEvent[]>();
  #pauses: Pauses = { all: null, reps: new Map() };
  /** Not to whoever came since: she may bring a pause along that is over. */
  #arePausesApplied = false;

  constructor(options: RosterOptions) {
    this.#restless = new Restless(options.systems);
    const woke = (rep: RepId): void => {
      this.#restless.add(rep, this.#slots.get(rep)?.tick ?? null);
    };
    this.#options = { ...options, sharing: this.#sharing, woke };
  }

  get(rep: RepId): Slot | undefined {
    return this.#slots.get(rep);
  }

  all(): readonly Slot[] {
    return [...this.#slots.values()];
  }

  /**
   * The tick of each of these with whom something may go on; of others, too. Of everybody else `tickAtRest` tells the one
   * that she has now, also when something has happened to her since.
   */
  ticks(identities: readonly RepIdentity[], system: SystemName): ReadonlyMap<RepId, number> {
    const ticks = new Map<RepId, number>();
    for (const rep of this.#restless.among(identities, system)) {
      ticks.set(rep, this.#slots.get(rep)?.tick ?? 0);
    }
    return ticks;
  }

  /** The tick that a rep had when she was last at rest, maybe until now; `null` of somebody who is new. */
  tickAtRest(rep: RepId, system: SystemName): number | null {
    const woke = this.#restless.tickOf(rep, system);
    return woke === undefined ? (this.#slots.get(rep)?.tick ?? null) : woke;
  }

  /** A sweep of that system found nothing new about her, as she is known, and will not while it shows the same and she has no turn. */
  settle(slot: Slot, known: Rep, system: SystemName): void {
    if (!slot.isSettled(system) || mayAge(known, system)) return;
    this.#restless.settle(slot.identity.rep, system);
  }

  leaver(id: string): RepIdentity | null {
    const identities = [...this.#leavers].map(({ identity }) => identity);
    return identities.find((identity) => hasId(identity, id)) ?? null;
  }

  /** Takes over a rep as she was stored. She has a turn unless nothing is to be done about her. */
  follow(document: RepDocument, isSettled: boolean): void {
    const { identity, rep } = document;
    const { leaving, pause } = this.#add({
      ...document,
      identity: this.#sharing.shareIds(identity),
    });
    if (isSettled && !leaving && pause?.by === rep.paused?.by) return;
    this.#options.nudge(identity.rep, "normal");
  }

  #add(document: RepDocument): Slot {
    const { rep } = document.identity;
    const { depart, nowMs } = this.#options;
    const slot = new Slot(document, this.#options, { atMs: nowMs(), departure: depart() });
    this.#slots.set(rep, slot);
    this.#arePausesApplied = false;
    this.#restless.add(rep, null);
    // She was leaving when we stopped; if she is a rep after all, the directory adopts her again.
    if (isLeaving(document)) this.#letLeave(slot);
    else slot.pause = this.#pauseOf(rep) ?? slot.pause;
    return slot;
  }

  adopt(identity: RepIdentity, look: FirstLook): void {
    const known = this.#slots.get(identity.rep);
    if (known && isSame(known.identity, identity)) {
      if (known.leaving) this.#letStay(known);
      return;
    }
    // With another account she is another rep, whether or not we were told that the one before has left.
    if (known) this.leave(identity.rep);
    const leaver = [...this.#leavers].find((slot) => shares(slot.identity, identity));
    if (leaver) {
      leaver.leaving?.successors.set(identity.rep, identity);
      return;
    }
    const { nudge, systems } = this.#options;
    const slot = this.#add({ identity, rep: newRep(systems), generation: 0 });
    if (look === "now") nudge(identity.rep, "normal");
    else for (const system of systems) slot.blind.add(system);
    const early = this.#early.get(identity.rep) ?? [];
    this.#early.delete(identity.rep);
    for (const event of early) this.submit(event);
  }

  /** Nor does she follow anybody any more. */
  leave(rep: RepId): void {
    for (const { leaving } of this.#leavers) leaving?.successors.delete(rep);
    const slot = this.#slots.get(rep);
    if (!slot || slot.leaving) return;
    this.#letLeave(slot);
    this.#apply(slot, { by: DIRECTORY, sinceMs: this.#options.nowMs() });
  }

  /** The end of somebody who was leaving. She may have become a rep again meanwhile: then she begins anew. */
  forget(slot: Slot): void {
    const { events, identity, leaving, turns } = slot;
    this.#slots.delete(identity.rep);
    this.#leavers.delete(slot);
    turns.close();
    this.#restless.delete(identity.rep);
    const successors = leaving ? leaving.successors.values() : [identity];
    for (const successor of successors) this.adopt(successor, "now");
    for (const event of events) if (this.#slots.has(event.rep)) this.submit(event);
  }

  /** Nothing is written any more: permissions that are held here, or still come, are for others who share the paces. */
  giveBack(): void {
    for (const slot of this.#slots.values()) if (!slot.isAtRest) slot.turns.close();
  }

  setPauses(pauses: Pauses): void {
    const isKnown = this.#arePausesApplied && saysSame(this.#pauses, pauses);
    this.#pauses = pauses;
    if (isKnown) return;
    this.#arePausesApplied = true;
    for (const [rep, slot] of this.#slots) {
      if (!slot.leaving) this.#apply(slot, this.#pauseOf(rep));
    }
  }

  submit(event: InboxEvent): void {
    const slot = this.#slots.get(event.rep);
    if (slot) {
      slot.events.push(event);
      this.#options.nudge(event.rep, "protective");
    } else {
      this.#early.set(event.rep, [...(this.#early.get(event.rep) ?? []), event]);
    }
  }

  #letLeave(slot: Slot): void {
    slot.leaving = { successors: new Map() };
    this.#leavers.add(slot);
  }

  #letStay(slot: Slot): void {
    slot.leaving = null;
    this.#leavers.delete(slot);
    this.#apply(slot, this.#pauseOf(slot.identity.rep));
  }

  #pauseOf(rep: RepId): Pause | null {
    return this.#pauses.all ?? this.#pauses.reps.get(rep) ?? null;
  }

  #apply(slot: Slot, pause: Pause | null): void {
    if (slot.pause?.by === pause?.by) return;
    slot.pause = pause;
    this.#options.nudge(slot.identity.rep, "protective");
  }
}

/** Asked every few seconds, of very many reps: there is hardly ever a pause, and still less a new one. */
function saysSame(a: Pauses, b: Pauses): boolean {
  if (a.all?.by !== b.all?.by || a.reps.size !== b.reps.size) return false;
  return [...b.reps].every(([rep, { by }]) => a.reps.get(rep)?.by === by);
}

function isSame(a: RepIdentity, b: RepIdentity): boolean {
  return a.rep === b.rep && a.teamsUserId === b.teamsUserId && a.systemUserId === b.systemUserId;
}

function shares(a: RepIdentity, b: RepIdentity): boolean {
  return a.rep === b.rep || a.teamsUserId === b.teamsUserId || a.systemUserId === b.systemUserId;
}
