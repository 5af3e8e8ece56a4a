import { defineConfig } from "vitest/config";

/** Here services live in real time, as processes of their own, and most of the time nothing happens. */
const LIVED = ["test/{scenarios,faults,service}/**/*.test.ts"];

/**
 * One run proves everything that needs nothing but npm. No retries: a test that fails now and then is a finding.
 * Two cores are what everybody has. What computes has one worker for each; after that, and not beside it, come the
 * tests that mostly wait, five at a time.
 */
export default defineConfig({
  test: {
    pool: "forks",
    retry: 0,
    testTimeout: 240_000,
    hookTimeout: 240_000,
    // A safety net, as every wait here: what is waited for comes, but a busy machine takes its time.
    expect: { poll: { timeout: 50_000 } },
    allowOnly: false,
    passWithNoTests: false,
    projects: [
      {
        extends: true,
        test: {
          name: "computed",
          include: ["test/**/*.test.ts"],
          exclude: LIVED,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: "lived", include: LIVED, maxWorkers: 5, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
