import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const COLLECT = fileURLToPath(new URL("test/mutation/collect.ts", import.meta.url));

/** One worker that asks all mutants: docs/decisions/0008-mutation-testing.md. Started by `npm run mutate` only. */
export default defineConfig({
  plugins: [
    {
      // To the tests of the core, vitest is who collects them; hunt.ts itself runs in the real one.
      name: "collect",
      enforce: "pre",
      resolveId: (source, importer = "") =>
        source === "vitest" &&
        !/mutation\/(hunt|collect)\.ts$/.test(importer) &&
        importer.endsWith(".ts")
          ? COLLECT
          : null,
    },
  ],
  test: {
    include: ["test/mutation/hunt.ts"],
    pool: "threads",
    maxWorkers: 1,
    retry: 0,
  },
});
