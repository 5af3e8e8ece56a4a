import type { Card } from "./cards/element.ts";
import type { Conversation } from "./conversations.ts";
import type { BotPort } from "./port.ts";

/** Sends into one conversation. Rejects with the status of the answer in `statusCode`. */
export type Sender = {
  /** Resolves to the id of the new message. */
  send(conversation: Conversation, card: Card): Promise<string>;
  update(conversation: Conversation, messageId: string, card: Card): Promise<void>;
};

/** `gone`: the bot was removed there, or the message deleted; trying again is of no use. */
export type Delivered =
  | { readonly ok: true; readonly messageId: string }
  | { readonly ok: false; readonly why: "gone" | "failed" };

/** Microsoft: "Send proactive messages": retry these, with a growing pause and jitter. */
const RETRIED: ReadonlySet<number> = new Set([412, 429, 500, 502, 503, 504]);
const GONE: ReadonlySet<number> = new Set([403, 404, 410]);
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 1_000;

/** Sends what nobody asked for just now, one message a conversation at a time, and tries again where that helps. */
export class Outbox {
  readonly #sender: Sender;
  readonly #port: Pick<BotPort, "after" | "random">;
  readonly #lines = new Map<string, Promise<unknown>>();

  constructor(sender: Sender, port: Pick<BotPort, "after" | "random">) {
    this.#sender = sender;
    this.#port = port;
  }

  send(conversation: Conversation, card: Card): Promise<Delivered> {
    return this.#inLine(conversation.id, () =>
      this.#persist(() => this.#sender.send(conversation, card)),
    );
  }

  update(conversation: Conversation, messageId: string, card: Card): Promise<Delivered> {
    return this.#inLine(conversation.id, () =>
      this.#persist(async () => {
        await this.#sender.update(conversation, messageId, card);
        return messageId;
      }),
    );
  }

  /** Sends what was asked for, at once and beside whatever waits. Rejects when it could not be sent. */
  async reply(act: () => Promise<unknown>): Promise<void> {
    const sent = await this.#persist(async () => {
      await act();
      return "";
    });
    if (!sent.ok) throw new Error("the answer could not be sent");
  }

  #inLine(id: string, act: () => Promise<Delivered>): Promise<Delivered> {
    const before = this.#lines.get(id) ?? Promise.resolve();
    const mine = before.then(act, act);
    this.#lines.set(id, mine);
    void mine.finally(() => {
      if (this.#lines.get(id) === mine) this.#lines.delete(id);
    });
    return mine;
  }

  async #persist(act: () => Promise<string>): Promise<Delivered> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return { ok: true, messageId: await act() };
      } catch (error) {
        const status = statusOf(error);
        if (GONE.has(status)) return { ok: false, why: "gone" };
        if (!RETRIED.has(status) || attempt === ATTEMPTS) return { ok: false, why: "failed" };
      }
      const pauseMs = FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + this.#port.random());
      await new Promise<void>((resolve) => {
        this.#port.after(pauseMs, resolve);
      });
    }
  }
}

/** 503 for what never got an answer, 400 for what could not even be sent. */
function statusOf(error: unknown): number {
  if (error instanceof TypeError || error instanceof URIError) return 400;
  if (typeof error !== "object" || error === null) return 503;
  const { statusCode, code } = error as { readonly statusCode?: unknown; readonly code?: unknown };
  if (typeof statusCode === "number") return statusCode;
  return typeof code === "string" ? 503 : 500;
}
