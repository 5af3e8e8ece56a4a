import { defineConfig } from "vitest/config";

/**
 * The bot as people use it: Microsoft's Agents Playground in a real Chromium, against the real service and an emulated
 * tenant. One file at a time: each starts all of that. `test/e2e/set-up.ts` sees to Chromium.
 */
export default defineConfig({
  test: {
    include: ["test/e2e/*.e2e.ts"],
    globalSetup: ["test/e2e/set-up.ts"],
    pool: "forks",
    maxWorkers: 1,
    fileParallelism: false,
    retry: 0,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    allowOnly: false,
    passWithNoTests: false,
  },
});
