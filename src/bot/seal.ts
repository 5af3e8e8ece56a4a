import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { Command } from "./commands/command.ts";

/** What a button means. It travels through the client, so it is sealed: nobody can make one, or change one. */
export type Sealed = {
  readonly command: Command | SubmitCommand;
  readonly nonce: string;
  readonly madeAtMs: number;
};

/** What only a card can ask for: the form to set a status, what was put into it, what lifts one, and what erases. */
export type SubmitCommand =
  | { readonly name: "set.form" | "set.submit"; readonly rep: string }
  /** `choice`: for which of her choices the button was made. */
  | { readonly name: "manual.lift"; readonly rep: string; readonly choice: number }
  | { readonly name: "erase.confirmed" };

export type Opened =
  | { readonly ok: true; readonly sealed: Sealed }
  /** `foreign`: changed, made by nobody of us, or for another conversation. */
  | { readonly ok: false; readonly why: "foreign" | "old" };

const VALID_MS = 24 * 3_600_000;
const LONGEST = 4_096;

const content = z.strictObject({
  c: z.looseObject({ name: z.string() }),
  k: z.string(),
  n: z.string(),
  t: z.number(),
});

/**
 * Seals what a button means with the conversation that it is for. It is no permission: whoever presses is looked at
 * again. It says that we made this button, for this target, here, and less than a day ago.
 */
export class Sealer {
  readonly #key: Buffer;
  readonly #nowMs: () => number;

  constructor(key: Buffer, nowMs: () => number) {
    this.#key = key;
    this.#nowMs = nowMs;
  }

  seal(command: Sealed["command"], conversationId: string): string {
    const nonce = randomBytes(9).toString("base64url");
    const json = { c: command, k: conversationId, n: nonce, t: this.#nowMs() };
    const body = Buffer.from(JSON.stringify(json)).toString("base64url");
    return `${body}.${this.#mac(body)}`;
  }

  open(ref: unknown, conversationId: string): Opened {
    const foreign = { ok: false, why: "foreign" } as const;
    if (typeof ref !== "string" || ref.length > LONGEST) return foreign;
    const [body = "", mac = "", ...more] = ref.split(".");
    const expected = Buffer.from(this.#mac(body));
    const given = Buffer.from(mac);
    if (more.length > 0 || given.length !== expected.length) return foreign;
    if (!timingSafeEqual(given, expected)) return foreign;
    const parsed = content.safeParse(JSON.parse(Buffer.from(body, "base64url").toString("utf8")));
    if (!parsed.success || parsed.data.k !== conversationId) return foreign;
    const { c, n: nonce, t: madeAtMs } = parsed.data;
    if (this.#nowMs() - madeAtMs > VALID_MS) return { ok: false, why: "old" };
    // The seal says that it is a command that we wrote.
    return { ok: true, sealed: { command: c as Sealed["command"], nonce, madeAtMs } };
  }

  #mac(body: string): string {
    return createHmac("sha256", this.#key).update(body).digest("base64url");
  }
}
