import { CsvError, parse } from "csv-parse/sync";
import { z } from "zod";
import type { ImportRow } from "../../directory/import-plan.ts";
import { CommandError } from "../command.ts";

const COLUMNS = ["dynamics", "teams", "sync", "reason"] as const;
const MAX_TEXT = 256;

const record = z.object({
  info: z.object({ lines: z.number() }),
  record: z.record(z.string(), z.string()),
});

/**
 * The rows of a CSV file: a heading, then one rep a line. Comma, semicolon or tab; quotes as RFC 4180 has them. Throws
 * `CommandError` for a file that cannot be read as a whole: then nothing of it is.
 */
export function rowsOf(text: string): readonly ImportRow[] {
  const records = parsed(text);
  return records.map(({ info, record: cells }) => {
    const sync = (cells["sync"] ?? "").toLowerCase();
    if (sync !== "in" && sync !== "out" && sync !== "") {
      throw malformed(`line ${info.lines}: sync must be in, out or empty`);
    }
    const reason = cells["reason"] ?? "";
    const fields = [cells["dynamics"] ?? "", cells["teams"] ?? "", reason];
    if (fields.some((field) => field.length > MAX_TEXT)) {
      throw malformed(`line ${info.lines}: a field has more than ${MAX_TEXT} characters`);
    }
    const [dynamics = "", teams = ""] = fields;
    if (dynamics === "") throw malformed(`line ${info.lines}: dynamics is empty`);
    if (sync === "out" && reason === "") {
      throw malformed(`line ${info.lines}: whoever is out needs a reason`);
    }
    return { line: info.lines, dynamics, teams, sync, reason };
  });
}

function parsed(text: string): readonly z.output<typeof record>[] {
  let headings: readonly string[] = [];
  try {
    const rows: unknown = parse(text, {
      columns: (given: string[]) => {
        headings = given.map((name) => name.toLowerCase());
        return [...headings];
      },
      info: true,
      bom: true,
      trim: true,
      skip_empty_lines: true,
      delimiter: [",", ";", "\t"],
    });
    requireHeadings(headings);
    return z.array(record).parse(rows);
  } catch (error) {
    // The library's message may quote the line, and with it a person.
    if (error instanceof CsvError) throw malformed(`${error.code} near line ${linesIn(error)}`);
    throw error;
  }
}

function requireHeadings(headings: readonly string[]): void {
  const unknown = headings.filter((name) => !COLUMNS.some((known) => known === name));
  if (!headings.includes("dynamics")) throw malformed("the heading has no column dynamics");
  if (unknown.length > 0) {
    throw malformed(`the heading has columns that mean nothing here: ${unknown.join(", ")}`);
  }
  if (new Set(headings).size < headings.length) throw malformed("the heading has a column twice");
}

function linesIn(error: CsvError): string {
  const { lines } = error as { readonly lines?: unknown };
  return typeof lines === "number" ? String(lines) : "?";
}

function malformed(what: string): CommandError {
  return new CommandError(
    "cli-import-malformed",
    `Correct the file, nothing was imported: ${what}. Columns: ${COLUMNS.join(", ")}.`,
  );
}
