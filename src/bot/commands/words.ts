import type { Status } from "../../presence/status.ts";
import type { CommandName } from "./command.ts";

/**
 * Everything that the bot understands and says in one language. A language is one file with one of these.
 *
 * `patterns` are what people type: `{rep}`, `{queue}` and so on take any text, `{status}` one of `statusNames`, and
 * what stands in `[ ]` may be left out. In `says`, `{name}` is filled in; a text never depends on where it is shown.
 */
export type Words = {
  /** BCP 47, as Teams sends it in an activity's `locale`: `en`, `de`, `ja`. */
  readonly language: string;
  readonly patterns: Readonly<Record<CommandName, readonly string[]>>;
  /** How each status is shown, and what else people call it. The first name is the one that is shown. */
  readonly statusNames: Readonly<Record<Status, readonly string[]>>;
  /** Dropped from both ends of what was typed: "please", "hey". */
  readonly courtesies: readonly string[];
  /** What people call the asker herself: "me", "myself". */
  readonly self: readonly string[];
  readonly minutes: readonly string[];
  readonly hours: readonly string[];
  readonly today: readonly string[];
  readonly yesterday: readonly string[];
  readonly off: readonly string[];
  /** What stands for each slot when a command is shown as an example. */
  readonly slots: Readonly<Record<Slot, string>>;
  readonly says: Readonly<Record<Phrase, string>>;
};

export const SLOTS = [
  "rep",
  "queue",
  "status",
  "until",
  "reason",
  "target",
  "day",
  "at",
  "off",
] as const;
export type Slot = (typeof SLOTS)[number];

/** Every sentence and label, in the order of where it is met. */
export const PHRASES = [
  "unknownCommand",
  "didYouMean",
  "tryHelp",
  "unknownRep",
  "severalReps",
  "unknownQueue",
  "queuesMissing",
  "helpTitle",
  "helpIntro",
  "helpPrivate",
  "helpAsk",
  "helpAct",
  "helpBeTold",
  "helpYours",
  "notAllowed",
  "lookupFailed",
  "somethingFailed",
  "cardTooOld",
  "cardNotYours",
  "inputWrong",
  "alreadyDone",
  "notSubmitted",
  "askedFor",
  "showToMe",
  "onlyAlone",
  "onlyForYou",
  "since",
  "sinceUnknown",
  "asOf",
  "readAgo",
  "neverRead",
  "chosenIn",
  "nothingChosen",
  "showsByItself",
  "reports",
  "returnsAfter",
  "underway",
  "absorbed",
  "rejected",
  "signedOut",
  "covered",
  "disagrees",
  "inStep",
  "holds",
  "holdUntil",
  "contactCentre",
  "signedInAt",
  "inBrowsers",
  "askedInHerName",
  "shiftEdge",
  "shiftUnknown",
  "shiftBegins",
  "shiftEnds",
  "paused",
  "overrideUntil",
  "masked",
  "manualHides",
  "manualEnds",
  "manualEndUnknown",
  "manualLift",
  "manualLifted",
  "manualNothing",
  "whyTitle",
  "whyChain",
  "historyTitle",
  "historyEmpty",
  "historyMore",
  "statusThen",
  "availableTitle",
  "availableNone",
  "availableMore",
  "availableCount",
  "queueTitle",
  "queueOpen",
  "queueClosed",
  "ableNow",
  "waiting",
  "averageWait",
  "nextChange",
  "unknown",
  "queuesTitle",
  "teamTitle",
  "teamOf",
  "teamStuck",
  "longest",
  "boardTitle",
  "boardEdits",
  "boardNotHere",
  "alertsHere",
  "alertsNotHere",
  "setTitle",
  "setStatus",
  "setUntil",
  "setUntilHint",
  "setReason",
  "setReasonHint",
  "setSubmit",
  "setCancel",
  "setDone",
  "setDoneUntil",
  "setNeedsReason",
  "setCannotEnd",
  "setUntilWrong",
  "clockTimeWrong",
  "setBy",
  "roleManager",
  "roleSelf",
  "because",
  "releaseDone",
  "releaseNothing",
  "notifyDone",
  "notifyNow",
  "notifyAlready",
  "notifyFired",
  "notifyExpires",
  "digestDone",
  "digestOff",
  "digestTitle",
  "pauseMissing",
  "pauseDone",
  "resumeDone",
  "pauseNothing",
  "youAreNoRep",
  "lookupsTitle",
  "lookupsNone",
  "lookupRow",
  "setRow",
  "refusalRow",
  "exportText",
  "eraseAsk",
  "eraseConfirm",
  "eraseDone",
  "healthTitle",
  "healthReps",
  "healthReady",
  "healthWaiting",
  "healthSystem",
  "policyTitle",
  "policyDefault",
  "policyChanged",
  "policyLaws",
  "policyBroken",
  "policyReads",
  "policyReadsNothing",
  "policyWrites",
  "policyWithdraw",
  "policySession",
  "policyPreferred",
  "policyDefaultRead",
  "policyDefaultWrite",
  "policyNothing",
  "policyClosed",
  "policySignedOut",
  "policyUnread",
  "policyPresences",
  "policyCounts",
  "policySet",
  "policyCapacity",
  "policyShown",
  "policyHidden",
  "alertDrift",
  "alertFight",
  "alertFightBetween",
  "alertBy",
  "alertSilence",
  "alertSignedOut",
  "digestChanges",
  "digestWrites",
  "digestHeld",
  "digestOutOfStep",
  "alertStepDrift",
  "alertStepFight",
  "alertStepSilence",
  "alertStepSignedOut",
  "alertNext",
  "refresh",
  "why",
  "history",
  "set",
  "release",
  "notify",
  "team",
  "available",
  "welcome",
  "consoleLoading",
  "consoleAsk",
  "consoleReads",
  "consoleOutside",
  "consoleRefused",
  "consoleFailed",
  "minutesShort",
  "hoursShort",
  "secondsShort",
] as const;
export type Phrase = (typeof PHRASES)[number];

/**
 * Fills `{name}`s in, and of `{n:rep|reps}` the first where `n` is 1, else the second. A name that is not given stays
 * visible, so that it is found.
 */
export function say(
  words: Words,
  phrase: Phrase,
  values: Readonly<Record<string, string | number>> = {},
): string {
  return words.says[phrase].replaceAll(
    /\{(\w+)(?::([^|{}]*)\|([^{}]*))?\}/g,
    (whole, name: string, one?: string, many?: string) => {
      const value = values[name];
      if (value === undefined) return whole;
      if (one === undefined) return String(value);
      return value === 1 ? one : (many ?? one);
    },
  );
}

/** A status as people read it. */
export function statusWords(words: Words, status: Status): string {
  return words.statusNames[status][0] ?? status;
}

/** A length of time as people say it, in its largest whole unit: `45 s`, `12 min`, `3 h 5 min`. */
export function lengthWords(words: Words, lengthMs: number): string {
  const seconds = Math.max(0, Math.round(lengthMs / 1000));
  if (seconds < 60) return say(words, "secondsShort", { n: seconds });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return say(words, "minutesShort", { n: minutes });
  const rest = minutes % 60;
  const hours = say(words, "hoursShort", { n: Math.floor(minutes / 60) });
  return rest === 0 ? hours : `${hours} ${say(words, "minutesShort", { n: rest })}`;
}
