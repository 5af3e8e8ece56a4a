import type { ContactCenter, Workstream } from "./contact-center.ts";
import { hasRoomFor, type PresenceEngine, type Rep } from "./engine.ts";
import type { PresenceStatus } from "./presence.ts";

/** Who could be given a conversation at this moment, by all that the contact center knows. */
export class Eligibility {
  readonly #engine: PresenceEngine;
  readonly #contactCenter: ContactCenter;
  readonly #presenceOf: (id: string) => PresenceStatus | undefined;

  constructor(
    engine: PresenceEngine,
    contactCenter: ContactCenter,
    presenceOf: (id: string) => PresenceStatus | undefined,
  ) {
    this.#engine = engine;
    this.#contactCenter = contactCenter;
    this.#presenceOf = presenceOf;
  }

  /** The members of the queue whom the workstream's conversations may go to now. */
  repsFor(queueId: string, workstream: Workstream): Rep[] {
    return this.#contactCenter
      .membersOf(queueId)
      .map((userId) => this.#engine.rep(userId))
      .filter((rep) => rep !== undefined)
      .filter((rep) => this.isAble(rep, workstream));
  }

  /** Logged in, with an allowed base presence and room for the conversation; and no machine. */
  isAble(rep: Rep, { allowedPresences, load }: Workstream): boolean {
    const base = this.#presenceOf(rep.presenceId)?.basePresence;
    return (
      rep.loggedIn &&
      base !== undefined &&
      allowedPresences.includes(base) &&
      hasRoomFor(rep, load) &&
      this.#contactCenter.isPerson(rep.userId)
    );
  }
}
