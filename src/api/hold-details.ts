import { z } from "zod";
import type { Engine } from "../engine/engine.ts";
import { type HoldId, holdId } from "../presence/identity.ts";

const RECORD = "hold-detail";
const kept = z.object({ detail: z.string() });

/** What a partner wrote beside its call. The decision does not need it, so it is kept beside the reps. */
export class HoldDetails {
  readonly #engine: Pick<Engine, "keep" | "kept" | "forget">;
  readonly #nowMs: () => number;
  readonly #details = new Map<HoldId, { readonly detail: string; readonly untilMs: number }>();

  constructor(engine: Pick<Engine, "keep" | "kept" | "forget">, nowMs: () => number) {
    this.#engine = engine;
    this.#nowMs = nowMs;
  }

  async load(): Promise<void> {
    for (const { id, body, expiresAtMs } of await this.#engine.kept(RECORD)) {
      const read = kept.safeParse(body);
      if (read.success) {
        this.#details.set(holdId(id), { ...read.data, untilMs: expiresAtMs ?? 0 });
      }
    }
    await this.sweep();
  }

  get(hold: HoldId): string | null {
    return this.#details.get(hold)?.detail ?? null;
  }

  /** A heartbeat without a detail leaves the one that is there. */
  async put(hold: HoldId, detail: string | null, untilMs: number): Promise<void> {
    const text = detail ?? this.get(hold);
    if (text === null) return;
    this.#details.set(hold, { detail: text, untilMs });
    const record = { kind: RECORD, id: hold, body: { detail: text }, expiresAtMs: untilMs };
    await this.#engine.keep(record);
  }

  async forget(hold: HoldId): Promise<void> {
    if (this.#details.delete(hold)) await this.#engine.forget(RECORD, hold);
  }

  /** Forgets the details of holds that are over by now. */
  async sweep(): Promise<void> {
    for (const [hold, { untilMs }] of this.#details) {
      if (untilMs > this.#nowMs()) continue;
      this.#details.delete(hold);
      await this.#engine.forget(RECORD, hold);
    }
  }
}
