import type { Status } from "../../presence/status.ts";

/** A time of day on the asker's own clock. */
export type ClockTime = { readonly hour: number; readonly minute: number };

/** When something that was set ends: at a time of day (the next one to come), or after so many minutes. */
export type Until =
  | ({ readonly kind: "at" } & ClockTime)
  | { readonly kind: "for"; readonly minutes: number };

type Day = "today" | "yesterday";

/** What somebody asks for. Names of reps and queues are as they were typed; nobody has been looked up yet. */
export type Command =
  | { readonly name: "status" | "why" | "release"; readonly rep: string }
  | { readonly name: "available"; readonly queue: string | null }
  | { readonly name: "queue"; readonly queue: string }
  | {
      readonly name: "history";
      readonly rep: string;
      readonly day: Day;
      readonly at: ClockTime | null;
    }
  | {
      readonly name: "set";
      readonly rep: string;
      readonly status: Status;
      readonly until: Until | null;
      readonly reason: string | null;
    }
  | { readonly name: "notify"; readonly target: string }
  | { readonly name: "digest"; readonly at: ClockTime | null }
  | {
      readonly name:
        | "queues"
        | "team"
        | "board"
        | "alerts"
        | "pause"
        | "resume"
        | "me"
        | "lookups"
        | "export"
        | "erase"
        | "health"
        | "policy"
        | "help";
    };

export type CommandName = Command["name"];
