import type { Standing } from "./access.ts";
import type { Card } from "./cards/element.ts";
import { noteCard } from "./cards/note-card.ts";
import type { Command, CommandName } from "./commands/command.ts";
import { languagesFor } from "./commands/languages.ts";
import { parse } from "./commands/parse.ts";
import { say } from "./commands/words.ts";
import type { Desk } from "./desk.ts";
import { readPlace } from "./links.ts";
import type { Turn } from "./turn.ts";

/** Who looks at the console: what her verified token says of her, and what her client says of how she reads. */
export type Reader = Pick<Turn, "locale" | "objectId" | "offsetMinutes" | "timeZone">;

/** What changes nothing, here or anywhere. */
const READS: ReadonlySet<CommandName> = new Set([
  "status",
  "why",
  "history",
  "available",
  "team",
  "queue",
  "queues",
  "me",
  "lookups",
  "health",
  "policy",
  "help",
]);
const ASKED = "ask/";
const POLICY = "policy";

/**
 * The console reads through the desk, as everybody does: the same rights, the same audit, the same cards. It cannot
 * change anything: it has no buttons, and a command that would is not carried out.
 */
export class Reading {
  readonly #desk: Pick<Desk, "read">;
  #count = 0;

  constructor(desk: Pick<Desk, "read">) {
    this.#desk = desk;
  }

  /**
   * The cards at `place`: an empty one is the overview; `reps/ID` and `queues/ID` are what links lead to, `ask/TEXT`
   * is what was typed, and `policy` what everything is decided by. `null` for a place that there is not.
   */
  async at(reader: Reader, place: string): Promise<readonly Card[] | null> {
    this.#count += 1;
    const id = `console ${this.#count}`;
    const who = { userId: "", name: "", conversationId: "console", place: "personal" } as const;
    const turn: Turn = { ...reader, ...who, id };
    if (place === "") return this.#desk.read(turn, overviewFor);
    if (place.startsWith(ASKED)) return this.#asked(turn, place.slice(ASKED.length));
    if (place === POLICY) return this.#desk.read(turn, () => [{ name: "policy" }]);
    const link = readPlace(place);
    if (!link) return null;
    const named = `id:${link.id}`;
    const commands: readonly Command[] =
      link.kind === "rep"
        ? [
            { name: "status", rep: named },
            { name: "history", rep: named, day: "today", at: null },
          ]
        : [
            { name: "queue", queue: named },
            { name: "available", queue: named },
          ];
    return distinct(await this.#desk.read(turn, () => commands));
  }

  async #asked(turn: Turn, text: string): Promise<readonly Card[]> {
    const languages = languagesFor(turn.locale);
    const parsed = parse(text, languages);
    if (parsed.ok && READS.has(parsed.command.name)) {
      return this.#desk.read(turn, () => [parsed.command]);
    }
    const [words] = languages;
    return [noteCard(words, say(words, "consoleReads"))];
  }
}

/** A refusal is the answer to both halves of a link; it is said once. */
function distinct(cards: readonly Card[]): readonly Card[] {
  const seen = new Set<string>();
  return cards.filter((card) => {
    const text = JSON.stringify(card);
    return !seen.has(text) && seen.add(text);
  });
}

function overviewFor({ self, isManager }: Standing): readonly Command[] {
  return [
    ...(self ? [{ name: "me" } as const] : []),
    ...(isManager
      ? [
          { name: "team" } as const,
          { name: "available", queue: null } as const,
          { name: "queues" } as const,
        ]
      : []),
    { name: "health" },
  ];
}
