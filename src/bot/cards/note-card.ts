import type { HelpGroup } from "../commands/parse.ts";
import { say, type Words } from "../commands/words.ts";
import {
  actions,
  box,
  type Button,
  type Card,
  card,
  column,
  columns,
  heading,
  plain,
  type Refresh,
  small,
  text,
} from "./element.ts";

/** A short answer in words, with what may be pressed next. `says` is ours and may hold markup. */
export function noteCard(words: Words, says: string, buttons: readonly Button[] = []): Card {
  return card(words, [text(says), ...actions(buttons)], { summary: says.replaceAll("*", "") });
}

/** Something was refused or went wrong. It tells nothing about whom or what it would have been. */
export function refusalCard(words: Words, says: string, buttons: readonly Button[] = []): Card {
  return card(words, [box([text(says)], { style: "attention" }), ...actions(buttons)], {
    summary: says.replaceAll("*", ""),
  });
}

/**
 * What everybody in a channel sees of an answer: for whom it is, and a button. What that person may see comes when
 * her client refreshes the card, or when she presses; so a channel never shows more than this.
 */
export function placeholderCard(words: Words, asker: string, show: Button, refresh: Refresh): Card {
  const says = say(words, "askedFor", { name: plain(asker) });
  return card(
    words,
    [
      columns([
        column("stretch", [text(says, { weight: "Bolder" }), small(say(words, "helpPrivate"))]),
      ]),
      ...actions([show]),
    ],
    { refresh, summary: says },
  );
}

/** What everybody sees of a rep or queue that somebody put into a message: its name, and a button. */
export function sharedCard(words: Words, name: string, show: Button, refresh: Refresh): Card {
  return card(words, [heading(plain(name)), small(say(words, "helpPrivate")), ...actions([show])], {
    refresh,
    summary: name,
  });
}

/** Everything that can be asked, as one would type it. */
export function helpCard(
  words: Words,
  groups: readonly HelpGroup[],
  shared: boolean,
  buttons: readonly Button[],
): Card {
  const list = ({ title, commands }: HelpGroup) =>
    box(
      [
        text(say(words, title), { weight: "Bolder" }),
        ...commands.map(({ example }) =>
          text(example, { fontType: "Monospace", size: "Small", spacing: "Small" }),
        ),
      ],
      { separator: true, spacing: "Small" },
    );
  return card(
    words,
    [
      heading(say(words, "helpTitle")),
      small(say(words, shared ? "helpPrivate" : "helpIntro")),
      ...groups.map(list),
      ...actions(buttons),
    ],
    { summary: say(words, "helpTitle") },
  );
}
