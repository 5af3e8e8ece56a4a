import { type Engine, engineWith } from "./engine.ts";

/** The same engine, telling of each commit once it is durable. */
export function announcing(engine: Engine, onCommit: () => void): Engine {
  return engineWith(engine, {
    commit: async (commit) => {
      const result = await engine.commit(commit);
      if (result.ok && commit.history.length > 0) onCommit();
      return result;
    },
  });
}
