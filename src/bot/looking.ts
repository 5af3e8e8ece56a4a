import type { RepDocument, StoredHistoryEntry } from "../engine/engine.ts";
import { nameOf, type RepId } from "../presence/identity.ts";
import type { Answer, Asker } from "./asker.ts";
import type { Audit } from "./audit.ts";
import { healthCard } from "./cards/alert-card.ts";
import { type Button, plain } from "./cards/element.ts";
import { availableCard, teamCard } from "./cards/people-card.ts";
import { policyCard } from "./cards/policy-card.ts";
import { queueCard, queuesCard } from "./cards/queue-card.ts";
import { repCard } from "./cards/rep-card.ts";
import { historyCard, whyCard } from "./cards/story-card.ts";
import type { PersonView, QueueView, RepView } from "./cards/view.ts";
import type { Command } from "./commands/command.ts";
import { dayMs } from "./commands/time.ts";
import { folded } from "./find.ts";
import { policyView } from "./policy-view.ts";
import type { BotPort, Person } from "./port.ts";
import { BY_HERSELF } from "./pausing.ts";
import { BOT_HOLD, isAllInStep, personView, repView, statusAt, teamView } from "./view.ts";
import { whom } from "./whom.ts";

const HISTORY_PAGE = 1_000;
const MOST_HISTORY = 5_000;
const CHAIN_MS = 24 * 3_600_000;
const WEEK_MS = 7 * 86_400_000;

/** Everything that is asked and changes nothing. Whoever is looked at by somebody else is told so in the audit. */
export class Looking {
  readonly #port: BotPort;
  readonly #audit: Audit;

  constructor(port: BotPort, audit: Audit) {
    this.#port = port;
    this.#audit = audit;
  }

