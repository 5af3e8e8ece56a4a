import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { plain } from "../../../src/bot/cards/element.ts";
import { LANGUAGES } from "../../../src/bot/commands/languages.ts";
import { samples } from "./samples.ts";
import "../../fuzz/same-cases.ts";

/** Microsoft's own renderer, whose ESM build does not load in Node. */
type Library = {
  readonly AdaptiveCard: new () => {
    parse(json: unknown, context: unknown): void;
    validateProperties(): { readonly validationEvents: readonly Finding[] };
  };
  readonly SerializationContext: new () => {
    readonly eventCount: number;
    getEventAt(index: number): Finding;
  };
};
type Finding = { readonly message: string };
const library = createRequire(import.meta.url)("adaptivecards/dist/adaptivecards.js") as Library;

function findings(json: unknown): readonly string[] {
  const context = new library.SerializationContext();
  const card = new library.AdaptiveCard();
  card.parse(json, context);
  const parsing = Array.from({ length: context.eventCount }, (_, at) => context.getEventAt(at));
  return (
    [...parsing, ...card.validateProperties().validationEvents]
      .map(({ message }) => message)
      // It draws no charts, so their fallback is shown; and it judges `lang` by a pattern that remembers, so that
      // every second card is refused the language that the card before had.
      .filter((message) => !/Chart\.Donut|property "lang"/.test(message))
  );
}

type Node = { readonly [key: string]: unknown };

/** Every object of a card, the card itself first. */
function* nodes(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const item of value) yield* nodes(item);
  else if (typeof value === "object" && value !== null) {
    yield value as Node;
    for (const item of Object.values(value)) yield* nodes(item);
  }
}

const CARDS = LANGUAGES.flatMap((words) =>
  Object.entries(samples(words)).map(
    ([name, card]) => [`${name} (${words.language})`, card] as const,
  ),
);

describe("every card", () => {
  test("[R213] would be found out if it were wrong", () => {
    const wrong = { type: "AdaptiveCard", version: "1.5", body: [{ type: "Txt" }] };
    expect(findings(wrong)).not.toEqual([]);
  });

  test.each(CARDS)("[R213] %s is one that Microsoft's renderer takes", (_name, card) => {
    expect(card.version).toBe("1.5");
    expect(findings(card)).toEqual([]);
  });

  test.each(CARDS)(
    "[R213] %s fits into a message, and has words for those who cannot see it",
    (_name, card) => {
      expect(Buffer.byteLength(JSON.stringify(card))).toBeLessThan(25_000);
      expect(card.fallbackText).not.toBe("");
      expect(JSON.stringify(card)).not.toMatch(/undefined|NaN|\{\w+\}(?!\})/);
    },
  );

  test.each(CARDS)(
    "[R213] %s works for clients that know no Action.Execute and no chart",
    (_name, card) => {
      for (const node of nodes(card)) {
        if (node["type"] === "Action.Execute") {
          expect(node["fallback"]).toMatchObject({ type: "Action.Submit" });
        }
        if (String(node["type"]).startsWith("Chart.")) expect(node["fallback"]).toBeDefined();
      }
    },
  );

  test.each(CARDS)("[R213] %s lets everybody out who does not fill it in", (_name, card) => {
    const pressed = [...nodes(card)].filter(({ type }) => type === "Action.Execute");
    const others = pressed.filter(({ verb }) => verb !== "set.do");
    expect(others.filter(({ associatedInputs }) => associatedInputs !== "none")).toEqual([]);
  });

  test.each(CARDS)("[R214] %s is refreshed for at most 60 who are named", (_name, card) => {
    if (card.refresh) expect(card.refresh.userIds?.length).toBeGreaterThan(0);
    expect(card.refresh?.userIds?.length ?? 0).toBeLessThanOrEqual(60);
  });
});

test("[R213] what people wrote is shown as they wrote it: no link, no bold, no date function", () => {
  expect(plain("[x](https://evil.example) **b** {{DATE(2026-01-01T00:00:00Z)}}")).toBe(
    String.raw`\[x\](https://evil.example) \*\*b\*\* { {DATE(2026-01-01T00:00:00Z)}}`,
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(plain(text)).not.toMatch(/\{\{|(?<!\\)[*_[]/);
    }),
  );
});
