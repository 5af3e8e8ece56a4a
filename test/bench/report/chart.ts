import { figure } from "./statistics.ts";
import type { Chart } from "./result.ts";

const WIDTH = 760;
const LABELS = 190;
const BAR = 16;
const GAP = 14;
const TOP = 44;
const COLORS = ["#2563a8", "#8a8f98", "#c2c6cd", "#c2703d", "#7a9a3a", "#8a5fa8"];

/** A drawing of horizontal bars, in text that a browser, an editor and a repository can show. */
export function drawChart({ title, unit, logarithmic = false, groups }: Chart): string {
  const values = groups.flatMap(({ bars }) => bars.map(({ value }) => value)).filter(isDrawn);
  const largest = Math.max(...values, Number.MIN_VALUE);
  const smallest = Math.min(...values.filter((value) => value > 0), largest);
  const span = WIDTH - LABELS - 90;
  const lengthOf = (value: number): number => {
    if (!isDrawn(value) || value <= 0) return 0;
    if (!logarithmic || largest === smallest) return (value / largest) * span;
    // A decade is left below the smallest bar, so that it can be seen.
    const low = Math.log10(smallest) - 0.3;
    return ((Math.log10(value) - low) / (Math.log10(largest) - low)) * span;
  };
  const names = [...new Set(groups.flatMap(({ bars }) => bars.map(({ name }) => name)))];
  const parts: string[] = [];
  let y = TOP;
  for (const group of groups) {
    parts.push(text(8, y + 12, group.name, `font-weight="600"`));
    y += BAR + 4;
    for (const { name, value } of group.bars) {
      const color = COLORS[names.indexOf(name) % COLORS.length] ?? "#888";
      const length = Math.round(lengthOf(value));
      parts.push(
        text(LABELS - 8, y + 12, name, `text-anchor="end"`),
        `<rect x="${LABELS}" y="${y}" width="${Math.max(1, length)}" height="${BAR}" rx="2" fill="${color}"/>`,
        text(LABELS + length + 6, y + 12, figure(isDrawn(value) ? value : null)),
      );
      y += BAR + 4;
    }
    y += GAP;
  }
  const axis = `${unit}${logarithmic ? ", logarithmic" : ""}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="${escape(title)}" font-family="system-ui, sans-serif" font-size="12" fill="#1f2328">
<rect width="100%" height="100%" fill="#ffffff"/>
${text(8, 22, title, `font-size="15" font-weight="600"`)}
${text(WIDTH - 8, 22, axis, `text-anchor="end" fill="#57606a"`)}
${parts.join("\n")}
</svg>
`;
}

const isDrawn = (value: number): boolean => Number.isFinite(value);

function text(x: number, y: number, words: string, more = ""): string {
  return `<text x="${x}" y="${y}" ${more}>${escape(words)}</text>`;
}

function escape(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
