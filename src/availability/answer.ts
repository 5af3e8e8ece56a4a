/**
 * What the contact centre's own availability API says of the first queue that a conversation would reach.
 * Microsoft: "Use representative availability APIs". Wait and position are near real time there, reps about five
 * minutes old, opening hours about ten; overflow and percentage routing are not looked at.
 */
export type CenterAnswer = {
  /** Lower-case; `null` when no rule leads to a queue. */
  readonly queueId: string | null;
  readonly isOpen: boolean;
  readonly hasRep: boolean;
  /** `null`: an organization that does not tell yet. */
  readonly repsAvailable: number | null;
  /** From the seconds where they are given, else from the minutes; `null` when neither is. */
  readonly averageWaitSeconds: number | null;
  readonly position: number | null;
  /** The next hours, told only while it is closed. */
  readonly opensAtMs: number | null;
  readonly closesAtMs: number | null;
  /** When it next opens or closes; `null`: never, or not told. */
  readonly changesAtMs: number | null;
};

/** Where a question about availability starts: before there is a conversation, or in one. */
export type CenterQuestion = (
  | {
      readonly workstreamId: string;
      /** Columns of the engagement that rules may look at, such as `msdyn_browser`. */
      readonly engagement?: Readonly<Record<string, string>>;
    }
  | { readonly conversationId: string }
) & {
  /** What routing rules look at beside the channel; numbers must be whole. */
  readonly context?: Readonly<Record<string, string | number>>;
};
