import { z } from "zod";
import type { KeptRecord } from "../engine/engine.ts";
import type { RepId } from "../presence/identity.ts";
import type { BotPort } from "./port.ts";

/** What is written down of what people do through the bot. Ids only: names are looked up when it is read. */
const bodySchema = z.object({
  atMs: z.number(),
  deed: z.enum(["lookup", "set", "refusal"]),
  /** Entra object id. */
  who: z.string(),
  /** The command, and what was set. */
  what: z.string(),
});
export type AuditEntry = z.output<typeof bodySchema>;

const KEPT_MS = 90 * 86_400_000;
/** A card that refreshes itself is one look, not sixty. */
const ONE_LOOK_MS = 60_000;
/** A list names nobody in particular, and a board that is left open asks again and again. */
const ONE_LIST_MS = 15 * 60_000;
/** Where lists and refusals that are about nobody in particular are kept. */
const NOBODY = "nobody";

const kindOf = (rep: RepId | null): string => `bot.audit:${rep ?? NOBODY}`;

/** Writes down before it is done; what cannot be written down is not done. */
export class Audit {
  readonly #engine: BotPort["engine"];
  readonly #nowMs: () => number;
  readonly #looks = new Map<string, number>();
  #count = 0;

  constructor({ engine, nowMs }: Pick<BotPort, "engine" | "nowMs">) {
    this.#engine = engine;
    this.#nowMs = nowMs;
  }

  /** About one rep, or about nobody in particular. Resolves when it is durable. */
  async write(rep: RepId | null, entry: Omit<AuditEntry, "atMs">): Promise<void> {
    const atMs = this.#nowMs();
    const look = `${rep ?? NOBODY} ${entry.who} ${entry.what}`;
    if (entry.deed === "lookup" && this.#isSameLook(rep, look, atMs)) return;
    this.#count += 1;
    const id = `${String(atMs).padStart(15, "0")}-${process.pid}-${this.#count}`;
    const body: AuditEntry = { atMs, ...entry };
    await this.#engine.keep({ kind: kindOf(rep), id, body, expiresAtMs: atMs + KEPT_MS });
    if (entry.deed !== "lookup") return;
    // Only what is written down stands for the looks that follow.
    if (this.#looks.size > 10_000) this.#looks.clear();
    this.#looks.set(look, atMs);
  }

  /** What was done about a rep, oldest first. */
  async about(rep: RepId): Promise<readonly AuditEntry[]> {
    return decoded(await this.#engine.kept(kindOf(rep)));
  }

  /** Erases who looked her up, for good. Who set her status, and who was refused, stays. */
  async eraseLookups(rep: RepId): Promise<number> {
    // What was erased stands for nothing that follows.
    this.#looks.clear();
    let erased = 0;
    for (const record of await this.#engine.kept(kindOf(rep))) {
      const body = bodySchema.safeParse(record.body);
      if (body.data?.deed !== "lookup") continue;
      if (await this.#engine.forget(record.kind, record.id)) erased += 1;
    }
    return erased;
  }

  #isSameLook(rep: RepId | null, look: string, atMs: number): boolean {
    const agoMs = atMs - (this.#looks.get(look) ?? -Infinity);
    // A clock that was set back makes no look the same for as long as it was set back.
    return agoMs >= 0 && agoMs < (rep === null ? ONE_LIST_MS : ONE_LOOK_MS);
  }
}

function decoded(records: readonly KeptRecord[]): readonly AuditEntry[] {
  return records.flatMap(({ body }) => bodySchema.safeParse(body).data ?? []);
}
