import type { Status } from "../../presence/status.ts";
import { lengthWords, say, statusWords, type Words } from "../commands/words.ts";
import {
  actions,
  box,
  type Button,
  type Card,
  card,
  dayAndTime,
  type Element,
  footer,
  heading,
  plain,
  row,
  small,
  text,
} from "./element.ts";

/** Who is at it, as far as the system says; `null`: only too many writes of ours were noticed. */
type FightView = {
  readonly system: string;
  readonly between: readonly [Status, Status];
  readonly changes: number;
  readonly by: string | null;
};

/** What operators must know of. Names only where one rep is meant: the channel is theirs. */
export type AlertView =
  | { readonly kind: "drift"; readonly reps: number; readonly forMs: number }
  | { readonly kind: "fight"; readonly name: string; readonly fight: FightView | null }
  | { readonly kind: "silence"; readonly system: string; readonly forMs: number }
  /** A subscriber account, by its object id, and how many reps are polled because of that. */
  | { readonly kind: "signed out"; readonly account: string; readonly reps: number };

function sentence(alert: AlertView, words: Words): string {
  switch (alert.kind) {
    case "drift":
      return say(words, "alertDrift", {
        n: alert.reps,
        length: lengthWords(words, alert.forMs),
      });
    case "fight": {
      const name = plain(alert.name);
      if (!alert.fight) return say(words, "alertFight", { name });
      const { system, between, changes } = alert.fight;
      const [one, other] = between.map((status) => statusWords(words, status));
      const values = {
        name,
        system: plain(system),
        n: changes,
        one: one ?? "",
        other: other ?? "",
      };
      return say(words, "alertFightBetween", values);
    }
    case "silence":
      return say(words, "alertSilence", {
        system: plain(alert.system),
        length: lengthWords(words, alert.forMs),
      });
    case "signed out":
      return say(words, "alertSignedOut", { account: plain(alert.account), n: alert.reps });
    default:
      return alert satisfies never;
  }
}

/** Drift, a fight, a system that has gone silent or an account that was signed out, and what to do about it. */
export function alertCard(
  alert: AlertView,
  step: string,
  atMs: number,
  words: Words,
  buttons: readonly Button[],
): Card {
  const says = sentence(alert, words);
  const by = alert.kind === "fight" ? (alert.fight?.by ?? null) : null;
  return card(
    words,
    [
      box([text(says, { weight: "Bolder" }), small(dayAndTime(atMs))], { style: "attention" }),
      ...(by === null ? [] : [text(say(words, "alertBy", { who: plain(by) }))]),
      text(say(words, "alertNext", { step })),
      ...actions(buttons),
    ],
    { summary: says },
  );
}

export type HealthView = {
  readonly reps: number;
  /** Empty: everything was read. */
  readonly waitingFor: readonly string[];
  readonly systems: readonly {
    readonly name: string;
    readonly outOfStep: number;
    /** When everybody in it was read last; 0: not yet. */
    readonly readAtMs: number;
  }[];
  readonly asOfMs: number;
};

function systemRows({ systems }: HealthView, words: Words, nowMs: number): readonly Element[] {
  return systems.map(({ name, outOfStep, readAtMs }) =>
    row(
      plain(name),
      outOfStep === 0 ? say(words, "inStep") : say(words, "healthSystem", { n: outOfStep }),
      readAtMs === 0
        ? say(words, "neverRead")
        : say(words, "readAgo", { length: lengthWords(words, nowMs - readAtMs) }),
    ),
  );
}

/** Whether the service does its work: read from both systems, and how far behind. */
export function healthCard(
  view: HealthView,
  words: Words,
  nowMs: number,
  buttons: readonly Button[],
): Card {
  const ready = view.waitingFor.length === 0;
  const title = say(words, "healthTitle");
  const state = ready
    ? say(words, "healthReady")
    : say(words, "healthWaiting", { what: view.waitingFor.join(", ") });
  return card(
    words,
    [
      heading(title),
      box([text(state, { weight: "Bolder" })], { style: ready ? "good" : "warning" }),
      text(say(words, "healthReps", { n: view.reps })),
      ...systemRows(view, words, nowMs),
      footer(words, view.asOfMs, false),
      ...actions(buttons),
    ],
    { summary: `${title}: ${state}` },
  );
}

/** What a day was like: figures, no names. */
export function digestCard(
  figures: readonly { readonly label: string; readonly value: string }[],
  asOfMs: number,
  words: Words,
  buttons: readonly Button[],
): Card {
  const title = say(words, "digestTitle");
  return card(
    words,
    [
      heading(title),
      ...figures.map(({ label, value }) => row(label, value)),
      footer(words, asOfMs, false),
      ...actions(buttons),
    ],
    { summary: title },
  );
}
