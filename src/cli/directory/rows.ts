import { CsvError, parse } from "csv-parse/sync";
import { z } from "zod";
import type { ImportRow } from "../../directory/import-plan.ts";
import { CommandError } from "../command.ts";
import { faultOfText } from "./text.ts";

const COLUMNS = ["dynamics", "teams", "sync", "reason"] as const;

/** What the parser finds wrong, in words. Its own message may quote the line, and with it a person. */
const FAULTS: Readonly<Record<string, string>> = {
  CSV_RECORD_INCONSISTENT_COLUMNS:
    "has more or fewer fields than the heading; a field that holds the separator belongs in quotation marks",
  CSV_QUOTE_NOT_CLOSED: "is the last one, and a quotation mark before it is not closed",
  CSV_INVALID_CLOSING_QUOTE: "has text after a closing quotation mark",
  INVALID_OPENING_QUOTE:
    "has a quotation mark inside a field; put the field in quotation marks, and double the one inside",
};

const record = z.object({
  info: z.object({ lines: z.number() }),
  record: z.record(z.string(), z.string()),
});

/**
 * The rows of a CSV file: a heading, then one rep a line. Comma, semicolon or tab, whichever the heading has; quotes as
 * RFC 4180 has them. Throws `CommandError` for a file that cannot be read as a whole: then nothing of it is.
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
    for (const field of fields) {
      const fault = faultOfText(field);
      if (fault !== null) throw malformed(`line ${info.lines}: a field ${fault}`);
    }
    const [dynamics = "", teams = ""] = fields;
    if (dynamics === "") throw malformed(`line ${info.lines}: dynamics is empty`);
    if (sync === "out" && reason === "") {
      throw malformed(`line ${info.lines}: whoever is out needs a reason`);
    }
    return { line: info.lines, dynamics, teams, sync, reason };
  });
}

function parsed(given: string): readonly z.output<typeof record>[] {
  // Excel may say before the heading what separates. The line is left empty, so that the others keep their numbers.
  const text = given.replaceAll(/\r\n?/g, "\n").replace(/^\uFEFF?sep=[,;\t](?=\n)/i, "");
  let headings: readonly string[] = [];
  try {
    const rows: unknown = parse(text, {
      columns: (names: string[]) => {
        headings = names.map((name) => name.toLowerCase());
        return [...headings];
      },
      info: true,
      bom: true,
      trim: true,
      skip_empty_lines: true,
      // A spreadsheet writes the separators of rows that are empty.
      skip_records_with_empty_values: true,
      delimiter: separatorOf(text),
    });
    requireHeadings(headings);
    return z.array(record).parse(rows);
  } catch (error) {
    if (error instanceof CsvError) throw malformed(`line ${linesIn(error)} ${faultIn(error)}`);
    throw error;
  }
}

/** Only one of them: in a file of semicolons a comma is text, and the other way about. */
function separatorOf(text: string): string {
  const [heading = ""] = text.trimStart().split("\n", 1);
  return /[,;\t]/.exec(heading)?.[0] ?? ",";
}

function requireHeadings(headings: readonly string[]): void {
  const unknown = headings.filter((name) => !COLUMNS.some((known) => known === name));
  if (!headings.includes("dynamics")) throw malformed("the heading has no column dynamics");
  if (unknown.includes("")) throw malformed("the heading has a column without a name");
  if (unknown.length > 0) {
    throw malformed(`the heading has columns that mean nothing here: ${unknown.join(", ")}`);
  }
  if (new Set(headings).size < headings.length) throw malformed("the heading has a column twice");
}

const faultIn = ({ code }: CsvError): string => FAULTS[code] ?? `is no CSV (${code})`;

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
