import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { RULE_MUTANTS, type RuleMutant } from "./test/rules/mutants.ts";
import { VerdictReporter } from "./test/rules/verdict.ts";

const SOURCES = fileURLToPath(new URL("src/", import.meta.url));

/** The tests of one rule, asked of a source tree in which that rule is taken out. */
const without = ({ rule, shortcut, file, find, replace, test }: RuleMutant) => ({
  plugins: [
    {
      name: "without-a-rule",
      enforce: "pre" as const,
      transform: (code: string, id: string): string | null => {
        if (id !== `${SOURCES}${file}`) return null;
        const found = code.split(find).length - 1;
        if (found !== 1) throw new Error(`${rule}: found ${found} times in ${file}, not once`);
        return code.replace(find, () => replace);
      },
    },
  ],
  // Kept on disk, a module is known by its source and by the names of the plugins: all mutants would be the first one.
  test: { name: `${rule} ${shortcut}`, include: [`test/${test}`], fsModuleCache: false },
});

/** Started by `test/rules/rules.test.ts`. Here it is good news that a test fails. */
export default defineConfig({
  test: {
    pool: "threads",
    maxWorkers: 1,
    retry: 0,
    testTimeout: 60_000,
    reporters: [new VerdictReporter()],
    projects: RULE_MUTANTS.map(without),
  },
});
