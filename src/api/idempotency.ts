import { createHash } from "node:crypto";
import { z } from "zod";
import type { Engine } from "../engine/engine.ts";
import type { Answer } from "../http/route.ts";
import { problem } from "./problem.ts";

const RECORD = "idempotency";
const KEPT_MS = 24 * 3_600_000;
const MAX_KEPT = 100_000;

const kept = z.object({
  print: z.string(),
  status: z.number(),
  headers: z.record(z.string(), z.string()),
  json: z.unknown(),
});
type Kept = z.infer<typeof kept> & { readonly untilMs: number };

type IdempotencyOptions = {
  readonly engine: Pick<Engine, "keep" | "kept" | "forget">;
  readonly nowMs: () => number;
};

/**
 * Remembers for a day what was answered to an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header), also
 * over a restart: the same request again gets the same answer and does nothing.
 */
export class Idempotency {
  readonly #options: IdempotencyOptions;
  readonly #answers = new Map<string, Kept>();
  readonly #running = new Set<string>();

  constructor(options: IdempotencyOptions) {
    this.#options = options;
  }

  async load(): Promise<void> {
    for (const { id, body, expiresAtMs } of await this.#options.engine.kept(RECORD)) {
      const read = kept.safeParse(body);
      if (read.success) this.#answers.set(id, { ...read.data, untilMs: expiresAtMs ?? 0 });
    }
    await this.sweep();
  }

  /** Forgets what is a day old, and the oldest where there are too many. */
  async sweep(): Promise<void> {
    const nowMs = this.#options.nowMs();
    const byAge = [...this.#answers].toSorted(([, a], [, b]) => a.untilMs - b.untilMs);
    const surplus = Math.max(0, byAge.length - MAX_KEPT);
    const over = byAge.filter(([, { untilMs }], index) => untilMs <= nowMs || index < surplus);
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
    this.#answers.set(id, { ...body, untilMs });
  }
}

const replayed = ({ status, headers, json }: Kept): Answer => ({
  status,
  headers: { ...headers, "idempotency-replayed": "true" },
  json,
});
