import { parse } from "csv-parse/sync";
import { collected, type Plan, shiftOf } from "./plan.ts";

/** Columns `id`, `person`, `from`, `until`, in any order; times as RFC 3339. Throws if it is no CSV of these. */
export function readCsv(text: string): Plan {
  const rows = parse(text, {
    columns: (names: string[]) => names.map((name) => name.toLowerCase()),
    bom: true,
    trim: true,
    skip_empty_lines: true,
    delimiter: [",", ";", "\t"],
  }) as unknown as readonly Readonly<Record<string, string>>[];
  const shifts = rows.map((row, index) => {
    const { id = "", person = "", from = "", until = "" } = row;
    const where = `line ${index + 2}`;
    return id === ""
      ? { where, says: "it has no id" }
      : shiftOf({ id, person, from, until }, where);
  });
  return collected(shifts);
}
