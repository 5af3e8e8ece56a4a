import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Card, plain } from "../../src/bot/cards/element.ts";
import { noteCard, refusalCard } from "../../src/bot/cards/note-card.ts";
import { LANGUAGES } from "../../src/bot/commands/languages.ts";
import { cardHtml } from "../../src/console/card-html.ts";
import { samples } from "../bot/cards/samples.ts";
import "../fuzz/same-cases.ts";

/** Everything that a page may be made of: these tags, with these attributes, and no sign of markup beside them. */
const TAG =
  /<(?:\/?(?:article|div|p|h2|b|span)|\/time|(?:div|p|h2|span) class="[a-z0-9 -]*"|p class="band" aria-hidden="true"|time datetime="[\d:TZ-]+" data-shows="(?:time|date)")>/g;

const leftOver = (html: string): string => html.replaceAll(TAG, "");

const shown = LANGUAGES.flatMap((words) =>
  Object.entries(samples(words)).map(([name, card]) => [name, words.language, card] as const),
);

function* textsOf(value: unknown): Generator<string> {
  if (Array.isArray(value)) for (const item of value) yield* textsOf(item);
  else if (typeof value === "object" && value !== null) {
    const node = value as Readonly<Record<string, unknown>>;
    if (node["type"] === "TextBlock") yield String(node["text"]);
    const { fallback: _fallback, refresh: _refresh, ...more } = node;
    for (const item of Object.values(more)) yield* textsOf(item);
  }
}

/** What a reader sees of a text, but for times, which are her own. */
const seen = (text: string): readonly string[] =>
  text
    .replaceAll(/\\([\\`*_~[\]])/g, "$1")
    .replaceAll("**", "")
    .split(/\{\{[^}]*\}\}/)
    .map((part) => part.trim())
    .filter((part) => part !== "");

const ENTITIES: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
};
const read = (html: string): string =>
  leftOver(html).replaceAll(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity] ?? entity);

describe("a card in the console", () => {
  test.each(shown)(
    "[R338] says all that the card “%s” says, in %s",
    (_name, _language, card: Card) => {
      const html = cardHtml(card);
      expect(leftOver(html)).not.toMatch(/[<>{}]|\*\*/);
      const text = read(html);
      const parts = [...textsOf(card.body)].flatMap(seen);
      expect(parts.length).toBeGreaterThan(0);
      expect(parts.filter((part) => !text.includes(part))).toEqual([]);
    },
  );

  test("[R338] has no button and no form, whatever the card has", () => {
    for (const [, , card] of shown) {
      expect(cardHtml(card)).not.toMatch(/<(?:a|button|form|input|select|script|style|img)\b/);
    }
  });

  test("[R338] shows whatever people write as they wrote it, and takes nothing of it for markup", () => {
    const pieces = fc.constantFrom(
      "<",
      ">",
      '"',
      "'",
      "&",
      "\\",
      "*",
      "**",
      "{{TIME(",
      "]",
      "_",
      "script",
      "a",
    );
    const names = fc.array(fc.oneof(pieces, fc.string()), { minLength: 1, maxLength: 12 });
    const [words] = LANGUAGES;
    if (!words) throw new Error("no language");
    fc.assert(
      fc.property(names, (parts) => {
        const name = parts.join("");
        for (const card of [
          noteCard(words, plain(name)),
          refusalCard(words, `**${plain("x")}** ${plain(name)}`),
        ]) {
          const html = cardHtml(card);
          expect(leftOver(html)).not.toMatch(/[<>]/);
          expect(read(html)).toContain(name.replaceAll("{{", "{ {"));
        }
      }),
    );
  });
});
