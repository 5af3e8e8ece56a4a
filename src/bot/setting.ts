import { z } from "zod";
import { holdId, nameOf, systemName } from "../presence/identity.ts";
import { type Status, STATUSES } from "../presence/status.ts";
import { type RepEvent, takeEvent } from "../reconcile/event.ts";
import { overrideOf } from "../reconcile/explain.ts";
import { statusOf } from "../reconcile/resolve.ts";
import type { Answer, Asker } from "./asker.ts";
import type { Audit } from "./audit.ts";
import { plain } from "./cards/element.ts";
import { noteCard } from "./cards/note-card.ts";
import { SETTABLE, setForm, setResult } from "./cards/set-card.ts";
import type { Command } from "./commands/command.ts";
import { readUntil, untilMs } from "./commands/time.ts";
import { statusWords } from "./commands/words.ts";
import type { BotPort, Person } from "./port.ts";
import { BOT_HOLD } from "./view.ts";
import { whom } from "./whom.ts";

const LONGEST_REASON = 200;

/** What the form sends beside its seal. A client sends what it likes, so everything is checked. */
const inputs = z.object({
  status: z.enum(STATUSES),
  until: z.string().max(20).default(""),
  reason: z.string().max(LONGEST_REASON).default(""),
});

type Wanted = {
  readonly status: Status;
  readonly untilMs: number | null;
  readonly reason: string | null;
};

/**
 * Sets and releases. A status with an end is a hold: it lies over what she chose and gives it back. One without is a
 * choice like her own, which she can change at once. Written into the audit first, then accepted by the store, then
 * acted on; the same button or message twice is one deed.
 */
export class Setting {
  readonly #port: BotPort;
  readonly #audit: Audit;

  constructor(port: BotPort, audit: Audit) {
    this.#port = port;
    this.#audit = audit;
  }

