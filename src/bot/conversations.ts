import { z } from "zod";
import { InTurn } from "./in-turn.ts";
import type { BotPort } from "./port.ts";
import type { Turn } from "./turn.ts";

const KIND = "bot.conversation";
/** A conversation that nobody has written in for so long is forgotten. */
const KEPT_MS = 180 * 86_400_000;
/** Writing in it renews it, but not at every message. */
const RENEW_MS = 86_400_000;

/** What the SDK needs to write there, as it gave it to us. Only these two are ours to read. */
const referenceSchema = z.looseObject({
  serviceUrl: z.string(),
  conversation: z.looseObject({ id: z.string() }),
});

const bodySchema = z.object({
  reference: referenceSchema,
  place: z.enum(["personal", "groupChat", "channel"]),
  /** Whose personal chat it is; elsewhere nobody's. */
  objectId: z.string().nullable(),
  locale: z.string().nullable(),
  seenAtMs: z.number(),
});

export type Conversation = z.output<typeof bodySchema> & { readonly id: string };

/** Where the bot may write without being asked: the conversations in which it was met, in the engine. */
export class Conversations {
  readonly #engine: BotPort["engine"];
  readonly #nowMs: () => number;
  readonly #known = new Map<string, Conversation>();
  /** By conversation. */
  readonly #inTurn = new InTurn();

  constructor({ engine, nowMs }: Pick<BotPort, "engine" | "nowMs">) {
    this.#engine = engine;
    this.#nowMs = nowMs;
  }

  async load(): Promise<void> {
    for (const { id, body } of await this.#engine.kept(KIND)) {
      const parsed = bodySchema.safeParse(body);
      if (parsed.success) this.#known.set(id, { id, ...parsed.data });
    }
  }

  find(id: string): Conversation | null {
    return this.#known.get(id) ?? null;
  }

  remember(turn: Turn, given: unknown): Promise<void> {
    return this.#inTurn.do(turn.conversationId, () => this.#remember(turn, given));
  }

  async #remember(turn: Turn, given: unknown): Promise<void> {
    const seenAtMs = this.#nowMs();
    const reference = referenceSchema.parse(given);
    const { conversationId: id, place, locale } = turn;
    const known = this.#known.get(id);
    const same = known?.reference.serviceUrl === reference.serviceUrl && known.locale === locale;
    if (known && same && seenAtMs - known.seenAtMs < RENEW_MS) return;
    const objectId = place === "personal" ? turn.objectId : null;
    const conversation = { ...reference.conversation, id };
    const body = { reference: { ...reference, conversation }, place, objectId, locale, seenAtMs };
    await this.#engine.keep({ kind: KIND, id, body, expiresAtMs: seenAtMs + KEPT_MS });
    this.#known.set(id, { id, ...body });
  }

  /** As long as the store has it, it is known: whoever is told that it failed can ask for it again. */
  forget(id: string): Promise<boolean> {
    return this.#inTurn.do(id, async () => {
      const was = await this.#engine.forget(KIND, id);
      this.#known.delete(id);
      return was;
    });
  }

  /** Forgets the personal chat of somebody, and says how many that was. */
  async forgetPerson(objectId: string): Promise<number> {
    const theirs = await this.of(objectId);
    for (const { id } of theirs) await this.forget(id);
    return theirs.length;
  }

  of(objectId: string): Promise<readonly Conversation[]> {
    return Promise.resolve(
      [...this.#known.values()].filter((known) => known.objectId === objectId),
    );
  }
}
