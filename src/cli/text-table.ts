/** Lines of text in columns, each as wide as its widest cell, the last one wrapped to what is left. */
export function textTable(
  rows: readonly (readonly string[])[],
  options: { readonly width: number },
): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, at) =>
    Math.max(0, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  const indent = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0);
  const room = Math.max(24, options.width - indent);
  return rows.flatMap((row) => linesOf(row, widths, indent, room)).join("\n");
}

function linesOf(
  row: readonly string[],
  widths: readonly number[],
  indent: number,
  room: number,
): string[] {
  const head = row.slice(0, -1).map((cell, at) => cell.padEnd(widths[at] ?? 0));
  const [first = "", ...rest] = wrapped(row.at(-1) ?? "", room);
  return [[...head, first].join("  ").trimEnd(), ...rest.map((line) => " ".repeat(indent) + line)];
}

/** At blanks; a word that is too long stands alone. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
