import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../service/launch.ts";
import { withAnew } from "./report/anew.ts";
import { drawChart } from "./report/chart.ts";
import { pageOf, type Report } from "./report/page.ts";
import { atLeast, atMost } from "./report/result.ts";
import { figure, median, percentile } from "./report/statistics.ts";

const BENCH = new URL("./bench.ts", import.meta.url).pathname;

describe("[R350] the figures", () => {
  test("are nearest ranks and middles, and nothing for nothing", () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(percentile(hundred, 0.99)).toBe(99);
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile([7], 0.999)).toBe(7);
    expect(percentile([], 0.5)).toBeNaN();
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([5, Number.NaN])).toBe(5);
    expect(median([])).toBeNaN();
  });

  test("are printed with three digits, and a dash where there is none", () => {
    expect([0.123456, 12.3456, 123.456, Number.NaN, null].map(figure)).toEqual([
      "0.123",
      "12.3",
      "123",
      "–",
      "–",
    ]);
  });
});

test("[R351] a target is met, missed, or not measured, and never passes for met", () => {
  expect(atMost("x", 1.5, 1.5)).toMatchObject({ met: true, measured: 1.5 });
  expect(atMost("x", 1.51, 1.5)).toMatchObject({ met: false });
  expect(atLeast("x", 0.59, 0.6)).toMatchObject({ met: false });
  expect(atMost("x", Number.NaN, 1.5)).toMatchObject({ met: null, measured: null });
});

test("[R351] the page names what was missed, and each section that gave no result", () => {
  const report: Report = {
    machine: { cores: 2, processor: "any", memoryGb: 8, system: "linux x64", node: "v26" },
    date: "2026-01-01",
    rounds: 5,
    minutes: 1,
    results: [
      {
        id: "one",
        title: "One",
        how: "Somehow.",
        table: { columns: ["a"], rows: [["b|c"]] },
        charts: [],
        targets: [atMost("slow", 3, 2), atMost("fast", 1, 2)],
        notes: [],
        figures: null,
      },
    ],
    failures: [{ id: "two", why: "it took longer than 5 s" }],
  };
  const page = pageOf(report);
  expect(page).not.toContain("anew");
  expect(page).toMatch(/\| slow \|.*\*\*missed\*\*/);
  expect(page).toMatch(/\| fast \|.*\| met \|/);
  expect(page).toContain("it took longer than 5 s");
  expect(page).toContain("b\\|c");
});

test("[R351] a section that is measured again takes its own place, and only beside others of this machine", () => {
  const named = (id: string, title: string): Report["results"][number] => ({
    id,
    title,
    how: "Somehow.",
    table: { columns: [], rows: [] },
    charts: [],
    targets: [atMost(title, 1, 2)],
    notes: [],
    figures: null,
  });
  const machine = { cores: 2, processor: "any", memoryGb: 8, system: "linux x64", node: "v26" };
  const about = { machine, rounds: 5, minutes: 1, failures: [] };
  const both = [named("one", "Before"), named("two", "Other")];
  const before: Report = { ...about, date: "2026-01-01", results: both };
  const now: Report = { ...about, date: "2026-01-02", results: [named("one", "After")] };
  const page = pageOf(withAnew(before, now));
  expect(page).toContain("Measured on 2026-01-01");
  expect(page).toContain('The section "one" was measured anew on 2026-01-02.');
  expect(page).toMatch(/## After[^]*## Other/);
  expect(page).not.toContain("Before");
  const elsewhere = { ...now, machine: { ...machine, cores: 8 } };
  expect(() => withAnew(before, elsewhere)).toThrow("another machine");
  expect(() => withAnew({ ...before, results: [] }, now)).toThrow("no section one");
});

test("[R350] a chart draws every bar, escapes its words, and survives what was not measured", () => {
  const bars = [
    { name: "a & b", value: 10 },
    { name: "c", value: Number.NaN },
    { name: "d", value: 0 },
  ];
  const drawn = drawChart({
    title: "<t>",
    unit: "ms",
    logarithmic: true,
    groups: [{ name: "g", bars }],
  });
  expect(drawn.match(/<rect x=/g)).toHaveLength(3);
  expect(drawn).toContain("a &amp; b");
  expect(drawn).not.toMatch(/NaN|<t>/);
});

test("[R350] [R352] the whole bench runs from end to end and writes its page, its figures and its drawings", async () => {
  await using folder = await temporaryFolder();
  const asked = [BENCH, "--quick", "--out", folder.path];
  await promisify(execFile)(process.execPath, asked, { timeout: 1_200_000 });
  const { results, failures } = JSON.parse(
    await readFile(join(folder.path, "bench.json"), "utf8"),
  ) as Pick<Report, "results" | "failures">;
  expect(failures).toEqual([]);
  const ids = [
    "correctness",
    "latency",
    "throughput-from-dynamics",
    "throughput-from-teams",
    "acknowledgement",
    "storm",
    "money",
    "scale",
    "instances",
  ];
  expect(results.map(({ id }) => id)).toEqual(ids);
  for (const { table } of results) {
    for (const row of table.rows) expect(row).toHaveLength(table.columns.length);
  }
  const page = await readFile(join(folder.path, "bench.md"), "utf8");
  const drawings = await readdir(join(folder.path, "bench"));
  for (const [, name] of page.matchAll(/\(bench\/([^)]+)\)/g)) expect(drawings).toContain(name);
  expect(drawings.length).toBeGreaterThanOrEqual(ids.length);
}, 1_200_000);
