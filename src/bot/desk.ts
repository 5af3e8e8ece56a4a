import { statusOf } from "../reconcile/resolve.ts";
import type { Access, Standing } from "./access.ts";
import { type Answer, Asker } from "./asker.ts";
import type { Audit } from "./audit.ts";
import { type Card, plain, time } from "./cards/element.ts";
import { helpCard, noteCard, placeholderCard, refusalCard, sharedCard } from "./cards/note-card.ts";
import type { QueueView } from "./cards/view.ts";
import type { Command } from "./commands/command.ts";
import { languagesFor } from "./commands/languages.ts";
import { helpGroups, parse } from "./commands/parse.ts";
import { say } from "./commands/words.ts";
import { folded, searchPeople, searchQueues } from "./find.ts";
import { type Linked, readLink } from "./links.ts";
import { Looking } from "./looking.ts";
import type { Own } from "./own.ts";
import type { BotPort, Person } from "./port.ts";
import type { Postings } from "./postings.ts";
import type { Opened, Sealed, Sealer } from "./seal.ts";
import { Setting } from "./setting.ts";
import type { Turn } from "./turn.ts";
import { type Target, WATCH_MS, type Watches } from "./watches.ts";
import { whom } from "./whom.ts";

/** A card about a rep or queue to be put into a message, and what the one who looks for it is shown before. */
export type Shared = { readonly card: Card; readonly name: string; readonly detail: string };

export type DeskParts = {
  readonly port: BotPort;
  readonly access: Access;
  readonly audit: Audit;
  readonly sealer: Sealer;
  readonly own: Own;
  readonly watches: Watches;
  readonly postings: Postings;
  /** Where links to the console begin; `null`: nowhere. */
  readonly consoleUrl: string | null;
};

/**
 * Answers. What comes in is who asks (verified), and what is asked: as text, or as a button that we sealed. Who may
 * have what is decided here for every single answer, whatever a card said before.
 */
