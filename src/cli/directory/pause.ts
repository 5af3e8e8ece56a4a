import { type Command, UsageError } from "../command.ts";
import { sync } from "./sync.ts";

const HELP: Readonly<Record<"pause" | "resume", string>> = {
  pause: `Nothing is written any more, but what takes ours back: what we set is withdrawn, and what people choose stays. With --all this is
the kill switch. The running service follows within seconds; it lasts for --hours, or until resume.`,
  resume: `Syncing goes on where it would have been. With --all it ends what "pause --all" began; who was paused by name stays paused.`,
};

/** `pause --all` is the same as `sync everybody pause`, which nobody remembers in a hurry. */
function quick(action: "pause" | "resume", summary: string): Command {
  return {
    name: action,
    takes: "<rep>|--all",
    positionals: { min: 0, max: 1 },
    summary,
    help: HELP[action],
    options: {
      all: { type: "boolean", says: "everybody" },
      ...(action === "pause"
        ? { hours: { type: "string", value: "number", says: "how long" } as const }
        : {}),
    },
    run: async (given, host) => {
      const [rep] = given.positionals;
      if (given.flag("all") === (rep !== undefined)) {
        throw new UsageError("Name one rep, or say --all.");
      }
      return sync.run({ ...given, positionals: [rep ?? "everybody", action] }, host);
    },
  };
}

export const pause = quick("pause", "stop syncing: one rep, or everybody (the kill switch)");
export const resume = quick("resume", "sync again: one rep, or everybody");