  async status(asker: Asker, typed: string): Promise<Answer> {
    const about = (rep: string): Command => ({ name: "status", rep });
    const found = await whom(asker, typed, "status", about, this.#port, this.#audit);
    if (!found.ok) return found.answer;
    return this.show(asker, found.person, found.isSelf);
  }

  /** The rep card, of somebody whom the asker may see. */
  async show(asker: Asker, person: Person, isSelf: boolean): Promise<Answer> {
    const document = this.#port.document(person.identity.rep);
    if (!document) return asker.refuse("unknownRep", { rep: plain(person.name) });
    await this.#noteLook(asker, person, isSelf, "status");
    const detail = (await this.#port.detail?.(person.identity)) ?? null;
    const view = { ...this.#view(person, document), detail };
    const rep = `id:${person.identity.rep}`;
    const { holds } = document.rep;
    const buttons: readonly Button[] = [
      asker.button("why", { name: "why", rep }),
      asker.button("set", { name: "set.form", rep }),
      asker.button("history", { name: "history", rep, day: "today", at: null }),
      ...(BOT_HOLD in holds ? [asker.button("release", { name: "release", rep })] : []),
      ...(isSelf || view.status === "Available"
        ? []
        : [asker.button("notify", { name: "notify", target: rep })]),
    ];
    const showing = asker.showing({ name: "status", rep }, buttons);
    return { card: repCard(view, { ...showing, lift: liftOf(asker, view, document, isSelf) }) };
  }

  async why(asker: Asker, typed: string): Promise<Answer> {
    const about = (rep: string): Command => ({ name: "why", rep });
    const found = await whom(asker, typed, "why", about, this.#port, this.#audit);
    if (!found.ok) return found.answer;
    const { person, isSelf } = found;
    const document = this.#port.document(person.identity.rep);
    if (!document) return asker.refuse("unknownRep", { rep: plain(person.name) });
    await this.#noteLook(asker, person, isSelf, "why");
    const entries = await this.#history(person.identity.rep, asker.nowMs - CHAIN_MS);
    const view = this.#view(person, document);
    const rep = `id:${person.identity.rep}`;
    const buttons = [
      asker.button("history", { name: "history", rep, day: "today", at: null }),
      asker.button("set", { name: "set.form", rep }),
    ];
    const showing = asker.showing({ name: "why", rep }, buttons);
    return {
      card: whyCard(view, entries, { ...showing, lift: liftOf(asker, view, document, isSelf) }),
    };
  }

  async history(asker: Asker, command: Command & { readonly name: "history" }): Promise<Answer> {
    const about = (rep: string): Command => ({ ...command, rep });
    const found = await whom(asker, command.rep, "history", about, this.#port, this.#audit);
    if (!found.ok) return found.answer;
    const { person, isSelf } = found;
    await this.#noteLook(asker, person, isSelf, "history");
    const { words, nowMs, turn } = asker;
    const daysAgo = command.day === "today" ? 0 : 1;
    const { fromMs, toMs, atMs: askedMs } = dayMs(daysAgo, command.at, nowMs, turn);
    const sinceMs = askedMs === null ? fromMs : fromMs - WEEK_MS;
    const all = await this.#history(person.identity.rep, sinceMs);
    const entries = all.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
    const day = words[command.day][0] ?? command.day;
    const moment = askedMs === null ? null : { atMs: askedMs, status: statusAt(all, askedMs) };
    const rep = `id:${person.identity.rep}`;
    const other = command.day === "today" ? ("yesterday" as const) : ("today" as const);
    const buttons = [
      asker.button("why", { name: "why", rep }),
      {
        ...asker.button("history", { name: "history", rep, day: other, at: null }),
        title: words[other][0] ?? other,
      },
    ];
    const told = { name: person.name, day, entries, moment, asOfMs: nowMs };
    return { card: historyCard(told, asker.showing({ ...command, rep }, buttons)) };
  }

  async available(asker: Asker, queue: string | null): Promise<Answer> {
    if (!asker.standing.isManager) return this.#refuseList(asker, "available");
    let people = this.#managed(asker);
    let where: string | null = null;
    if (queue !== null) {
      if (!this.#port.queues) return asker.refuse("queuesMissing");
      const found = await this.#queueNamed(queue);
      if (!found) return asker.refuse("unknownQueue", { queue: plain(queue) });
      const members = await this.#port.queues.members(found.id);
      people = people.filter(({ identity }) => members.has(identity.rep));
      where = found.name;
    }
    await this.#noteList(asker, "available");
    const views = this.#views(people);
    const available = views
      .filter(({ status }) => status === "Available")
      .toSorted((a, b) => (a.sinceMs ?? 0) - (b.sinceMs ?? 0));
    const buttons = [asker.button("team", { name: "team" })];
    const showing = asker.showing({ name: "available", queue }, buttons);
    return { card: availableCard(available, views.length, where, asker.nowMs, showing) };
  }

  async team(asker: Asker): Promise<Answer> {
    if (!asker.standing.isManager) return this.#refuseList(asker, "team");
    await this.#noteList(asker, "team");
    const view = teamView(this.#views(this.#managed(asker)), asker.nowMs);
    const buttons = [asker.button("available", { name: "available", queue: null })];
    const showing = asker.showing({ name: "team" }, buttons);
    return { card: teamCard(view, asker.say("teamTitle"), showing) };
  }

  async queues(asker: Asker): Promise<Answer> {
    if (!asker.standing.isManager) return this.#refuseList(asker, "queues");
    if (!this.#port.queues) return asker.refuse("queuesMissing");
    const views = await this.#port.queues.queues();
    return { card: queuesCard(views, asker.showing({ name: "queues" }, [])) };
  }

  async queue(asker: Asker, queue: string): Promise<Answer> {
    if (!asker.standing.isManager) return this.#refuseList(asker, "queue");
    if (!this.#port.queues) return asker.refuse("queuesMissing");
    const named = await this.#queueNamed(queue);
    const found = named && (await this.#port.queues.queue(named.id));
    if (!found) return asker.refuse("unknownQueue", { queue: plain(queue) });
    const byId = `id:${found.id}`;
    const command: Command = { name: "queue", queue: byId };
    const buttons = [
      asker.button("available", { name: "available", queue: byId }),
      asker.button("notify", { name: "notify", target: found.name }),
    ];
    return { card: queueCard(found, asker.showing(command, buttons)) };
  }

  /** Whether the service does its work, and for how many. */
  health(asker: Asker): Answer {
    const port = this.#port;
    const documents = port.people().flatMap(({ identity }) => port.document(identity.rep) ?? []);
    const systems = port.policy.systems.map(({ name }) => {
      const policy = {
        ...port.policy,
        systems: port.policy.systems.filter((s) => s.name === name),
      };
      return {
        name: nameOf(name),
        outOfStep: documents.filter(({ rep }) => !isAllInStep(rep, policy)).length,
        readAtMs: port.lastReadAtMs(name),
      };
    });
    const view = {
      reps: documents.length,
      waitingFor: port.waitingFor(),
      systems,
      asOfMs: asker.nowMs,
    };
    const again = asker.button("refresh", { name: "health" });
    return { card: healthCard(view, asker.words, asker.nowMs, [again]) };
  }

  /** What everything is decided by. */
  policy(asker: Asker): Answer {
    const { mappings, policy } = this.#port;
    const again = asker.button("refresh", { name: "policy" });
    return { card: policyCard(policyView(mappings, policy, asker.nowMs), asker.words, [again]) };
  }

  #view({ name, identity }: Person, document: RepDocument): RepView {
    const { policy, lastReadAtMs, nextShift } = this.#port;
    return repView(name, document, policy, lastReadAtMs, nextShift(identity.rep));
  }

  /** The reps whom the asker manages, and herself. */
  #managed({ standing }: Asker): readonly Person[] {
    return this.#port.people().filter((person) => standing.manages(person));
  }

  #views(people: readonly Person[]): readonly PersonView[] {
    return people.flatMap(({ name, identity }) => {
      const document = this.#port.document(identity.rep);
      return document ? [personView(name, document, this.#port.policy)] : [];
    });
  }

  async #queueNamed(typed: string): Promise<QueueView | null> {
    const wanted = folded(typed);
    const views = (await this.#port.queues?.queues()) ?? [];
    const byId = /^id:(.+)$/.exec(typed)?.[1];
    if (byId !== undefined) return views.find(({ id }) => id === byId) ?? null;
    // Every name begins with nothing.
    if (wanted === "") return null;
    return (
      views.find(({ name }) => folded(name) === wanted) ??
      views.find(({ name }) => folded(name).startsWith(wanted)) ??
      null
    );
  }

  async #history(rep: RepId, sinceMs: number): Promise<readonly StoredHistoryEntry[]> {
    const entries: StoredHistoryEntry[] = [];
    for (;;) {
      const after = entries.at(-1)?.position ?? 0;
      const page = await this.#port.engine.history({ rep, after, sinceMs, limit: HISTORY_PAGE });
      entries.push(...page);
      if (page.length < HISTORY_PAGE || entries.length >= MOST_HISTORY) return entries;
    }
  }

  async #noteLook(asker: Asker, person: Person, isSelf: boolean, what: string): Promise<void> {
    if (isSelf) return;
    const { objectId: who } = asker.standing;
    await this.#audit.write(person.identity.rep, { deed: "lookup", who, what });
  }

  async #noteList({ standing: { objectId: who } }: Asker, what: string): Promise<void> {
    await this.#audit.write(null, { deed: "lookup", who, what });
  }

  async #refuseList(asker: Asker, what: string): Promise<Answer> {
    await this.#audit.write(null, { deed: "refusal", who: asker.standing.objectId, what });
    return asker.refuse("notAllowed");
  }
}

/**
 * The one click that has syncing go on. Bound to the choice that is shown: a newer one is not lifted by an older card.
 * A pause is ended by who asked for it.
 */
function liftOf(asker: Asker, { manual }: RepView, document: RepDocument, isSelf: boolean) {
  const { identity, rep } = document;
  if (isSelf && rep.paused?.by === BY_HERSELF)
    return asker.button("manualLift", { name: "resume" });
  if (manual === null) return null;
  const { choice } = manual;
  return asker.button(
    "manualLift",
    { name: "manual.lift", rep: `id:${identity.rep}`, choice },
    true,
  );
}