export class Desk {
  readonly #parts: DeskParts;
  readonly #looking: Looking;
  readonly #setting: Setting;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.#looking = new Looking(parts.port, parts.audit);
    this.#setting = new Setting(parts.port, parts.audit);
  }

  /** Somebody wrote something. Where others read along, they see only for whom the answer is. */
  async typed(turn: Turn, text: string): Promise<Answer> {
    const languages = languagesFor(turn.locale);
    const [words] = languages;
    const parsed = parse(text, languages);
    if (!parsed.ok) {
      if (parsed.wrong !== "everything") {
        const phrase = parsed.wrong === "until" ? "setUntilWrong" : "clockTimeWrong";
        return { card: refusalCard(words, say(words, phrase, { until: plain(parsed.given) })) };
      }
      return { card: this.#misunderstood(turn, text, parsed.suggestions) };
    }
    const { command } = parsed;
    if (turn.place === "personal" || command.name === "board" || command.name === "alerts") {
      return this.#as(turn, `message ${turn.conversationId} ${turn.id}`, (asker) =>
        this.#answer(asker, command),
      );
    }
    return { card: this.#placeholder(turn, command) };
  }

  /** Answers to several commands at once, or why there is none. */
  async read(
    turn: Turn,
    commandsFor: (standing: Standing) => readonly Command[],
  ): Promise<readonly Card[]> {
    const cards: Card[] = [];
    const { card } = await this.#as(turn, `read ${turn.id}`, async (asker) => {
      for (const command of commandsFor(asker.standing)) {
        cards.push((await this.#answer(asker, command)).card);
      }
      return cards.length > 0 ? { card: cards[0] as Card } : asker.refuse("notAllowed");
    });
    return cards.length > 0 ? cards : [card];
  }

  /** Somebody pressed a button, or her client refreshed a card. `ref` and `data` are whatever the client sent. */
  async pressed(turn: Turn, ref: unknown, data: unknown): Promise<Answer> {
    const [words] = languagesFor(turn.locale);
    const { sealer } = this.#parts;
    const here = sealer.open(ref, turn.conversationId);
    const opened = here.ok ? here : openShared(sealer, ref, here);
    if (!opened.ok) {
      const phrase = opened.why === "old" ? "cardTooOld" : "cardNotYours";
      await this.#parts.audit.write(null, {
        deed: "refusal",
        who: turn.objectId,
        what: `card ${opened.why}`,
      });
      return { card: refusalCard(words, say(words, phrase)) };
    }
    const { command, nonce } = opened.sealed;
    const onceKey = `button ${nonce} ${turn.objectId}`;
    return this.#as(turn, onceKey, (asker) => this.#pressedAs(asker, command, data));
  }

  /** What somebody may see whose name begins like this, for a search while she types; best first. */
  async search(
    turn: Turn,
    kind: Linked["kind"],
    text: string,
    { skip, most }: { readonly skip: number; readonly most: number },
  ): Promise<readonly Shared[]> {
    const { port } = this.#parts;
    const standing = await this.#standingOf(turn);
    if (kind === "queue") {
      const queues = standing.isManager ? ((await port.queues?.queues()) ?? []) : [];
      return searchQueues(text, queues)
        .slice(skip, skip + most)
        .map((queue) => this.#sharedQueue(turn, queue));
    }
    return searchPeople(text, port.people())
      .filter((person) => person === standing.self || standing.manages(person))
      .slice(skip, skip + most)
      .map((person) => this.#sharedRep(turn, person));
  }

  /** What a link to the console leads to, as a card; `null` for other links, and for whoever may not see it. */
  async linked(turn: Turn, url: string): Promise<Shared | null> {
    const { port, audit, consoleUrl } = this.#parts;
    const link = consoleUrl === null ? null : readLink(url, consoleUrl);
    if (!link) return null;
    const standing = await this.#standingOf(turn);
    const person = port.people().find(({ identity }) => identity.rep === link.id);
    const mayHer = person && (person === standing.self || standing.manages(person));
    if (link.kind === "rep" && person && mayHer) return this.#sharedRep(turn, person);
    if (link.kind === "queue" && standing.isManager) {
      const queue = (await port.queues?.queues())?.find(({ id }) => id === link.id);
      return queue ? this.#sharedQueue(turn, queue) : null;
    }
    const rep = person?.identity.rep ?? null;
    await audit.write(rep, { deed: "refusal", who: turn.objectId, what: "link" });
    return null;
  }

  /** Cards for others to read: they hold a name, and a button for whoever may see more. */
  #sharedRep(turn: Turn, { name, email, identity }: Person): Shared {
    const card = this.#shared(turn, name, { name: "status", rep: `id:${identity.rep}` });
    return { card, name, detail: email ?? "" };
  }

  #sharedQueue(turn: Turn, { id, name, ableNow, members }: QueueView): Shared {
    const card = this.#shared(turn, name, { name: "queue", queue: `id:${id}` });
    return { card, name, detail: `${ableNow} / ${members}` };
  }

  #shared(turn: Turn, title: string, command: Command): Card {
    const { sealer } = this.#parts;
    const [words] = languagesFor(turn.locale);
    // Nobody knows yet where it will be posted.
    const ref = sealer.seal(command, ANYWHERE);
    const show = { title: say(words, "showToMe"), verb: command.name, ref, primary: true };
    return sharedCard(words, title, show, { ...show, userIds: [turn.userId] });
  }

  #standingOf({ objectId }: Turn): Promise<Standing> {
    return this.#parts.access.standing(objectId, this.#selfOf(objectId));
  }

  #pressedAs(asker: Asker, command: Sealed["command"], data: unknown): Promise<Answer> {
    switch (command.name) {
      case "set.form":
        return this.#setting.form(asker, command.rep);
      case "set.submit":
        return this.#setting.submit(asker, command.rep, data);
      case "manual.lift":
        return this.#setting.lift(asker, command.rep, command.choice);
      case "erase.confirmed":
        return this.#parts.own.eraseConfirmed(asker);
      default:
        return this.#answer(asker, command);
    }
  }

  async #as(
    turn: Turn,
    onceKey: string,
    answer: (asker: Asker) => Promise<Answer>,
  ): Promise<Answer> {
    const { port, sealer, audit } = this.#parts;
    const languages = languagesFor(turn.locale);
    const [words] = languages;
    let standing: Standing;
    try {
      standing = await this.#standingOf(turn);
    } catch {
      return { card: refusalCard(words, say(words, "lookupFailed")) };
    }
    const nowMs = port.nowMs();
    const asker = new Asker({ turn, standing, languages, nowMs, onceKey, sealer });
    if (!asker.isAnybody) {
      await audit.write(null, { deed: "refusal", who: turn.objectId, what: "stranger" });
      return asker.refuse("notAllowed");
    }
    return answer(asker);
  }

  #selfOf(objectId: string): Person | null {
    const isHer = ({ identity }: Person): boolean => identity.teamsUserId === objectId;
    return this.#parts.port.people().find(isHer) ?? null;
  }

  async #answer(asker: Asker, command: Command): Promise<Answer> {
    const { own, postings } = this.#parts;
    switch (command.name) {
      case "status":
        return this.#looking.status(asker, command.rep);
      case "me": {
        const { self } = asker.standing;
        return self ? this.#looking.show(asker, self, true) : asker.refuse("youAreNoRep");
      }
      case "why":
        return this.#looking.why(asker, command.rep);
      case "history":
        return this.#looking.history(asker, command);
      case "available":
        return this.#looking.available(asker, command.queue);
      case "team":
        return this.#looking.team(asker);
      case "queue":
        return this.#looking.queue(asker, command.queue);
      case "queues":
        return this.#looking.queues(asker);
      case "set":
        return this.#setting.set(asker, command);
      case "release":
        return this.#setting.release(asker, command.rep);
      case "notify":
        return this.#notify(asker, command.target);
      case "board":
        return postings.board(asker);
      case "alerts":
        return postings.alerts(asker);
      case "digest":
        return postings.digest(asker, command.at);
      case "lookups":
        return own.lookups(asker);
      case "export":
        return own.export(asker);
      case "erase":
        return own.erase(asker);
      case "pause":
        return own.pause(asker, true);
      case "resume":
        return own.pause(asker, false);
      case "health":
        return this.#looking.health(asker);
      case "policy":
        return this.#looking.policy(asker);
      case "help":
        return this.#help(asker);
      default:
        return command satisfies never;
    }
  }

  #help(asker: Asker): Answer {
    const buttons = [
      ...(asker.standing.self ? [asker.button("showToMe", { name: "me" })] : []),
      ...(asker.standing.isManager ? [asker.button("team", { name: "team" })] : []),
    ];
    return { card: helpCard(asker.words, helpGroups(asker.words), !asker.isAlone, buttons) };
  }

  async #notify(asker: Asker, typed: string): Promise<Answer> {
    const { port, watches, audit } = this.#parts;
    const { words, standing, nowMs, turn } = asker;
    const queues = (await port.queues?.queues()) ?? [];
    const wanted = folded(typed);
    const queue = queues.find(({ name }) => wanted !== "" && folded(name) === wanted);
    let target: Target;
    if (queue && standing.isManager) target = { kind: "queue", name: queue.name };
    else {
      const about = (rep: string): Command => ({ name: "notify", target: rep });
      const found = await whom(asker, typed, "notify", about, port, audit);
      if (!found.ok) return found.answer;
      const { identity, name } = found.person;
      target = { kind: "rep", rep: identity.rep, name };
      const who = standing.objectId;
      if (!found.isSelf) await audit.write(identity.rep, { deed: "lookup", who, what: "notify" });
    }
    const values = { target: plain(target.name) };
    if (await this.available(target))
      return { card: noteCard(words, asker.say("notifyNow", values)) };
    const added = await watches.add(standing.objectId, turn.conversationId, target);
    if (!added) return { card: noteCard(words, asker.say("notifyAlready")) };
    const expires = asker.say("notifyExpires", { time: time(nowMs + WATCH_MS) });
    return { card: noteCard(words, `${asker.say("notifyDone", values)} ${expires}`) };
  }

  /** Whether a rep, or anybody in a queue, can take work at this moment. */
  async available(target: Target): Promise<boolean> {
    const { port } = this.#parts;
    if (target.kind === "queue") {
      const queues = (await port.queues?.queues()) ?? [];
      return queues.some(({ name, ableNow }) => name === target.name && ableNow > 0);
    }
    const person = port.people().find(({ identity }) => identity.rep === target.rep);
    const document = person ? port.document(person.identity.rep) : null;
    return document !== null && statusOf(document.rep) === "Available";
  }

  #placeholder(turn: Turn, command: Command) {
    const { sealer } = this.#parts;
    const [words] = languagesFor(turn.locale);
    const button = (primary: boolean) => ({
      title: say(words, "showToMe"),
      verb: command.name,
      ref: sealer.seal(command, turn.conversationId),
      primary,
    });
    // What changes something waits for a press: a refresh may come from anybody's client at any time.
    const quiet = QUIET.has(command.name) ? [turn.userId] : [];
    return placeholderCard(words, turn.name, button(true), { ...button(false), userIds: quiet });
  }

  #misunderstood(turn: Turn, text: string, suggestions: readonly string[]) {
    const { sealer } = this.#parts;
    const languages = languagesFor(turn.locale);
    const [words] = languages;
    const lines = [
      say(words, "unknownCommand", { text: plain(text.slice(0, 80)) }),
      say(words, suggestions.length > 0 ? "didYouMean" : "tryHelp"),
    ];
    const buttons = suggestions.flatMap((title) => {
      const meant = parse(title, languages);
      if (!meant.ok || title.includes("‹")) return [];
      const ref = sealer.seal(meant.command, turn.conversationId);
      return [{ title, verb: meant.command.name, ref }];
    });
    const typed = suggestions.filter((title) => title.includes("‹"));
    const more = buttons.length === 0 && typed.length > 0 ? [typed.join(" · ")] : [];
    return noteCard(words, [...lines, ...more].join(" "), buttons);
  }
}

/** What a card from the message extension is sealed for. Only a look may be: it changes nothing. */
const ANYWHERE = "anywhere";
const SHARED: ReadonlySet<string> = new Set(["status", "queue"]);

function openShared(sealer: Sealer, ref: unknown, otherwise: Opened): Opened {
  const opened = sealer.open(ref, ANYWHERE);
  return opened.ok && SHARED.has(opened.sealed.command.name) ? opened : otherwise;
}

/** Commands that change nothing: safe to run again whenever a client refreshes a card. */
const QUIET: ReadonlySet<Command["name"]> = new Set([
  "status",
  "me",
  "why",
  "history",
  "available",
  "team",
  "queue",
  "queues",
  "lookups",
  "health",
  "policy",
  "help",
]);
