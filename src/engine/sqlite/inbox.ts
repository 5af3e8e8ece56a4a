import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { InboxEvent } from "../engine.ts";
import { repId } from "../../presence/identity.ts";
import { requireWellFormed, toJson } from "../refusal.ts";
import { numberIn, requireSeal, seal, textIn } from "./seal.ts";

export type EventKey = Pick<InboxEvent, "id" | "source">;
export type EventWrite = Omit<InboxEvent, "body"> & { readonly body: string };

export function eventWrite(event: InboxEvent): EventWrite {
  requireWellFormed(event.source, event.id, event.rep);
  return { ...event, body: toJson(event.body) };
}

/** The key alone: an event that is settled need not be carried along whole. */
export const eventKey = ({ id, source }: EventKey): EventKey => ({ id, source });

/**
 * The table of events. A settled one loses its body at once, and keeps its key until it is pruned, so that a
 * sender who repeats it is still recognised.
 */
export class Inbox {
  readonly #insert: StatementSync;
  readonly #settle: StatementSync;
  readonly #settleAll: StatementSync;
  readonly #unsettled: StatementSync;
  readonly #settled: StatementSync;
  readonly #prune: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare(
      `INSERT INTO inbox (source, id, rep, received_at_ms, body, settled, seal) VALUES (?, ?, ?, ?, ?, 0, ?)
       ON CONFLICT (source, id) DO NOTHING`,
    );
    this.#settle = db.prepare(
      "UPDATE inbox SET settled = 1, body = NULL WHERE source = ? AND id = ? AND settled = 0",
    );
    this.#settleAll = db.prepare(
      "UPDATE inbox SET settled = 1, body = NULL WHERE rep = ? AND settled = 0",
    );
    this.#unsettled = db.prepare("SELECT * FROM inbox WHERE settled = 0 ORDER BY arrival");
    this.#settled = db.prepare("SELECT * FROM inbox WHERE settled = 1 ORDER BY arrival");
    this.#prune = db.prepare(
      `DELETE FROM inbox WHERE arrival IN
       (SELECT arrival FROM inbox WHERE settled = 1 AND received_at_ms < ? LIMIT ?)`,
    );
  }

  accept(event: EventWrite): "accepted" | "duplicate" {
    const { source, id, rep, receivedAtMs, body } = event;
    const sum = seal(source, id, rep, receivedAtMs, body);
    const { changes } = this.#insert.run(source, id, rep, receivedAtMs, body, sum);
    return changes === 1 ? "accepted" : "duplicate";
  }

  settle(key: EventKey): void {
    this.#settle.run(key.source, key.id);
  }

  settleAllOf(rep: string): void {
    this.#settleAll.run(rep);
  }

  unsettled(): readonly InboxEvent[] {
    return this.#unsettled.all().map((row) => {
      const source = textIn(row, "source");
      const id = textIn(row, "id");
      const rep = textIn(row, "rep");
      const receivedAtMs = numberIn(row, "received_at_ms");
      const body = textIn(row, "body");
      requireSeal(row, source, id, rep, receivedAtMs, body);
      return { source, id, rep: repId(rep), receivedAtMs, body: JSON.parse(body) as unknown };
    });
  }

  /** The seal of a settled event covered its body too, which is gone. */
  settled(): readonly Omit<InboxEvent, "body">[] {
    return this.#settled.all().map((row) => ({
      source: textIn(row, "source"),
      id: textIn(row, "id"),
      rep: repId(textIn(row, "rep")),
      receivedAtMs: numberIn(row, "received_at_ms"),
    }));
  }

  /** Deletes at most `limit` settled keys; how many it was. */
  prune(beforeMs: number, limit: number): number {
    return Number(this.#prune.run(beforeMs, limit).changes);
  }
}
