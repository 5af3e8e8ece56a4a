import { randomUUID } from "node:crypto";
import type { Clock } from "./clock.ts";
import type { ContactCenter, Workstream } from "./contact-center.ts";
import { queueFor } from "./contact-center.ts";
import type { Conversation, Conversations } from "./conversations.ts";
import type { Eligibility } from "./eligibility.ts";
import type { PresenceEngine, Rep } from "./engine.ts";
import { doesNotExist } from "./error.ts";
import { hoursOf, type Opening, openingAt } from "./hours.ts";
import { PRESENCE_ID } from "./presence.ts";
import { RoutingCounts } from "./routing-counts.ts";
import type { Settings } from "./settings.ts";
import type { Tables } from "./tables.ts";

/** What the people do; none of it is Dynamics' doing. Minutes are as long as `minuteMs`. */
export type Habits = {
  readonly minuteMs: number;
  /** A rep who can takes a conversation this long after it rings. */
  readonly acceptMinutes: number;
  /** How long it rings for one who does not ("Manage missed notifications": set per notification). */
  readonly noticeMinutes: number;
  /** A rep who missed a conversation is not given the same one again for so long. */
  readonly againMinutes: number;
  /** A rep set Inactive is back at her desk after this, unless she is busy elsewhere; null is never. */
  readonly backMinutes: number | null;
};

export const USUAL_HABITS: Habits = {
  minuteMs: 60_000,
  acceptMinutes: 0.1,
  noticeMinutes: 0.5,
  againMinutes: 5,
  backMinutes: null,
};

export type Arrival = {
  readonly queueId?: string;
  readonly workstreamId?: string;
  readonly context: ReadonlyMap<string, string>;
  readonly minutes: number;
  readonly wrapUpMinutes: number;
  /** The customer gives up waiting after this; null is never. */
  readonly patienceMinutes: number | null;
};

/**
 * A small unified routing engine. It gives the oldest waiting conversation to the member of its queue
 * who has been idle longest, of those who are logged in, show an allowed presence and have room, while
 * the queue is open (Microsoft: "Assignment methods", least active; "Manage workstreams"). It knows
 * presence and capacity, and nothing of Teams: so it also rings for a rep who is in a call there,
 * which is counted. Nothing happens by itself but through the organisation's clock.
 */
export class Routing {
  habits: Habits = USUAL_HABITS;
  counts = new RoutingCounts();
  readonly #clock: Clock;
  readonly #engine: PresenceEngine;
  readonly #contactCenter: ContactCenter;
  readonly #conversations: Conversations;
  readonly #eligibility: Eligibility;
  readonly #settings: Settings;
  readonly #tables: Tables;
  readonly #isReallyBusy: (userId: string) => boolean;
  readonly #dirty = new Set<string>();
  readonly #idleSince = new Map<string, number>();
  /** Reps for whom a conversation rings. */
  readonly #ringing = new Set<string>();
  readonly #notAgainUntil = new Map<string, number>();
  readonly #openings = new Map<string, { readonly revision: number; readonly opening: Opening }>();
  #running = false;

  constructor(options: {
    readonly clock: Clock;
    readonly engine: PresenceEngine;
    readonly contactCenter: ContactCenter;
    readonly conversations: Conversations;
    readonly eligibility: Eligibility;
    readonly settings: Settings;
    readonly tables: Tables;
    readonly isReallyBusy: (userId: string) => boolean;
  }) {
    this.#clock = options.clock;
    this.#engine = options.engine;
    this.#contactCenter = options.contactCenter;
    this.#conversations = options.conversations;
    this.#eligibility = options.eligibility;
    this.#settings = options.settings;
    this.#tables = options.tables;
    this.#isReallyBusy = options.isReallyBusy;
  }

  /** The workstream through which it comes in; 404 when there is none. */
  workstreamOf({
    queueId = "",
    workstreamId,
  }: Pick<Arrival, "queueId" | "workstreamId">): Workstream {
    const workstream =
      workstreamId === undefined
        ? this.#contactCenter.workstreamInto(queueId)
        : this.#contactCenter.workstream(workstreamId);
    if (!workstream) throw doesNotExist("msdyn_liveworkstream", workstreamId ?? `into ${queueId}`);
    return workstream;
  }