  async form(asker: Asker, typed: string): Promise<Answer> {
    const about = (rep: string): Command => ({ name: "status", rep });
    const found = await whom(asker, typed, "set", about, this.#port, this.#audit);
    if (!found.ok) return found.answer;
    return this.#form(asker, found.person, found.isSelf, null);
  }

  /** What came back from the form. */
  async submit(asker: Asker, typed: string, data: unknown): Promise<Answer> {
    const about = (rep: string): Command => ({ name: "status", rep });
    const found = await whom(asker, typed, "set", about, this.#port, this.#audit);
    if (!found.ok) return found.answer;
    const { person, isSelf } = found;
    const parsed = inputs.safeParse(data);
    if (!parsed.success) {
      const detail = parsed.error.issues.map(({ path }) => path.join(".")).join(", ");
      return asker.refuse("inputWrong", { detail });
    }
    const { status, until, reason } = parsed.data;
    const again = (problem: string): Answer => this.#form(asker, person, isSelf, problem);
    const typedUntil = until.trim();
    const read = typedUntil === "" ? null : readUntil(typedUntil, asker.words);
    if (typedUntil !== "" && read === null) {
      return again(asker.say("setUntilWrong", { until: plain(typedUntil) }));
    }
    const ends = read === null ? null : untilMs(read, asker.nowMs, asker.turn);
    const wanted = { status, untilMs: ends, reason: reason.trim() === "" ? null : reason.trim() };
    const problem = problemWith(asker, wanted, isSelf);
    return problem === null ? this.#set(asker, person, isSelf, wanted) : again(problem);
  }

  /** What was typed as one command. */
  async set(asker: Asker, command: Command & { readonly name: "set" }): Promise<Answer> {
    const about = (rep: string): Command => ({ ...command, rep });
    const found = await whom(asker, command.rep, "set", about, this.#port, this.#audit);
    if (!found.ok) return found.answer;
    const { person, isSelf } = found;
    const { status, until, reason } = command;
    const { nowMs, turn } = asker;
    const ends = until === null ? null : untilMs(until, nowMs, turn);
    const wanted = { status, untilMs: ends, reason: reason?.slice(0, LONGEST_REASON) ?? null };
    const problem = problemWith(asker, wanted, isSelf);
    if (problem !== null) return this.#form(asker, person, isSelf, problem);
    return this.#set(asker, person, isSelf, wanted);
  }

  async release(asker: Asker, typed: string): Promise<Answer> {
    const about = (rep: string): Command => ({ name: "release", rep });
    const found = await whom(asker, typed, "release", about, this.#port, this.#audit);
    if (!found.ok) return found.answer;
    const { person, isSelf } = found;
    const { words, standing, nowMs } = asker;
    const document = this.#port.document(person.identity.rep);
    const name = plain(person.name);
    if (!document || !(BOT_HOLD in document.rep.holds)) {
      return { card: noteCard(words, asker.say("releaseNothing", { name })) };
    }
    const { rep } = person.identity;
    await this.#audit.write(rep, { deed: "set", who: standing.objectId, what: "release" });
    const event: RepEvent = { type: "hold.ended", hold: holdId(BOT_HOLD) };
    const source = sourceOf(isSelf);
    const done = await this.#do(asker, person, isSelf, "release", event);
    if (done !== "accepted")
      return asker.refuse(done === "duplicate" ? "alreadyDone" : "notSubmitted");
    const origin = { source: systemName(source), eventId: "", atMs: nowMs };
    const after = takeEvent(document.rep, event, origin, this.#port.policy);
    const status = statusWords(words, statusOf(after));
    const show = asker.button("refresh", { name: "status", rep: `id:${rep}` });
    return { card: noteCard(words, asker.say("releaseDone", { name, status }), [show]) };
  }

  /**
   * Lets a status that she set by hand give way, on her own word or that of who may set her, as DESIGN has it; never
   * without a press, and only while it is the choice for which the button was made and hides something.
   */
  async lift(asker: Asker, typed: string, choice: number): Promise<Answer> {
    const about = (rep: string): Command => ({ name: "status", rep });
    const found = await whom(asker, typed, "set", about, this.#port, this.#audit);
    if (!found.ok) return found.answer;
    const { person, isSelf } = found;
    const { words, standing } = asker;
    const { rep } = person.identity;
    const document = this.#port.document(rep);
    const override = document && overrideOf(document.rep, this.#port.policy);
    const name = plain(person.name);
    const show = asker.button("refresh", { name: "status", rep: `id:${rep}` });
    if (override?.choice !== choice) {
      return { card: noteCard(words, asker.say("manualNothing", { name }), [show]) };
    }
    const { status, hides, system } = override;
    const what = `lift ${status} in ${system}`;
    await this.#audit.write(rep, { deed: "set", who: standing.objectId, what });
    const done = await this.#do(asker, person, isSelf, "lift", { type: "manual.lifted", choice });
    if (done !== "accepted")
      return asker.refuse(done === "duplicate" ? "alreadyDone" : "notSubmitted");
    const values = { status: statusWords(words, status), hides: statusWords(words, hides) };
    const says = asker.say("manualLifted", { ...values, name, where: nameOf(system) });
    return { card: noteCard(words, says, [show]) };
  }

  #form(asker: Asker, person: Person, isSelf: boolean, problem: string | null): Answer {
    const rep = `id:${person.identity.rep}`;
    const buttons = [
      { ...asker.button("setSubmit", { name: "set.submit", rep }, true), submits: true },
      asker.button("setCancel", { name: "status", rep }),
    ];
    return { card: setForm(person.name, isSelf, asker.words, buttons, problem) };
  }

  async #set(asker: Asker, person: Person, isSelf: boolean, wanted: Wanted): Promise<Answer> {
    const { status, reason } = wanted;
    const { rep } = person.identity;
    const what = [
      status,
      ...(wanted.untilMs === null ? [] : [`until ${new Date(wanted.untilMs).toISOString()}`]),
      ...(reason === null ? [] : [`because ${reason}`]),
    ].join(" ");
    await this.#audit.write(rep, { deed: "set", who: asker.standing.objectId, what });
    let done: Done;
    if (wanted.untilMs === null) {
      // What was laid over her before would hide the new choice.
      const held = BOT_HOLD in (this.#port.document(rep)?.rep.holds ?? {});
      const ended: RepEvent = { type: "hold.ended", hold: holdId(BOT_HOLD) };
      if (held) await this.#do(asker, person, isSelf, "uncover", ended);
      done = await this.#do(asker, person, isSelf, "set", { type: "status.set", status });
    } else {
      const { untilMs: ends } = wanted;
      const event = {
        type: "hold.started",
        hold: holdId(BOT_HOLD),
        status,
        untilMs: ends,
      } as const;
      done = await this.#do(asker, person, isSelf, "set", event);
    }
    if (done !== "accepted")
      return asker.refuse(done === "duplicate" ? "alreadyDone" : "notSubmitted");
    const show = asker.button("refresh", { name: "status", rep: `id:${rep}` });
    const view = { name: person.name, ...wanted };
    return { card: setResult(view, asker.nowMs, asker.words, [show]) };
  }

  async #do(
    asker: Asker,
    { identity: { rep } }: Person,
    isSelf: boolean,
    step: string,
    event: RepEvent,
  ): Promise<Done> {
    const inboxEvent = {
      id: `${asker.onceKey}:${step}`,
      source: sourceOf(isSelf),
      rep,
      receivedAtMs: asker.nowMs,
      body: event,
    };
    try {
      const result = await this.#port.engine.accept(inboxEvent);
      if (result === "accepted") this.#port.submit(inboxEvent);
      return result;
    } catch {
      return "failed";
    }
  }
}

type Done = "accepted" | "duplicate" | "failed";

/** Who said it, in the words of the history; never a person's name. No partner's name has a space. */
const sourceOf = (isSelf: boolean): string => (isSelf ? "the rep herself" : "a manager");

/** What keeps it from being set, as a sentence; `null` if nothing does. */
function problemWith(asker: Asker, wanted: Wanted, isSelf: boolean): string | null {
  const status = statusWords(asker.words, wanted.status);
  if (!SETTABLE.includes(wanted.status)) return asker.say("inputWrong", { detail: status });
  const isOpenEnded = wanted.status === "Available" || wanted.status === "Offline";
  if (wanted.untilMs !== null && isOpenEnded) return asker.say("setCannotEnd", { status });
  if (!isSelf && wanted.reason === null) return asker.say("setNeedsReason");
  return null;
}
