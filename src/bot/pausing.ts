import type { BotPort, Pausing } from "./port.ts";

/** As the record of a pause says it; never a name. */
export const BY_HERSELF = "the rep herself";

/**
 * Keeps who asked to be left alone, as records that the service reads; `changed` has it read them now. Whoever already
 * is left alone for a reason of somebody else's stays so.
 */
export function createPausing(
  { engine, nowMs }: Pick<BotPort, "engine" | "nowMs">,
  kind: string,
  changed: () => void,
): Pausing {
  return {
    pause: async ({ rep }) => {
      const body = { by: BY_HERSELF, sinceMs: nowMs() };
      await engine.keep({ kind, id: rep, body, expiresAtMs: null });
      changed();
    },
    resume: async ({ rep }) => {
      const was = await engine.forget(kind, rep);
      changed();
      return was;
    },
  };
}
