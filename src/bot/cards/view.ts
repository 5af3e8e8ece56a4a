import type { Status } from "../../presence/status.ts";

/** What one system shows of a rep. `note` says how that relates to what it should show. */
export type SystemView = {
  readonly name: string;
  readonly status: Status | null;
  readonly note:
    | "in step"
    | "differs"
    | "underway"
    | "absorbed"
    | "rejected"
    | "signed out"
    | "covered";
  /** Epoch milliseconds at which it was last read; 0: never. */
  readonly readAtMs: number;
  /** What of ours hides whatever she shows there herself, and since when; `null`: nothing does. */
  readonly mask: { readonly sinceMs: number; readonly covering: Status } | null;
};

/** A status that she set by hand in a system, and that keeps another from showing there. */
export type ManualView = {
  readonly where: string;
  readonly status: Status;
  readonly hides: Status;
  /** `null`: since before anybody looked. */
  readonly sinceMs: number | null;
  /** When it ends unless she named a time of her own; `null`: nobody knows. */
  readonly endsMs: number | null;
  /** Which choice is meant, for the button that lifts it. */
  readonly choice: number;
};

/** Something that lies over a rep's own choice: a call, a meeting, what a manager set. */
export type LayerView = {
  readonly status: Status;
  readonly source: string;
  /** `null` where nobody knows. */
  readonly untilMs: number | null;
};

/** Where a status comes from: chosen in a system, set by somebody who is none, shown by a system by itself, reported by somebody. */
export type OriginView =
  | { readonly kind: "chosen"; readonly where: string }
  | { readonly kind: "nothing chosen" }
  | { readonly kind: "shown" | "reported" | "set"; readonly where: string };

/** When she next begins or ends a shift. */
export type ShiftView = { readonly begins: boolean; readonly atMs: number };

/** What the contact centre itself says of her at this moment, in its own words. Times are epoch milliseconds. */
export type DetailView = {
  readonly presence: string;
  /** When she signed in, which is not when she came to show this; `null`: it does not tell. */
  readonly signedInAtMs: number | null;
  readonly browserSessions: number;
  readonly asOfMs: number;
};

/** One rep, as everybody who may see her is told. Times are epoch milliseconds. */
export type RepView = {
  readonly name: string;
  readonly status: Status;
  readonly origin: OriginView;
  /** What comes back when what lies on top is over; `null` when nothing does. */
  readonly beneath: { readonly status: Status; readonly origin: OriginView } | null;
  readonly sinceMs: number | null;
  readonly systems: readonly SystemView[];
  readonly layers: readonly LayerView[];
  /** Set by a manager, until then. */
  readonly overridden: LayerView | null;
  readonly manual: ManualView | null;
  /** `null`: nobody has planned one. */
  readonly nextShift: ShiftView | null;
  /** `null`: nobody asked, or it tells nothing. */
  readonly detail: DetailView | null;
  readonly paused: boolean;
  readonly asOfMs: number;
};

/** One line of a list of people. */
export type PersonView = {
  readonly name: string;
  readonly status: Status;
  readonly sinceMs: number | null;
  readonly inStep: boolean;
};

/** One thing that happened, in the words of the history. */
export type EntryView = { readonly atMs: number; readonly says: string };

export type QueueView = {
  readonly id: string;
  readonly name: string;
  /** `null`: operating hours are not known. */
  readonly open: boolean | null;
  readonly ableNow: number;
  readonly members: number;
  readonly waiting: number | null;
  readonly averageWaitMs: number | null;
  readonly nextChangeMs: number | null;
  /** Of the figures above: when the oldest fact behind them was read. */
  readonly asOfMs: number;
  /** Each figure's source and age, the freshest first. */
  readonly sources: readonly {
    readonly name: string;
    readonly ableNow: number | null;
    readonly asOfMs: number;
  }[];
};

export type TeamView = {
  readonly people: readonly PersonView[];
  readonly counts: Readonly<Record<Status, number>>;
  readonly outOfStep: number;
  readonly asOfMs: number;
};

/** A state in the system's own word, and what the default policy reads it as where that is something else. */
export type ReadView = {
  readonly state: string;
  readonly moved: boolean;
  readonly byDefault: Status | null;
};

/** What is done in a system for a status. */
export type WriteView =
  | { readonly kind: "withdraw" }
  | { readonly kind: "preferred" | "session"; readonly status: Status }
  | { readonly kind: "presence"; readonly state: string };

/** The policy in force: what it was made of, and where it differs from the default. */
export type PolicyView = {
  readonly statuses: readonly {
    readonly status: Status;
    readonly systems: readonly {
      readonly name: string;
      readonly reads: readonly ReadView[];
      readonly writes: WriteView;
      /** `null` where it is the same. */
      readonly defaultWrites: WriteView | null;
      /** Of Offline: what a client that is gone means there. */
      readonly absence: "ignored" | "withdraws" | null;
    }[];
  }[];
  /** States that are no observation. */
  readonly unread: readonly { readonly name: string; readonly states: readonly ReadView[] }[];
  /** What is agreed of single presences, by id. `null`: nothing follows from it. */
  readonly presences: readonly {
    readonly id: string;
    readonly use: "counts" | "set";
    readonly status: Status | null;
  }[];
  readonly capacityBusy: "shown" | "hidden";
  /** How many cells differ from the default. */
  readonly changes: number;
  /** Laws that it breaks, each with what shows it. */
  readonly broken: readonly string[];
  readonly asOfMs: number;
};
