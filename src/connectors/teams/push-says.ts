import type { PushNote } from "./push.ts";
import type { PoolStatus } from "./subscriber-pool.ts";

/** A line for the log: codes and counts, and what the reader should do. */
export type PushLine = {
  readonly level: "info" | "warn" | "error";
  readonly fields: Readonly<Record<string, string | number>>;
  readonly says: string;
};

/**
 * What an operator reads about change notifications. A shard is named by the object id of its account. Nothing
 * here means that somebody is out of step: without notifications Teams is read as often as ever.
 */
export function pushLine(note: PushNote): PushLine {
  const { code } = note;
  switch (note.code) {
    case "push-live":
      return {
        level: "info",
        fields: { code, shard: note.shard, reps: note.reps },
        says: "Teams announces changes of these reps.",
      };
    case "push-silent":
      return {
        level: "warn",
        fields: { code, shard: note.shard, silentMinutes: note.silentMinutes },
        says: "A subscription had stopped announcing changes; the polls found them, and it is made anew.",
      };
    case "push-pool-too-small":
      return {
        level: "warn",
        fields: { code, uncovered: note.uncovered, accounts: note.accounts },
        says: "Connect another subscriber account at /connect/teams: each watches 650 reps at most.",
      };
    case "push-failed": {
      const { code: error, retry, detail = "", nextStep } = note.error;
      return {
        level: error === "entra-subscriber-signed-out" ? "error" : "warn",
        fields: { code: error, retry, detail, shard: note.shard },
        says: nextStep,
      };
    }
    case "push-fault":
      return {
        level: "error",
        fields: { code, shard: note.shard, fault: nameOf(note.error) },
        says: "A fault of ours, or of the store, at a subscription; it is tried again.",
      };
    case "push-account-connected":
      return { level: "info", fields: { code }, says: "A subscriber account was connected." };
    case "push-account-disconnected":
      return { level: "info", fields: { code }, says: "A subscriber account was disconnected." };
    case "push-cache-key-wrong":
      return {
        level: "error",
        fields: { code, accounts: note.accounts },
        says: "Set CACHE_KEY or CACHE_KEY_PREVIOUS to the key that these accounts were kept with, or connect them again.",
      };
    case "push-sign-in":
      return {
        level: "warn",
        fields: { code: note.why },
        says: "Nobody was connected at /connect/teams; the page says why.",
      };
  }
}

/** How changes in Teams reach us now, and how late at the latest. */
export function modeLine({ mode, pushedReps, polledReps }: PoolStatus, pollMs: number): PushLine {
  const seconds = pollMs / 1000;
  const says = {
    poll: `Teams is polled: a change there is seen up to ${seconds} s later. Accounts connected at /connect/teams make it sooner.`,
    mixed: `Teams announces changes of some reps; those of the others are seen up to ${seconds} s later.`,
    push: `Teams announces changes of all reps; one that it does not announce is seen up to ${seconds} s later.`,
  };
  return {
    level: "info",
    fields: { code: "push-mode", mode, pushedReps, polledReps, pollSeconds: seconds },
    says: says[mode],
  };
}

/** Name and code: a message may quote what it choked on. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" ? `${error.name} ${code}` : error.name;
}
