import { createHash } from "node:crypto";
import { z } from "zod";
import type { Engine } from "../engine/engine.ts";
import type { InboundRequest } from "../http/route.ts";

const RECORD = "signed-request";
/** A signed message may be sent again for so long: twice the window in which its time counts as now. */
const REMEMBERED_MS = 10 * 60_000;
const FORGOTTEN_AT_ONCE = 500;

const kept = z.object({ print: z.string() });

type Seen = {
  readonly print: string;
  readonly untilMs: number;
  /** Resolves once it is durable; `null` if it could not be made so. */
  stored: Promise<void> | null;
};
const STORED = Promise.resolve();

type ReplayStoreOptions = {
  readonly engine: Pick<Engine, "keep" | "kept" | "forget">;
  readonly nowMs: () => number;
};

/**
 * Which request each signed id was used for. Standard Webhooks signs the id, the time and the body, but not the path: whoever
 * sees a request pass could send it elsewhere. So an id belongs to the request that brought it first, restarts included; a
 * write may be sent again as it was, a read asks anew.
 */
export class ReplayStore {
  readonly #options: ReplayStoreOptions;
  readonly #seen = new Map<string, Seen>();

  constructor(options: ReplayStoreOptions) {
    this.#options = options;
  }

  async load(): Promise<void> {
    for (const { id, body, expiresAtMs } of await this.#options.engine.kept(RECORD)) {
      const read = kept.safeParse(body);
      if (read.success) {
        this.#seen.set(id, { ...read.data, untilMs: expiresAtMs ?? 0, stored: STORED });
      }
    }
    await this.sweep();
  }

  /** Forgets what nobody could send again. */
  async sweep(): Promise<void> {
    const nowMs = this.#options.nowMs();
    const over = [...this.#seen].filter(([, { untilMs }]) => untilMs <= nowMs);
    for (let at = 0; at < over.length; at += FORGOTTEN_AT_ONCE) {
      const some = over.slice(at, at + FORGOTTEN_AT_ONCE);
      for (const [id] of some) this.#seen.delete(id);
      await Promise.all(some.map(([id]) => this.#options.engine.forget(RECORD, id)));
    }
  }

  /**
   * `null` if the id was used for something else. Otherwise resolves once that is durable: to be awaited before the
   * request is answered, not before it is acted on, so that both share a flush. Only for requests that are within their
   * quota, or a flood would fill the store.
   */
  claim(integration: string, id: string, request: InboundRequest): Promise<void> | null {
    const { nowMs } = this.#options;
    const key = `${integration} ${id}`;
    const { method, path, query, body } = request;
    const hash = createHash("sha256").update(`${method} ${path}?${query.toString()}\n`);
    const print = hash.update(body).digest("base64");
    const before = this.#seen.get(key);
    if (before && before.untilMs > nowMs()) {
      if (before.print !== print || method === "GET") return null;
      return before.stored ?? this.#store(key, before);
    }
    const seen = { print, untilMs: nowMs() + REMEMBERED_MS, stored: null };
    this.#seen.set(key, seen);
    return this.#store(key, seen);
  }

  #store(id: string, seen: Seen): Promise<void> {
    const { print, untilMs } = seen;
    const record = { kind: RECORD, id, body: { print }, expiresAtMs: untilMs };
    const stored = this.#options.engine.keep(record);
    seen.stored = stored;
    stored.catch(() => {
      seen.stored = null;
    });
    return stored;
  }
}
