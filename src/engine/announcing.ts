import { type Engine, engineWith, type HistoryEntry } from "./engine.ts";

/** The same engine, telling what each commit added to the history, once it is durable. */
export function announcing(
  engine: Engine,
  onCommit: (history: readonly HistoryEntry[]) => void,
): Engine {
  return engineWith(engine, {
    commit: async (commit) => {
      const result = await engine.commit(commit);
      if (result.ok && commit.history.length > 0) onCommit(commit.history);
      return result;
    },
  });
}
