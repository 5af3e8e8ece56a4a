import { createHash } from "node:crypto";
import { z } from "zod";
import type { Engine } from "../engine/engine.ts";
import type { Answer } from "../http/route.ts";
import { problem } from "./problem.ts";

const RECORD = "idempotency";
const KEPT_MS = 24 * 3_600_000;
/** So many answers of one integration, and so many bytes of them: a bulk call of a thousand is answered with 50 kB. */
const MOST: Most = { answers: 50_000, bytes: 32 * 1024 * 1024 };

const kept = z.object({
  print: z.string(),
  status: z.number(),
  headers: z.record(z.string(), z.string()),
  json: z.unknown(),
});
type Kept = z.infer<typeof kept> & { readonly untilMs: number; readonly bytes: number };
type Most = { readonly answers: number; readonly bytes: number };

type IdempotencyOptions = {
  readonly engine: Pick<Engine, "keep" | "kept" | "forget">;
  readonly nowMs: () => number;
  readonly most?: Most;
};

/**
 * Remembers for a day what was answered to an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header), also
 * over a restart: the same request again gets the same answer and does nothing. An integration that has more answers than
 * may be kept loses its own oldest, and takes nothing from the others.
 */
export class Idempotency {
  readonly #options: IdempotencyOptions;
  /** The oldest first. */
  readonly #answers = new Map<string, Kept>();
  readonly #running = new Set<string>();

  constructor(options: IdempotencyOptions) {
    this.#options = options;
  }

  async load(): Promise<void> {
    const read = (await this.#options.engine.kept(RECORD)).flatMap(({ id, body, expiresAtMs }) => {
      const { data } = kept.safeParse(body);
      const untilMs = expiresAtMs ?? 0;
      return data ? [{ id, answer: { ...data, untilMs, bytes: bytesOf(data) } }] : [];
    });
    for (const { id, answer } of read.toSorted((a, b) => a.answer.untilMs - b.answer.untilMs)) {
      this.#answers.set(id, answer);
    }
    await this.sweep();
  }

  /** Forgets what is a day old, and the oldest of an integration that has too many. */
  async sweep(): Promise<void> {
    const { nowMs, most = MOST } = this.#options;
    const held = new Map<string, { answers: number; bytes: number }>();
    const over = [...this.#answers].toReversed().filter(([id, { untilMs, bytes }]) => {
      const [owner = ""] = id.split(" ");
      const of = held.get(owner) ?? { answers: 0, bytes: 0 };
      held.set(owner, of);
      of.answers += 1;
      of.bytes += bytes;
      return untilMs <= nowMs() || of.answers > most.answers || of.bytes > most.bytes;
    });
    for (const [id] of over) {
      this.#answers.delete(id);
      await this.#options.engine.forget(RECORD, id);
    }
  }

  /** `print` says what was asked; `run` is called at most once for a key. */
  async once(
    owner: string,
    key: string,
    asked: string | Uint8Array,
    run: () => Promise<Answer>,
  ): Promise<Answer> {
    const id = `${owner} ${key}`;
    const print = createHash("sha256").update(asked).digest("base64");
    const before = this.#answers.get(id);
    if (before && before.untilMs > this.#options.nowMs()) {
      if (before.print === print) return replayed(before);
      const detail = "This Idempotency-Key came with another request before.";
      return problem("api-key-reused", { detail });
    }
    if (this.#running.has(id)) {
      const detail = "The first request with this Idempotency-Key is still being answered.";
      return problem("api-key-busy", { detail, headers: { "retry-after": "1" } });
    }
    this.#running.add(id);
    try {
      const answer = await run();
      if (answer.status < 300) await this.#remember(id, print, answer);
      return answer;
    } finally {
      this.#running.delete(id);
    }
  }

  async #remember(id: string, print: string, { status, headers, json }: Answer): Promise<void> {
    const untilMs = this.#options.nowMs() + KEPT_MS;
    const body = { print, status, headers: { ...headers }, json };
    await this.#options.engine.keep({ kind: RECORD, id, body, expiresAtMs: untilMs });
    // Deleted first, because a key that comes anew after a day is the youngest.
    this.#answers.delete(id);
    this.#answers.set(id, { ...body, untilMs, bytes: bytesOf(body) });
  }
}

const bytesOf = (answer: z.infer<typeof kept>): number => JSON.stringify(answer).length;

const replayed = ({ status, headers, json }: Kept): Answer => ({
  status,
  headers: { ...headers, "idempotency-replayed": "true" },
  json,
});
