import { expect, test } from "vitest";
import { rowsOf } from "../../src/cli/directory/rows.ts";

const OUT = { dynamics: "ana@contoso.com", teams: "", sync: "out" };

test.each([
  ["semicolons, as Excel writes them in Europe", "\uFEFFDynamics;Sync;Reason\r\n", ";"],
  ["commas", "dynamics,sync,reason\n", ","],
  ["tabs", "dynamics\tsync\treason\n", "\t"],
  ["Excel's own line before the heading", "sep=;\r\ndynamics;sync;reason\r\n", ";"],
])(
  "[R160] with %s the heading says what separates, and other marks are text",
  (_what, heading, separator) => {
    const others = [",", ";"].filter((mark) => mark !== separator).join(" ");
    const reason = `on leave${others} back Monday`;
    const rows = rowsOf(`${heading}${["ana@contoso.com", "out", reason].join(separator)}\r\n`);
    expect(rows).toMatchObject([{ ...OUT, reason }]);
  },
);

test("[R160] a spreadsheet's empty rows mean nothing, and lines are counted as an editor counts them", () => {
  const text = ["dynamics;sync;reason", ";;", "", "ana@contoso.com;out;asked", ";;", ""];
  for (const end of ["\n", "\r\n", "\r"]) {
    expect(rowsOf(text.join(end))).toMatchObject([{ ...OUT, reason: "asked", line: 4 }]);
    const broken = ["dynamics,sync,reason", 'ana,out,"two', 'lines"', "ben,maybe,"].join(end);
    expect(() => rowsOf(broken)).toThrow("line 4: sync must be");
  }
});

test.each([
  ["a NUL", "dynamics,reason\nana,a\0b", "line 2: a field has a control character"],
  ["an escape sequence", "dynamics,reason\nana,\u001b[2J", "line 2: a field has a control"],
  ["a field too many", "dynamics,sync,reason\nana,out,on leave, back", "line 2 has more or fewer"],
  ["a quotation mark in a field", 'dynamics,reason\nana,5" pipe', "line 2 has a quotation mark"],
  ["a quotation mark that stays open", 'dynamics,reason\nana,"pipe', "is not closed"],
  ["text after a quotation mark", 'dynamics,reason\nana,"a"b', "line 2 has text after a closing"],
  ["columns without a name", "dynamics,reason,,\nana,x,,", "a column without a name"],
])("[R160] %s is refused in words, and the line is not quoted", (_what, text, says) => {
  expect(() => rowsOf(text)).toThrow(says);
  expect(() => rowsOf(text)).not.toThrow(/pipe|back|CSV_/);
});
