import type { InboxEvent, RepDocument } from "../engine/engine.ts";
import { hasId, type RepId, type RepIdentity, type SystemName } from "../presence/identity.ts";
import { newRep, type Pause } from "../reconcile/rep.ts";
import { type Drive, Slot } from "./slot.ts";

/** Who is to be left alone, and on whose word. */
export type Pauses = { readonly all: Pause | null; readonly reps: ReadonlyMap<RepId, Pause> };

export type RosterOptions = Drive & {
  readonly systems: readonly SystemName[];
  readonly nowMs: () => number;
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
  readonly #options: RosterOptions;
  readonly #slots = new Map<RepId, Slot>();
  /** Those of them who are on their way out: few, and looked through for everybody who comes. */
  readonly #leavers = new Set<Slot>();
  /** Events of reps who are not known yet. */
  readonly #early = new Map<RepId, InboxEvent[]>();
  #pauses: Pauses = { all: null, reps: new Map() };

  constructor(options: RosterOptions) {
    this.#options = options;
  }

  get(rep: RepId): Slot | undefined {
    return this.#slots.get(rep);
  }

  all(): readonly Slot[] {
    return [...this.#slots.values()];
  }

  leaver(id: string): RepIdentity | null {
    const identities = [...this.#leavers].map(({ document }) => document.identity);
    return identities.find((identity) => hasId(identity, id)) ?? null;
  }

  /** Takes over a rep as she was stored. */
  follow(document: RepDocument): void {
    this.#add(document);
    this.#options.nudge(document.identity.rep, "normal");
  }

  #add(document: RepDocument): Slot {
    const { rep } = document.identity;
    const { nowMs } = this.#options;
    const slot = new Slot(document, this.#options, nowMs());
    this.#slots.set(rep, slot);
    // She was leaving when we stopped; if she is a rep after all, the directory adopts her again.
    if (isLeaving(document)) this.#letLeave(slot);
    else slot.pause = this.#pauseOf(rep) ?? slot.pause;
    return slot;
  }

  adopt(identity: RepIdentity, look: FirstLook): void {
    const known = this.#slots.get(identity.rep);
    if (known?.leaving && isSame(known.document.identity, identity)) {
      known.leaving = null;
      this.#leavers.delete(known);
      this.#apply(known, this.#pauseOf(identity.rep));
      return;
    }
    const leaver = [...this.#leavers].find(({ document }) => shares(document.identity, identity));
    if (leaver?.leaving) leaver.leaving.successors.push(identity);
    if (leaver || known) return;
    const { nudge, systems } = this.#options;
    const slot = this.#add({ identity, rep: newRep(systems), generation: 0 });
    if (look === "now") nudge(identity.rep, "normal");
    else for (const system of systems) slot.blind.add(system);
    const early = this.#early.get(identity.rep) ?? [];
    this.#early.delete(identity.rep);
    for (const event of early) this.submit(event);
  }

  leave(rep: RepId): void {
    const slot = this.#slots.get(rep);
    if (!slot || slot.leaving) return;
    this.#letLeave(slot);
    this.#apply(slot, { by: DIRECTORY, sinceMs: this.#options.nowMs() });
  }

  /** The end of somebody who was leaving. */
  forget(slot: Slot): void {
    const { document, leaving, turns } = slot;
    this.#slots.delete(document.identity.rep);
    this.#leavers.delete(slot);
    turns.close();
    for (const successor of leaving?.successors ?? []) this.adopt(successor, "now");
  }

  /** Nothing is written any more: permissions that are held here, or still come, are for others who share the paces. */
  giveBack(): void {
    for (const slot of this.#slots.values()) if (!slot.isAtRest) slot.turns.close();
  }

  setPauses(pauses: Pauses): void {
    this.#pauses = pauses;
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
    slot.leaving = { successors: [] };
    this.#leavers.add(slot);
  }

  #pauseOf(rep: RepId): Pause | null {
    return this.#pauses.all ?? this.#pauses.reps.get(rep) ?? null;
  }

  #apply(slot: Slot, pause: Pause | null): void {
    if (slot.pause?.by === pause?.by) return;
    slot.pause = pause;
    this.#options.nudge(slot.document.identity.rep, "protective");
  }
}

function isSame(a: RepIdentity, b: RepIdentity): boolean {
  return a.rep === b.rep && a.teamsUserId === b.teamsUserId && a.systemUserId === b.systemUserId;
}

function shares(a: RepIdentity, b: RepIdentity): boolean {
  return a.rep === b.rep || a.teamsUserId === b.teamsUserId || a.systemUserId === b.systemUserId;
}
