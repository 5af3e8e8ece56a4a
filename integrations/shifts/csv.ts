import { CsvError, parse } from "csv-parse/sync";
import { collected, type Plan, shiftOf } from "./plan.ts";

const COLUMNS = ["id", "person", "from", "until"] as const;

type Row = {
  readonly info: { readonly lines: number };
  readonly record: Readonly<Record<string, string>>;
};

/**
 * Columns `id`, `person`, `from`, `until`, in any order; times as RFC 3339. Comma, semicolon or tab, whichever the
 * heading has. Throws if it is no CSV of these: a plan that cannot be read is not one that is empty.
 */
export function readCsv(given: string): Plan {
  const text = given.replaceAll(/\r\n?/g, "\n");
  const shifts = rowsOf(text).map(({ info, record }) => {
    const { id = "", person = "", from = "", until = "" } = record;
    const where = `line ${info.lines}`;
    return id === ""
      ? { where, says: "it has no id" }
      : shiftOf({ id, person, from, until }, where);
  });
  return collected(shifts);
}

function rowsOf(text: string): readonly Row[] {
  const [heading = ""] = text.split("\n", 1);
  let missing: readonly string[] = COLUMNS;
  try {
    const rows = parse(text, {
      columns: (names: string[]) => {
        const known = names.map((name) => name.toLowerCase());
        missing = COLUMNS.filter((name) => !known.includes(name));
        return known;
      },
      info: true,
      bom: true,
      trim: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      delimiter: /[,;\t]/.exec(heading)?.[0] ?? ",",
    }) as unknown as readonly Row[];
    if (missing.length === 0) return rows;
  } catch (error) {
    // The library's message may quote the line, and with it a person.
    if (error instanceof CsvError) throw new Error(`the plan is no CSV (${error.code})`);
    throw error;
  }
  throw new Error(`the plan's heading has no column ${missing.join(", ")}`);
}
