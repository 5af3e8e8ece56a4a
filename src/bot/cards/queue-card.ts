import { lengthWords, say, type Words } from "../commands/words.ts";
import {
  actions,
  box,
  type Card,
  card,
  column,
  columns,
  type Element,
  footer,
  heading,
  plain,
  row,
  small,
  text,
  time,
} from "./element.ts";
import type { Showing } from "./rep-card.ts";
import type { QueueView } from "./view.ts";

function hours(
  { open }: QueueView,
  words: Words,
  more: Partial<ReturnType<typeof text>> = {},
): Element {
  if (open === null) return small(say(words, "unknown"));
  return text(say(words, open ? "queueOpen" : "queueClosed"), {
    color: open ? "Good" : "Attention",
    weight: "Bolder",
    wrap: false,
    ...more,
  });
}

/** One queue: whether it is open, who can take work, who waits, and where each figure comes from. */
export function queueCard(view: QueueView, showing: Showing): Card {
  const { words, nowMs, buttons, refresh = null, onlyForYou } = showing;
  const title = say(words, "queueTitle", { queue: plain(view.name) });
  const unknown = say(words, "unknown");
  const { waiting, averageWaitMs, nextChangeMs } = view;
  const figure = (label: string, value: string): Element[] => [
    small(label),
    text(value, { size: "ExtraLarge", weight: "Bolder", spacing: "None" }),
  ];
  return card(
    words,
    [
      columns([
        column("stretch", [heading(title)]),
        column("auto", [hours(view, words)], { verticalContentAlignment: "Center" }),
      ]),
      columns([
        column("stretch", figure(say(words, "ableNow"), `${view.ableNow} / ${view.members}`)),
        column("stretch", figure(say(words, "waiting"), waiting === null ? "–" : String(waiting))),
      ]),
      row(
        say(words, "averageWait"),
        averageWaitMs === null ? unknown : lengthWords(words, averageWaitMs),
      ),
      row(say(words, "nextChange"), nextChangeMs === null ? unknown : time(nextChangeMs)),
      box(
        [
          small(say(words, "ableNow")),
          ...view.sources.map(({ name, ableNow, asOfMs }) =>
            row(
              plain(name),
              ableNow === null ? unknown : String(ableNow),
              say(words, "readAgo", { length: lengthWords(words, nowMs - asOfMs) }),
            ),
          ),
        ],
        { separator: true, spacing: "Medium" },
      ),
      footer(words, view.asOfMs, onlyForYou),
      ...actions(buttons),
    ],
    { refresh, summary: `${title}: ${view.ableNow}/${view.members}` },
  );
}

/** All queues, those in which nobody can take work first. */
export function queuesCard(views: readonly QueueView[], showing: Showing): Card {
  const { words, nowMs, buttons, refresh = null, onlyForYou } = showing;
  const title = say(words, "queuesTitle");
  const asOfMs = Math.min(nowMs, ...views.map((view) => view.asOfMs));
  const sorted = views.toSorted((a, b) => a.ableNow - b.ableNow || a.name.localeCompare(b.name));
  return card(
    words,
    [
      heading(title),
      box(
        sorted.map((view) =>
          columns(
            [
              column("stretch", [
                text(plain(view.name)),
                hours(view, words, { size: "Small", spacing: "None" }),
              ]),
              column("auto", [
                text(`${view.ableNow} / ${view.members}`, {
                  weight: "Bolder",
                  color: view.ableNow === 0 ? "Attention" : "Good",
                  wrap: false,
                }),
              ]),
            ],
            { spacing: "Small" },
          ),
        ),
        { separator: true },
      ),
      footer(words, asOfMs, onlyForYou),
      ...actions(buttons),
    ],
    { refresh, summary: title },
  );
}
