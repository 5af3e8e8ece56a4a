import { z } from "zod";
import { nameOf } from "../presence/identity.ts";
import { isRoutable } from "../presence/status.ts";
import type { Access } from "./access.ts";
import type { Answer, Asker } from "./asker.ts";
import { type AlertView, alertCard, digestCard } from "./cards/alert-card.ts";
import { type Button, time } from "./cards/element.ts";
import { noteCard } from "./cards/note-card.ts";
import { boardCard } from "./cards/people-card.ts";
import type { ClockTime } from "./commands/command.ts";
import { languagesFor } from "./commands/languages.ts";
import { nextAtMs } from "./commands/time.ts";
import { say, type Words } from "./commands/words.ts";
import type { Conversation, Conversations } from "./conversations.ts";
import { InTurn } from "./in-turn.ts";
import type { Outbox } from "./outbox.ts";
import type { BotPort, Person } from "./port.ts";
import type { Sealer } from "./seal.ts";
import { isAllInStep, personView, teamView } from "./view.ts";

const KINDS = { board: "bot.board", alerts: "bot.alerts", digest: "bot.digest" } as const;
/** A board is edited no more often; Microsoft counts edits against the bot's limits, and each refreshes viewers. */
const BOARD_EVERY_MS = 15_000;
const DAY_MS = 86_400_000;
const DRIFT_MS = 5 * 60_000;
const SILENCE_MS = 2 * 60_000;
/** The same alert again only after so long. */
const AGAIN_MS = 60 * 60_000;
const HISTORY_PAGE = 1_000;
const MOST_PAGES = 50;

const boardSchema = z.object({ owner: z.string(), messageId: z.string() });
const alertsSchema = z.object({ owner: z.string() });
const digestSchema = z.object({
  owner: z.string(),
  nextMs: z.number(),
  /** Its time of day, and where; an older release kept neither. */
  at: z.object({ hour: z.number(), minute: z.number() }).optional(),
  zone: z.object({ timeZone: z.string().nullable(), offsetMinutes: z.number() }).optional(),
});

type Alerts = z.output<typeof alertsSchema>;
type Digest = z.output<typeof digestSchema>;
type Board = z.output<typeof boardSchema> & { shown: string; editedAtMs: number };

type PostingsParts = {
  readonly port: BotPort;
  readonly access: Access;
  readonly conversations: Conversations;
  readonly outbox: Outbox;
  readonly sealer: Sealer;
};

/**
 * What the bot posts without being asked each time: a board that edits itself, a daily digest, alerts. Each belongs to
 * a conversation and to whoever asked for it, shows what she may see, and stops when she may no longer. Figures only.
 */
export class Postings {
  readonly #parts: PostingsParts;
  readonly #boards = new Map<string, Board>();
  readonly #alerts = new Map<string, Alerts>();
  readonly #digests = new Map<string, Digest>();
  readonly #driftSinceMs = new Map<string, number>();
  readonly #alertedMs = new Map<string, number>();
  /** By what it is and where. */
  readonly #inTurn = new InTurn();

  constructor(parts: PostingsParts) {
    this.#parts = parts;
  }

  async load(): Promise<void> {
    const { engine } = this.#parts.port;
    for (const { id, body } of await engine.kept(KINDS.board)) {
      const parsed = boardSchema.safeParse(body);
      if (parsed.success) this.#boards.set(id, { ...parsed.data, shown: "", editedAtMs: 0 });
    }
    for (const { id, body } of await engine.kept(KINDS.alerts)) {
      const parsed = alertsSchema.safeParse(body);
      if (parsed.success) this.#alerts.set(id, parsed.data);
    }
    for (const { id, body } of await engine.kept(KINDS.digest)) {
      const parsed = digestSchema.safeParse(body);
      if (parsed.success) this.#digests.set(id, parsed.data);
    }
  }

