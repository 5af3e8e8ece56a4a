import type { Host } from "../command.ts";

const WIDTH = 30;

/** A bar that is drawn over itself while somebody watches; otherwise nothing. */
export function progressBar(
  host: Host,
  what: string,
  total: number,
): { step(): void; end(): void } {
  let done = 0;
  let drawn = -1;
  return {
    step: () => {
      done += 1;
      const filled = Math.floor((done / Math.max(1, total)) * WIDTH);
      if (!host.watched || filled === drawn) return;
      drawn = filled;
      host.say(`${what} [${"#".repeat(filled)}${"-".repeat(WIDTH - filled)}] ${done}/${total}\r`);
    },
    end: () => {
      if (host.watched) host.say(`${" ".repeat(what.length + WIDTH + 24)}\r`);
    },
  };
}
