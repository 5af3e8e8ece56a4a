import { type Engine, engineWith, type HistoryEntry, type StoredHistoryEntry } from "./engine.ts";

/**
 * The same engine, telling what each commit added to the history, once it is durable; as it is stored, if the store
 * tells at once where, and `null` otherwise.
 */
export function announcing(
  engine: Engine,
  onCommit: (
    history: readonly HistoryEntry[],
    stored: readonly StoredHistoryEntry[] | null,
  ) => void,
): Engine {
  return engineWith(engine, {
    commit: async (commit) => {
      const result = await engine.commit(commit);
      const { history } = commit;
      if (!result.ok || history.length === 0) return result;
      const { position: first } = result;
      const stored = (entry: HistoryEntry, at: number) => ({
        ...entry,
        position: (first ?? 0) + at,
      });
      onCommit(history, first === undefined ? null : history.map(stored));
      return result;
    },
  });
}