  /** Posts a board here. One a conversation: an older one is no longer kept up to date. */
  async board(asker: Asker): Promise<Answer> {
    if (asker.isAlone) return asker.refuse("boardNotHere");
    if (!asker.standing.isManager) return asker.refuse("notAllowed");
    const { conversations, outbox, port } = this.#parts;
    const conversation = conversations.find(asker.turn.conversationId);
    if (!conversation) return asker.refuse("somethingFailed");
    const drawn = await this.#drawBoard(conversation, asker.standing.objectId);
    if (drawn === null) return asker.refuse("notAllowed");
    const sent = await outbox.send(conversation, drawn.card);
    if (!sent.ok) return asker.refuse("somethingFailed");
    const body = { owner: asker.standing.objectId, messageId: sent.messageId };
    const board = { ...body, shown: drawn.figures, editedAtMs: port.nowMs() };
    await this.#keep("board", conversation.id, body, () =>
      this.#boards.set(conversation.id, board),
    );
    return { card: noteCard(asker.words, asker.say("boardEdits")) };
  }

  async alerts(asker: Asker): Promise<Answer> {
    if (asker.isAlone) return asker.refuse("alertsNotHere");
    if (!asker.standing.isAdmin) return asker.refuse("notAllowed");
    const body = { owner: asker.standing.objectId };
    const { conversationId: id } = asker.turn;
    await this.#keep("alerts", id, body, () => this.#alerts.set(id, body));
    return { card: noteCard(asker.words, asker.say("alertsHere")) };
  }

  /** Every day at a time, or never again. */
  async digest(asker: Asker, at: ClockTime | null): Promise<Answer> {
    if (!asker.standing.isManager) return asker.refuse("notAllowed");
    const { conversationId: id } = asker.turn;
    if (at === null) {
      await this.#stop("digest", id);
      return { card: noteCard(asker.words, asker.say("digestOff")) };
    }
    const { offsetMinutes, timeZone } = asker.turn;
    const zone = { timeZone, offsetMinutes };
    const nextMs = nextAtMs(at, asker.nowMs, zone);
    const body = { owner: asker.standing.objectId, nextMs, at, zone };
    await this.#keep("digest", id, body, () => this.#digests.set(id, body));
    const says = asker.say("digestDone", { time: time(body.nextMs) });
    return { card: noteCard(asker.words, says) };
  }

  /** Looks once; to be called every few seconds. */
  async tick(): Promise<void> {
    const alarming = this.#alarming();
    const due = [
      ...[...this.#boards].map(([id, board]) => this.#refreshBoard(id, board)),
      ...[...this.#digests].map(([id, digest]) => this.#sendDigest(id, digest)),
      ...[...this.#alerts].map(([id, alerts]) => this.#sendAlerts(id, alerts, alarming)),
    ];
    // What fails now (a right that could not be looked up) is due again at the next look.
    await Promise.allSettled(due);
  }

  async #refreshBoard(id: string, board: Board): Promise<void> {
    const { conversations, outbox, port } = this.#parts;
    if (port.nowMs() - board.editedAtMs < BOARD_EVERY_MS) return;
    const conversation = conversations.find(id);
    const drawn = conversation ? await this.#drawBoard(conversation, board.owner) : null;
    if (!conversation || drawn === null) {
      await this.#stop("board", id, board);
      return;
    }
    if (drawn.figures === board.shown) return;
    const sent = await outbox.update(conversation, board.messageId, drawn.card);
    board.editedAtMs = port.nowMs();
    if (sent.ok) board.shown = drawn.figures;
    else if (sent.why === "gone") await this.#stop("board", id, board);
  }

  /** `null` when the one who asked for it manages nobody any more. */
  async #drawBoard({ id, locale }: Conversation, owner: string) {
    const people = await this.#managedBy(owner);
    if (people === null) return null;
    const { port, sealer } = this.#parts;
    const [words] = languagesFor(locale);
    const views = people.flatMap(({ name, identity }) => {
      const document = port.document(identity.rep);
      return document ? [personView(name, document, port.policy)] : [];
    });
    const nowMs = port.nowMs();
    const view = teamView(views, nowMs);
    const button = (
      phrase: "team" | "available",
      command: Parameters<Sealer["seal"]>[0],
    ): Button => ({
      title: say(words, phrase),
      verb: command.name,
      ref: sealer.seal(command, id),
    });
    const buttons = [
      button("team", { name: "team" }),
      button("available", { name: "available", queue: null }),
    ];
    const card = boardCard(view, views.length, { words, nowMs, buttons });
    return { card, figures: JSON.stringify([view.counts, view.outOfStep, views.length]) };
  }

  /** `null`: she manages nobody any more. Rejects when that cannot be known: then nothing is shown, this time. */
  async #managedBy(owner: string): Promise<readonly Person[] | null> {
    const { access, port } = this.#parts;
    const standing = await access.standing(owner, null);
    if (!standing.isManager) return null;
    return port.people().filter((person) => standing.manages(person));
  }

  async #sendDigest(id: string, digest: Digest): Promise<void> {
    const { conversations, outbox, port } = this.#parts;
    if (port.nowMs() < digest.nextMs) return;
    const people = await this.#managedBy(digest.owner);
    const conversation = conversations.find(id);
    if (people === null || !conversation) {
      await this.#stop("digest", id, digest);
      return;
    }
    const next = { ...digest, nextMs: nextOf(digest, port.nowMs()) };
    // Switched off, or asked for at another time, since it was due: then this one is not sent.
    if (!(await this.#replaceDigest(id, digest, next))) return;
    const [words] = languagesFor(conversation.locale);
    const figures = await this.#dayOf(people, words);
    const sent = await outbox.send(conversation, digestCard(figures, port.nowMs(), words, []));
    if (!sent.ok && sent.why === "gone") await this.#stop("digest", id, next);
  }

  #replaceDigest(id: string, was: Digest, next: Digest): Promise<boolean> {
    return this.#inTurn.do(`digest ${id}`, async () => {
      if (this.#digests.get(id) !== was) return false;
      // Before it is stored: what the store refuses is missed once, and not sent twice.
      this.#digests.set(id, next);
      const { engine } = this.#parts.port;
      await engine.keep({ kind: KINDS.digest, id, body: next, expiresAtMs: null });
      return true;
    });
  }

  async #dayOf(people: readonly Person[], words: Words) {
    const { port } = this.#parts;
    const ours = new Set<string>(people.map(({ identity }) => identity.rep));
    const count = { intent: 0, write: 0, held: 0 };
    const sinceMs = port.nowMs() - DAY_MS;
    let after = 0;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const entries = await port.engine.history({ after, sinceMs, limit: HISTORY_PAGE });
      for (const { rep, kind } of entries) {
        if (ours.has(rep) && kind in count) count[kind as keyof typeof count] += 1;
      }
      after = entries.at(-1)?.position ?? after;
      if (entries.length < HISTORY_PAGE) break;
    }
    const views = people.flatMap(({ name, identity }) => {
      const document = port.document(identity.rep);
      return document ? [personView(name, document, port.policy)] : [];
    });
    const available = views.filter(({ status }) => isRoutable(status)).length;
    return [
      {
        label: say(words, "availableTitle"),
        value: say(words, "availableCount", { n: available, total: views.length }),
      },
      { label: say(words, "digestChanges"), value: String(count.intent) },
      { label: say(words, "digestWrites"), value: String(count.write) },
      { label: say(words, "digestHeld"), value: String(count.held) },
      {
        label: say(words, "digestOutOfStep"),
        value: String(views.filter(({ inStep }) => !inStep).length),
      },
    ];
  }

  async #sendAlerts(id: string, alerts: Alerts, alarming: readonly Alarming[]): Promise<void> {
    const { access, conversations, outbox, port } = this.#parts;
    const conversation = conversations.find(id);
    if (!conversation || !(await access.standing(alerts.owner, null)).isAdmin) {
      await this.#stop("alerts", id, alerts);
      return;
    }
    const [words] = languagesFor(conversation.locale);
    for (const { key, alert, step } of alarming) {
      const last = this.#alertedMs.get(`${id} ${key}`) ?? -Infinity;
      if (port.nowMs() - last < AGAIN_MS) continue;
      this.#alertedMs.set(`${id} ${key}`, port.nowMs());
      const card = alertCard(alert, say(words, step), port.nowMs(), words, []);
      const sent = await outbox.send(conversation, card);
      if (!sent.ok && sent.why === "gone") await this.#stop("alerts", id, alerts);
    }
  }

  /** Drift that lasts, a rep who is fought over, a system that has gone silent, an account that was signed out. */
  #alarming(): readonly Alarming[] {
    const { port } = this.#parts;
    const nowMs = port.nowMs();
    const found: Alarming[] = [];
    let drifting = 0;
    for (const { name, identity } of port.people()) {
      const document = port.document(identity.rep);
      if (!document) continue;
      const { rep } = document;
      if (isAllInStep(rep, port.policy)) this.#driftSinceMs.delete(identity.rep);
      else {
        const sinceMs = this.#driftSinceMs.get(identity.rep) ?? nowMs;
        this.#driftSinceMs.set(identity.rep, sinceMs);
        if (nowMs - sinceMs >= DRIFT_MS) drifting += 1;
      }
      const { fight } = rep;
      if (fight !== null || rep.heldUntilMs > nowMs) {
        const view = fight && { ...fight, system: nameOf(fight.system) };
        found.push({
          key: `fight ${identity.rep}`,
          alert: { kind: "fight", name, fight: view },
          step: "alertStepFight",
        });
      }
    }
    if (drifting > 0) {
      const alert = { kind: "drift", reps: drifting, forMs: DRIFT_MS } as const;
      found.push({ key: "drift", alert, step: "alertStepDrift" });
    }
    for (const { name: system } of port.policy.systems) {
      const readAtMs = port.lastReadAtMs(system);
      if (readAtMs === 0 || nowMs - readAtMs < SILENCE_MS) continue;
      const alert = { kind: "silence", system: nameOf(system), forMs: nowMs - readAtMs } as const;
      found.push({ key: `silence ${system}`, alert, step: "alertStepSilence" });
    }
    for (const { account, reps } of port.signedOut()) {
      const alert = { kind: "signed out", account, reps } as const;
      found.push({ key: `signed out ${account}`, alert, step: "alertStepSignedOut" });
    }
    return found;
  }

  #keep(what: keyof typeof KINDS, id: string, body: object, then: () => void): Promise<void> {
    const { engine } = this.#parts.port;
    return this.#inTurn.do(`${what} ${id}`, async () => {
      await engine.keep({ kind: KINDS[what], id, body, expiresAtMs: null });
      then();
    });
  }

  /** Only this one, where one is named: what was asked for in its place meanwhile goes on. */
  #stop(what: keyof typeof KINDS, id: string, only?: Alerts | Board | Digest): Promise<void> {
    const all = { board: this.#boards, alerts: this.#alerts, digest: this.#digests };
    return this.#inTurn.do(`${what} ${id}`, async () => {
      if (only !== undefined && all[what].get(id) !== only) return;
      await this.#parts.port.engine.forget(KINDS[what], id);
      all[what].delete(id);
    });
  }
}

type Alarming = {
  readonly key: string;
  readonly alert: AlertView;
  readonly step: "alertStepDrift" | "alertStepFight" | "alertStepSilence" | "alertStepSignedOut";
};

/** The same time of day, also when clocks are set meanwhile. */
function nextOf({ nextMs, at, zone }: Digest, nowMs: number): number {
  if (at && zone) return nextAtMs(at, nowMs, zone);
  return nextMs + (Math.floor((nowMs - nextMs) / DAY_MS) + 1) * DAY_MS;
}
