import { say, statusWords, type Words } from "../commands/words.ts";
import {
  actions,
  box,
  type Button,
  type Card,
  card,
  column,
  columns,
  type Element,
  footer,
  heading,
  plain,
  sign,
  small,
  text,
} from "./element.ts";
import type { PolicyView, ReadView, WriteView } from "./view.ts";

type StatusView = PolicyView["statuses"][number];
type CellView = StatusView["systems"][number];
type PresenceView = PolicyView["presences"][number];

/** A card must fit into a message; whoever agreed on more reads the rest in the file. */
const MOST_PRESENCES = 20;

/** What everything is decided by: a block for each status, read from above, with what differs from the default. */
export function policyCard(view: PolicyView, words: Words, buttons: readonly Button[]): Card {
  const { changes, broken, statuses, unread, presences, capacityBusy } = view;
  const title = say(words, "policyTitle");
  const state = say(words, changes === 0 ? "policyDefault" : "policyChanged", { n: changes });
  const laws = broken.map((what) => say(words, "policyBroken", { what: plain(what) }));
  return card(
    words,
    [
      heading(title),
      box(
        [
          text(state, { weight: "Bolder" }),
          ...(laws.length === 0 ? [say(words, "policyLaws")] : laws).map((says) => small(says)),
        ],
        { style: laws.length === 0 ? "good" : "attention" },
      ),
      ...statuses.map((status) => statusBlock(status, words)),
      ...(unread.length === 0
        ? []
        : [
            titled(
              say(words, "policyUnread"),
              unread.map((one) => unreadRow(one, words)),
            ),
          ]),
      ...(presences.length === 0 ? [] : [presenceBlock(presences, words)]),
      titled(say(words, "policyCapacity"), [
        small(say(words, capacityBusy === "shown" ? "policyShown" : "policyHidden")),
      ]),
      footer(words, view.asOfMs, false),
      ...actions(buttons),
    ],
    { summary: `${title}: ${state}` },
  );
}

function titled(title: string, items: readonly Element[]): Element {
  return box([text(title, { weight: "Bolder" }), ...items], { separator: true, spacing: "Small" });
}

function statusBlock({ status, systems }: StatusView, words: Words): Element {
  const name = columns([
    column("22px", [sign(status)], { verticalContentAlignment: "Center" }),
    column("stretch", [text(statusWords(words, status), { weight: "Bolder" })]),
  ]);
  return box([name, ...systems.map((cell) => cellRow(cell, words))], {
    separator: true,
    spacing: "Small",
  });
}

/** One system: its name, and what is read there, written there, and different from the default. */
function labelled(name: string, items: readonly Element[]): Element {
  return columns(
    [column("104px", [text(plain(name), { isSubtle: true })]), column("stretch", items)],
    { spacing: "Small" },
  );
}

function cellRow({ name, reads, writes, defaultWrites, absence }: CellView, words: Words): Element {
  const what = reads.map(({ state }) => plain(state)).join(", ");
  const read = what === "" ? say(words, "policyReadsNothing") : say(words, "policyReads", { what });
  const written = say(words, "policyWrites", { what: actionWords(writes, words) });
  const otherwise =
    defaultWrites === null
      ? []
      : [say(words, "policyDefaultWrite", { what: actionWords(defaultWrites, words) })];
  return labelled(name, [
    text(read, { spacing: "None" }),
    text(written, { spacing: "None" }),
    ...(absence === null
      ? []
      : [small(say(words, absence === "ignored" ? "policyClosed" : "policySignedOut"))]),
    ...differences([...movedOf(reads, words), ...otherwise]),
  ]);
}

function unreadRow(
  { name, states }: { readonly name: string; readonly states: readonly ReadView[] },
  words: Words,
): Element {
  const what = states.map(({ state }) => plain(state)).join(", ");
  return labelled(name, [text(what, { spacing: "None" }), ...differences(movedOf(states, words))]);
}

function movedOf(reads: readonly ReadView[], words: Words): readonly string[] {
  return reads
    .filter(({ moved }) => moved)
    .map(({ state, byDefault }) => {
      const status =
        byDefault === null ? say(words, "policyNothing") : statusWords(words, byDefault);
      return say(words, "policyDefaultRead", { state: plain(state), status });
    });
}

/** Not by colour alone: the sign says it as well. */
function differences(says: readonly string[]): readonly Element[] {
  return says.map((one) => small(`≠ ${one}`, { color: "Warning", isSubtle: false }));
}

function actionWords(write: WriteView, words: Words): string {
  switch (write.kind) {
    case "withdraw":
      return say(words, "policyWithdraw");
    case "session":
      return say(words, "policySession", { status: statusWords(words, write.status) });
    case "preferred":
      return say(words, "policyPreferred", { status: statusWords(words, write.status) });
    case "presence":
      return plain(write.state);
    default:
      return write satisfies never;
  }
}

function presenceBlock(presences: readonly PresenceView[], words: Words): Element {
  const more = presences.length - MOST_PRESENCES;
  const lines = presences.slice(0, MOST_PRESENCES).flatMap(({ id, use, status }) => {
    const what = status === null ? say(words, "policyNothing") : statusWords(words, status);
    const says = say(words, use === "counts" ? "policyCounts" : "policySet", { status: what });
    return [
      text(plain(id), { fontType: "Monospace", size: "Small", spacing: "Small" }),
      small(says),
    ];
  });
  return titled(say(words, "policyPresences"), [
    ...lines,
    ...(more > 0 ? [small(say(words, "availableMore", { n: more }))] : []),
  ]);
}
