import { defineConfig } from "vitest/config";

/**
 * One run proves everything that needs nothing but npm. No retries: a test that fails now and then is a finding.
 * Two workers, because scenarios start processes of their own and two cores are what everybody has.
 */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    retry: 0,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    allowOnly: false,
    passWithNoTests: false,
  },
});
