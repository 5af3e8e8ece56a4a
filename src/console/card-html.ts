import type { Card, Element } from "../bot/cards/element.ts";

type Node = Readonly<Record<string, unknown>>;

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => ESCAPES[sign] ?? sign);
}

/** A backslash and what it keeps from being markup, something bold, or a moment on the reader's own clock. */
const MARKUP = /\\([\\`*_~[\]])|\*\*(.+?)\*\*|\{\{(TIME|DATE)\((\d[\d:TZ-]+)(?:,SHORT)?\)\}\}/g;

/** The text of a card as HTML: nothing in it but `<b>` and `<time>`, whatever people have written. */
function inline(text: string): string {
  return escaped(text).replaceAll(
    MARKUP,
    (_, sign?: string, bold?: string, what?: string, iso?: string) => {
      if (sign !== undefined) return sign;
      if (bold !== undefined) return `<b>${withoutSigns(bold)}</b>`;
      return `<time datetime="${iso}" data-shows="${what?.toLowerCase()}">${iso}</time>`;
    },
  );
}

/** Of text that is escaped already. */
const withoutSigns = (text: string): string =>
  text.replaceAll(MARKUP, (whole, sign?: string) => sign ?? whole);

const WORDS = /^[A-Za-z]{1,20}$/;

/** The looks of an element as classes: `color-good`, `size-large`. Whatever is no plain word is left out. */
function looksOf(node: Node): string {
  const named = ["color", "size", "weight", "style", "spacing", "horizontalAlignment", "fontType"];
  const classes = named.flatMap((name) => {
    const value = node[name];
    return typeof value === "string" && WORDS.test(value) ? [`${name}-${value}`.toLowerCase()] : [];
  });
  const flags = [
    ...(node["isSubtle"] === true ? ["subtle"] : []),
    ...(node["separator"] === true ? ["separated"] : []),
    ...(node["wrap"] === false ? ["whole"] : []),
  ];
  return [...classes, ...flags].join(" ");
}

const listOf = (value: unknown): readonly Node[] => (Array.isArray(value) ? (value as Node[]) : []);

/** `104px` stays as wide as in a card, what is `auto` as wide as it must be; the others share the rest. */
function columnClass({ width }: Node): string {
  if (typeof width === "string" && width.endsWith("px")) {
    return width === "22px" ? "narrow" : "label";
  }
  return width === "auto" ? "auto" : "stretch";
}

function htmlOf(node: Node): string {
  const looks = looksOf(node);
  switch (node["type"]) {
    case "TextBlock": {
      const tag = node["style"] === "heading" ? "h2" : "p";
      return `<${tag} class="${looks}">${inline(String(node["text"]))}</${tag}>`;
    }
    case "RichTextBlock": {
      const runs = listOf(node["inlines"]);
      const spans = runs.map(
        (run) => `<span class="${looksOf(run)}">${escaped(String(run["text"]))}</span>`,
      );
      return `<p class="band" aria-hidden="true">${spans.join("")}</p>`;
    }
    case "Container":
      return `<div class="box ${looks}">${listOf(node["items"]).map(htmlOf).join("")}</div>`;
    case "ColumnSet": {
      const cells = listOf(node["columns"]).map(
        (cell) =>
          `<div class="${columnClass(cell)}">${listOf(cell["items"]).map(htmlOf).join("")}</div>`,
      );
      return `<div class="row ${looks}">${cells.join("")}</div>`;
    }
    // What a client shows that draws no charts.
    case "Chart.Donut":
      return typeof node["fallback"] === "object" && node["fallback"] !== null
        ? htmlOf(node["fallback"] as Node)
        : "";
    // Buttons and forms: the console only reads.
    default:
      return "";
  }
}

/** A card as HTML without buttons, forms, links, scripts or styles of its own. */
export function cardHtml({ body }: Pick<Card, "body">): string {
  const elements: readonly Element[] = body;
  return `<article>${elements.map((element) => htmlOf(element as unknown as Node)).join("")}</article>`;
}
