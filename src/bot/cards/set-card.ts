import { type Status, STATUSES } from "../../presence/status.ts";
import { say, statusWords, type Words } from "../commands/words.ts";
import {
  actions,
  box,
  type Button,
  type Card,
  card,
  column,
  columns,
  dayAndTime,
  heading,
  plain,
  sign,
  small,
  text,
  time,
} from "./element.ts";

/** What somebody asked to be set, as it is shown back. */
export type SettingView = {
  readonly name: string;
  readonly status: Status;
  readonly untilMs: number | null;
  readonly reason: string | null;
};

/** A call is reported and a meeting is in a calendar: neither is set by hand. */
export const SETTABLE: readonly Status[] = STATUSES.filter(
  (status) => status !== "InACall" && status !== "InAMeeting",
);

/** Asks for a status, an end and a reason. `problem` says what was wrong with the last attempt. */
export function setForm(
  name: string,
  forSelf: boolean,
  words: Words,
  buttons: readonly Button[],
  problem: string | null = null,
): Card {
  const title = say(words, "setTitle", { name: plain(name) });
  return card(
    words,
    [
      heading(title),
      ...(problem === null ? [] : [box([text(problem)], { style: "attention" })]),
      {
        type: "Input.ChoiceSet",
        id: "status",
        label: say(words, "setStatus"),
        isRequired: true,
        errorMessage: say(words, "setStatus"),
        style: "compact",
        value: "Busy",
        choices: SETTABLE.map((status) => ({ title: statusWords(words, status), value: status })),
      },
      {
        type: "Input.Text",
        id: "until",
        label: say(words, "setUntil"),
        placeholder: say(words, "setUntilHint"),
        maxLength: 20,
      },
      {
        type: "Input.Text",
        id: "reason",
        label: say(words, "setReason"),
        placeholder: say(words, "setReasonHint", { name: plain(name) }),
        maxLength: 200,
        isMultiline: false,
        ...(forSelf ? {} : { isRequired: true, errorMessage: say(words, "setNeedsReason") }),
      },
      ...actions(buttons),
    ],
    { summary: title },
  );
}

/** What was set. It says "is set", not "shows": what the systems show is read afterwards. */
export function setResult(
  { name, status, untilMs, reason }: SettingView,
  atMs: number,
  words: Words,
  buttons: readonly Button[],
): Card {
  const values = { name: plain(name), status: statusWords(words, status) };
  const says =
    untilMs === null
      ? say(words, "setDone", values)
      : say(words, "setDoneUntil", { ...values, time: time(untilMs) });
  return card(
    words,
    [
      columns([
        column("auto", [sign(status, { size: "ExtraLarge" })]),
        column(
          "stretch",
          [
            text(says, { weight: "Bolder" }),
            ...(reason === null ? [] : [text(say(words, "because", { reason: plain(reason) }))]),
            small(dayAndTime(atMs)),
          ],
          { verticalContentAlignment: "Center" },
        ),
      ]),
      ...actions(buttons),
    ],
    { summary: `${name}: ${statusWords(words, status)}` },
  );
}
