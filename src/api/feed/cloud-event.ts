import type { StoredHistoryEntry } from "../../engine/engine.ts";
import { type Entry, entryOf } from "./entry.ts";

/** CloudEvents 1.0, structured mode, with the extension `sequence`: of two about one rep the higher one is later. */
export type CloudEvent = {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: "application/json";
  readonly sequence: string;
  readonly data: Entry;
};

/** `source` is a URI reference to where these entries can be read again. */
export function cloudEventOf(stored: StoredHistoryEntry, source: string): CloudEvent {
  const entry = entryOf(stored);
  const { position, rep, kind, atMs } = entry;
  return {
    specversion: "1.0",
    id: String(position),
    source,
    type: `lockstep.rep.${kind}`,
    subject: rep,
    time: new Date(atMs).toISOString(),
    datacontenttype: "application/json",
    // As text they must compare like the numbers do.
    sequence: String(position).padStart(16, "0"),
    data: entry,
  };
}
