import { z } from "zod";
import { plain } from "./cards/element.ts";
import { noteCard } from "./cards/note-card.ts";
import { languagesFor } from "./commands/languages.ts";
import { say } from "./commands/words.ts";
import type { Conversations } from "./conversations.ts";
import { InTurn } from "./in-turn.ts";
import type { Outbox } from "./outbox.ts";
import type { BotPort } from "./port.ts";

const KIND = "bot.watch";
/** After so long nobody waits any more. */
export const WATCH_MS = 8 * 3_600_000;
/** Available for a moment between two calls is not available. */
const DWELL_MS = 20_000;

const bodySchema = z.object({
  who: z.string(),
  conversationId: z.string(),
  target: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("rep"), rep: z.string(), name: z.string() }),
    z.object({ kind: z.literal("queue"), name: z.string() }),
  ]),
  untilMs: z.number(),
});
export type Watch = z.output<typeof bodySchema> & { readonly id: string };
export type Target = Watch["target"];

/** Whether the one who asked may still be told. */
export type MayTell = (watch: Watch) => Promise<boolean>;

/**
 * "Tell me when she is available": once, not for a flicker, not after eight hours, and only if the one who asked may
 * still see her then. Kept in the engine, so a restart forgets nobody.
 */
export class Watches {
  readonly #port: BotPort;
  readonly #conversations: Conversations;
  readonly #outbox: Outbox;
  readonly #mayTell: MayTell;
  readonly #watches = new Map<string, Watch>();
  readonly #availableSinceMs = new Map<string, number>();
  /** By who asked. */
  readonly #inTurn = new InTurn();

  constructor(port: BotPort, conversations: Conversations, outbox: Outbox, mayTell: MayTell) {
    this.#port = port;
    this.#conversations = conversations;
    this.#outbox = outbox;
    this.#mayTell = mayTell;
  }

  async load(): Promise<void> {
    for (const { id, body } of await this.#port.engine.kept(KIND)) {
      const parsed = bodySchema.safeParse(body);
      if (parsed.success) this.#watches.set(id, { id, ...parsed.data });
    }
  }

  /** `false`: it was asked for already. */
  add(who: string, conversationId: string, target: Target): Promise<boolean> {
    return this.#inTurn.do(who, () => this.#add(who, conversationId, target));
  }

  async #add(who: string, conversationId: string, target: Target): Promise<boolean> {
    const id = `${who}:${keyOf(target)}`;
    const nowMs = this.#port.nowMs();
    const known = this.#watches.get(id);
    if (known && known.untilMs > nowMs) return false;
    const body = { who, conversationId, target, untilMs: nowMs + WATCH_MS };
    await this.#port.engine.keep({ kind: KIND, id, body, expiresAtMs: body.untilMs });
    this.#watches.set(id, { id, ...body });
    return true;
  }

  of(who: string): Promise<readonly Watch[]> {
    return Promise.resolve([...this.#watches.values()].filter((watch) => watch.who === who));
  }

  forgetAll(who: string): Promise<number> {
    return this.#inTurn.do(who, async () => {
      const theirs = await this.of(who);
      for (const { id } of theirs) await this.#forget(id);
      return theirs.length;
    });
  }

  /**
   * Looks once; to be called every few seconds. `available` says it of a target at this moment. What cannot be known, or
   * not be stored, waits for the next look and holds up nobody else; it is thrown when everybody was looked at.
   */
  async tick(available: (target: Target) => Promise<boolean>): Promise<void> {
    const nowMs = this.#port.nowMs();
    const targets = new Map(
      [...this.#watches.values()].map(({ target }) => [keyOf(target), target]),
    );
    for (const key of this.#availableSinceMs.keys()) {
      if (!targets.has(key)) this.#availableSinceMs.delete(key);
    }
    const faults: unknown[] = [];
    const noted = (error: unknown): false => {
      faults.push(error);
      return false;
    };
    for (const [key, target] of targets) {
      if (!(await available(target).catch(noted))) this.#availableSinceMs.delete(key);
      else if (!this.#availableSinceMs.has(key)) this.#availableSinceMs.set(key, nowMs);
    }
    for (const watch of this.#watches.values()) {
      const sinceMs = this.#availableSinceMs.get(keyOf(watch.target)) ?? Infinity;
      if (watch.untilMs <= nowMs) await this.#forget(watch.id).catch(noted);
      else if (nowMs - sinceMs >= DWELL_MS) await this.#tell(watch).catch(noted);
    }
    if (faults.length > 0) throw faults[0];
  }

  /** Forgotten before it is sent: to be told twice is worse than not to be told. */
  async #tell(watch: Watch): Promise<void> {
    if (!(await this.#mayTell(watch))) {
      await this.#forget(watch.id);
      return;
    }
    await this.#forget(watch.id);
    const conversation = this.#conversations.find(watch.conversationId);
    if (!conversation) return;
    const [words] = languagesFor(conversation.locale);
    const says = say(words, "notifyFired", { target: plain(watch.target.name) });
    const sent = await this.#outbox.send(conversation, noteCard(words, says));
    if (!sent.ok && sent.why === "gone") await this.#conversations.forget(conversation.id);
  }

  async #forget(id: string): Promise<void> {
    await this.#port.engine.forget(KIND, id);
    this.#watches.delete(id);
  }
}

const keyOf = (target: Target): string =>
  target.kind === "rep" ? `rep ${target.rep}` : `queue ${target.name}`;
