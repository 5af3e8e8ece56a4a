import type { DialogInfo } from "./dialog-info.ts";

/** What is known of one line: its calls that are answered, by the PBX's ids of them. */
export type Line = { readonly version: number; readonly talking: ReadonlySet<string> };

export const IDLE: Line = { version: -1, talking: new Set() };

/** What has to be told about a line: calls that began, and calls that ended. */
export type Change = { readonly began: readonly string[]; readonly ended: readonly string[] };

/**
 * Takes one notification. A ringing phone is not a call yet: she may be free to take another. A document that is
 * older than the newest, or came twice, changes nothing: RFC 4235 numbers them.
 */
export function taken(
  line: Line,
  info: DialogInfo,
): { readonly line: Line; readonly change: Change } {
  if (info.version <= line.version) return { line, change: { began: [], ended: [] } };
  const talking = new Set(info.state === "full" ? [] : line.talking);
  for (const { id, state } of info.dialogs) {
    if (state === "confirmed") talking.add(id);
    else talking.delete(id);
  }
  const began = [...talking].filter((id) => !line.talking.has(id));
  const ended = [...line.talking].filter((id) => !talking.has(id));
  return { line: { version: info.version, talking }, change: { began, ended } };
}