  /** A customer begins a conversation, which waits in the queue that the workstream's rules say. */
  arrive(arrival: Arrival): Conversation {
    const { context, patienceMinutes } = arrival;
    const workstream = this.workstreamOf(arrival);
    const conversation: Conversation = {
      id: randomUUID(),
      workstreamId: workstream.id,
      queueId: queueFor(workstream, context),
      context,
      state: "waiting",
      arrivedAtMs: this.#clock.nowMs(),
      agentId: null,
      assignedAtMs: null,
      acceptedAtMs: null,
      wrapUpAtMs: null,
      closedAtMs: null,
      handleMs: arrival.minutes * this.habits.minuteMs,
      wrapUpMs: arrival.wrapUpMinutes * this.habits.minuteMs,
    };
    this.counts.arrived += 1;
    this.#conversations.put(conversation);
    if (patienceMinutes !== null) {
      this.#clock.after(patienceMinutes * this.habits.minuteMs, () => {
        this.#abandon(conversation.id);
      });
    }
    this.#reconsider([conversation.queueId]);
    return conversation;
  }

  /** Something about a rep has changed: her queues may have somebody now. */
  repChanged(userId: string): void {
    this.#reconsider(this.#contactCenter.queuesOf(userId));
  }

  /** The administrator has changed something. */
  reconsiderAll(): void {
    const waiting = this.#conversations.all().filter(({ state }) => state === "waiting");
    this.#reconsider(waiting.map(({ queueId }) => queueId));
  }

  /** Starts the count, and the day, anew: no conversation, nobody ringing, every capacity free. */
  reset(): void {
    const all = this.#conversations.all();
    this.#conversations.forgetAll();
    for (const { state, agentId, workstreamId } of all) {
      const rep = agentId === null ? undefined : this.#engine.rep(agentId);
      const load = this.#contactCenter.workstream(workstreamId)?.load;
      const working = state === "active" || state === "wrapUp";
      if (working && rep && load) this.#engine.closeConversation(rep, load);
    }
    this.counts = new RoutingCounts();
    this.#ringing.clear();
    this.#notAgainUntil.clear();
  }

  /** Serves the queues, the most urgent first; what that changes in turn is served in the same run. */
  #reconsider(queueIds: readonly string[]): void {
    for (const queueId of queueIds) this.#dirty.add(queueId);
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#dirty.size > 0) {
        const queues = [...this.#dirty];
        this.#dirty.clear();
        const urgency = (id: string): number =>
          Number(this.#contactCenter.queue(id)?.["msdyn_priority"] ?? 0);
        for (const queueId of queues.toSorted((a, b) => urgency(a) - urgency(b))) {
          this.#serve(queueId);
        }
      }
    } finally {
      this.#running = false;
    }
  }

  #serve(queueId: string): void {
    const waiting = this.#conversations
      .waitingIn(queueId)
      .filter(({ state }) => state === "waiting");
    if (waiting.length === 0 || !this.#isOpen(queueId)) return;
    const able = new Map<string, Rep[]>();
    for (const conversation of waiting) {
      const workstream = this.#contactCenter.workstream(conversation.workstreamId);
      if (!workstream) continue;
      const reps = able.get(workstream.id) ?? this.#eligibility.repsFor(queueId, workstream);
      able.set(workstream.id, reps);
      const rep = this.#longestIdle(reps, conversation);
      if (rep) this.#offer(conversation, workstream, rep);
    }
  }

  /** Of those without work, then of those with some, who has had nothing new for longest. */
  #longestIdle(reps: readonly Rep[], { id }: Conversation): Rep | undefined {
    const nowMs = this.#clock.nowMs();
    const idle = ({ userId, loggedInAtMs }: Rep): number =>
      this.#idleSince.get(userId) ?? loggedInAtMs;
    return reps
      .filter(({ userId }) => !this.#ringing.has(userId))
      .filter(({ userId }) => (this.#notAgainUntil.get(`${id} ${userId}`) ?? 0) <= nowMs)
      .toSorted(
        (a, b) => Math.sign(a.conversations) - Math.sign(b.conversations) || idle(a) - idle(b),
      )[0];
  }

  #offer(conversation: Conversation, workstream: Workstream, rep: Rep): void {
    const { userId, presenceId } = rep;
    const atMs = this.#clock.nowMs();
    const offered: Conversation = {
      ...conversation,
      state: "offered",
      agentId: userId,
      assignedAtMs: atMs,
    };
    this.counts.offered += 1;
    this.#ringing.add(userId);
    this.#idleSince.set(userId, atMs);
    this.#conversations.put(offered);
    const busy = this.#isReallyBusy(userId);
    if (busy)
      this.counts.whileBusy.push({ conversationId: conversation.id, userId, presenceId, atMs });
    const { minuteMs, acceptMinutes, noticeMinutes } = this.habits;
    this.#clock.after((busy ? noticeMinutes : acceptMinutes) * minuteMs, () => {
      if (this.#conversations.get(offered.id) !== offered) return;
      this.#ringing.delete(userId);
      const present = this.#engine.rep(userId);
      if (busy || !present?.loggedIn) this.#miss(offered, userId);
      else this.#accept(offered, workstream, present);
    });
  }

  /** Back into the queue with the place it had; the rep becomes Inactive where the organisation wants it. */
  #miss(conversation: Conversation, userId: string): void {
    const { minuteMs, againMinutes } = this.habits;
    this.counts.missed += 1;
    const untilMs = this.#clock.nowMs() + againMinutes * minuteMs;
    this.#notAgainUntil.set(`${conversation.id} ${userId}`, untilMs);
    this.#conversations.put({
      ...conversation,
      state: "waiting",
      agentId: null,
      assignedAtMs: null,
    });
    const rep = this.#engine.rep(userId);
    if (rep?.loggedIn && this.#settings.missedNotifications) {
      this.#engine.missNotification(rep);
      this.#comeBackLater(userId);
    }
    const { queueId } = conversation;
    this.#clock.after(againMinutes * minuteMs, () => this.#reconsider([queueId]));
    this.#reconsider([queueId, ...this.#contactCenter.queuesOf(userId)]);
  }

  /** She sees that she was set Inactive, and chooses Available, once her hands are free. */
  #comeBackLater(userId: string): void {
    const { backMinutes, minuteMs } = this.habits;
    if (backMinutes === null) return;
    this.#clock.after(backMinutes * minuteMs, () => {
      const rep = this.#engine.rep(userId);
      if (!rep?.loggedIn || rep.presenceId !== PRESENCE_ID.inactive) return;
      if (this.#isReallyBusy(userId)) {
        this.#comeBackLater(userId);
        return;
      }
      const choice = { modifiedBy: "AGENT", modifiedByUserId: userId } as const;
      this.#engine.choose(rep, { presenceId: PRESENCE_ID.available, ...choice }, false);
    });
  }

  #accept(conversation: Conversation, workstream: Workstream, rep: Rep): void {
    const nowMs = this.#clock.nowMs();
    this.counts.noteAccepted(nowMs - conversation.arrivedAtMs);
    const active: Conversation = { ...conversation, state: "active", acceptedAtMs: nowMs };
    this.#conversations.put(active);
    this.#clock.after(active.handleMs, () => this.#wrapUp(active, workstream));
    this.#engine.acceptConversation(rep, workstream.load);
    this.repChanged(rep.userId);
  }

  /** The customer has gone and the rep still writes; her capacity stays taken, as by default in a new workstream. */
  #wrapUp(conversation: Conversation, workstream: Workstream): void {
    if (this.#conversations.get(conversation.id) !== conversation) return;
    if (conversation.wrapUpMs === 0) {
      this.#close(conversation, workstream);
      return;
    }
    const wrapUpAtMs = this.#clock.nowMs();
    const wrapping: Conversation = { ...conversation, state: "wrapUp", wrapUpAtMs };
    this.#conversations.put(wrapping);
    this.#clock.after(wrapping.wrapUpMs, () => {
      if (this.#conversations.get(wrapping.id) === wrapping) this.#close(wrapping, workstream);
    });
  }

  #close(conversation: Conversation, workstream: Workstream): void {
    const closedAtMs = this.#clock.nowMs();
    const { agentId } = conversation;
    this.counts.closed += 1;
    this.#conversations.put({ ...conversation, state: "closed", closedAtMs });
    const rep = agentId === null ? undefined : this.#engine.rep(agentId);
    if (!rep) return;
    this.#idleSince.set(rep.userId, closedAtMs);
    this.#engine.closeConversation(rep, workstream.load);
    this.repChanged(rep.userId);
  }

  #abandon(id: string): void {
    const conversation = this.#conversations.get(id);
    if (conversation?.state !== "waiting" && conversation?.state !== "offered") return;
    const { agentId } = conversation;
    this.counts.abandoned += 1;
    const closedAtMs = this.#clock.nowMs();
    this.#conversations.put({ ...conversation, state: "closed", agentId: null, closedAtMs });
    if (agentId === null) return;
    this.#ringing.delete(agentId);
    this.repChanged(agentId);
  }

  /** Looks again when a closed queue opens. */
  #isOpen(queueId: string): boolean {
    const { revision } = this.#contactCenter;
    const nowMs = this.#clock.nowMs();
    const known = this.#openings.get(queueId);
    const holds = (known?.opening.changesAtMs ?? Number.POSITIVE_INFINITY) > nowMs;
    if (known && known.revision === revision && holds) return known.opening.open;
    const hoursId = this.#contactCenter.queue(queueId)?.["_msdyn_operatinghourid_value"];
    const hours = hoursOf(this.#tables, typeof hoursId === "string" ? hoursId : null);
    const opening = openingAt(hours, nowMs);
    this.#openings.set(queueId, { revision, opening });
    if (!opening.open && opening.changesAtMs !== null) {
      this.#clock.after(opening.changesAtMs - nowMs, () => this.#reconsider([queueId]));
    }
    return opening.open;
  }
}
