import { writeFileSync } from "node:fs";
import { type Row, SECTIONS, TABLE } from "./config-table.ts";

type NamedRow = readonly [name: string, row: Row];

const rows: readonly NamedRow[] = Object.entries<Row>(TABLE);
const rowsOf = (section: string): readonly NamedRow[] =>
  rows.filter(([, row]) => row.section === section);

/** The text of `.env.example`: what must be set is open, what may be is commented out. */
function envExample(): string {
  const lines = [
    "# Copy to .env, fill in, and start with: node --env-file=.env src/main.ts",
    "# Written from src/config-table.ts by: node src/config-page.ts --write",
  ];
  for (const section of SECTIONS) {
    lines.push("", `# ${section}`);
    for (const [name, row] of rowsOf(section)) {
      const plain = row.says.replaceAll("`", "");
      const preset = "default" in row.need ? row.need.default : "";
      lines.push("", `# ${plain}`, `${"required" in row.need ? "" : "# "}${name}=${preset}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** The text of docs/configuration.md. */
function configurationPage(): string {
  const lines = [
    "# Configuration",
    "",
    "<!-- Written from src/config-table.ts by: node src/config-page.ts --write -->",
    "",
    "Everything is set by environment variables; an empty one counts as absent. At start all of them are",
    "checked together: if anything is missing or wrong, the service names every such variable and does not run.",
    "The value of a secret is never shown.",
    "",
    "The service signs in to Entra in exactly one way: with the certificate if there is one, else with the",
    "secret, else as a managed identity.",
  ];
  for (const section of SECTIONS) {
    const cells = rowsOf(section).map(([name, row]) => [
      `\`${name}\``,
      row.secret ? `${row.kind.name}; **secret**` : row.kind.name,
      absenceOf(row),
      row.says,
    ]);
    lines.push("", `## ${section}`, "", ...table([HEADINGS, ...cells]));
  }
  return `${lines.join("\n")}\n`;
}

const HEADINGS = ["variable", "value", "if absent", "meaning"];

/** A Markdown table in aligned columns, as the formatter wants it. */
function table(grid: readonly (readonly string[])[]): readonly string[] {
  const escaped = grid.map((cells) => cells.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = HEADINGS.map((_, at) =>
    Math.max(...escaped.map((cells) => cells[at]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const [head, ...body] = escaped.map((cells) =>
    line(cells.map((cell, at) => cell.padEnd(widths[at] ?? 0))),
  );
  return [head ?? "", line(widths.map((width) => "-".repeat(width))), ...body];
}

function absenceOf({ need }: Row): string {
  if ("required" in need) return "**refused**";
  if ("default" in need) return `\`${need.default}\``;
  return need.derived ?? "off";
}

/** Each generated file by its path from the root of the repository. */
export const GENERATED = {
  ".env.example": envExample,
  "docs/configuration.md": configurationPage,
} as const;

if (import.meta.main && process.argv.includes("--write")) {
  for (const [path, write] of Object.entries(GENERATED)) {
    writeFileSync(new URL(`../${path}`, import.meta.url), write());
  }
}
