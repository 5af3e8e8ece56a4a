import { describe, expect, test } from "vitest";
import { checkDynamicsPoll, checkTeamsPoll } from "../../src/cli/doctor/load.ts";
import { checkCertificate } from "../../src/cli/doctor/signing-in.ts";
import { checkSubscribers } from "../../src/cli/doctor/teams.ts";

const DAY_MS = 86_400_000;

/** What no small company shows. */
describe("checks by themselves", () => {
  test.each([
    [null, 10, "skipped", /store/],
    [[0, 0, 0], 10, "skipped", /polling/],
    [[1, 1, 1], 650, "fine", /1 connected/],
    [[1, 1, 1], 651, "warning", /Connect 1 more/],
    [[2, 1, 1], 650, "warning", /1 of them cannot be opened.*CACHE_KEY/],
    [[2, 2, 1], 650, "warning", /2 connected, 1 with a subscription that is live.*sign in again/],
    [[47, 47, 47], 30_000, "fine", /47 connected, 47 with .* for 30000 reps/],
  ] as const)("[R155] %s subscriber accounts for %s reps are %s", (counts, reps, level, says) => {
    const [connected = 0, readable = 0, live = 0] = counts ?? [];
    const finding = checkSubscribers(counts && { connected, readable, live }, reps);
    expect(finding.level).toBe(level);
    expect(`${finding.cameBack} ${finding.next}`).toMatch(says);
  });

  test.each([
    [40, "fine"],
    [29, "warning"],
    [-1, "failure"],
  ] as const)("[R155] a certificate that lasts %s days is a %s", (days, level) => {
    const expiresAtMs = 1_000 + days * DAY_MS;
    expect(checkCertificate({ ok: true, value: { expiresAtMs }, tookMs: 1 }, 1_000).level).toBe(
      level,
    );
  });

  test.each([
    [
      "Teams, 30 000 reps every 5 s",
      checkTeamsPoll({ reps: 30_000, everyMs: 5_000, tookMs: 900 }),
      "fine",
      /47 calls every 5 s: 19 % of the limit/,
    ],
    [
      "Teams, 30 000 reps every second",
      checkTeamsPoll({ reps: 30_000, everyMs: 1_000, tookMs: 900 }),
      "warning",
      /94 %.*TEAMS_POLL_SECONDS/,
    ],
    [
      "a poll that takes longer than its pause",
      checkTeamsPoll({ reps: 10, everyMs: 1_000, tookMs: 1_500 }),
      "warning",
      /TEAMS_POLL_SECONDS/,
    ],
    [
      "Dynamics, 30 000 reps every 10 s",
      checkDynamicsPoll({ reps: 30_000, everyMs: 10_000, tookMs: 900 }),
      "fine",
      /6 calls every 10 s: 3.0 %/,
    ],
    ["nothing that was read", checkDynamicsPoll(null), "skipped", /comes first/],
  ] as const)("[R155] the cost of polling %s", (_what, finding, level, says) => {
    expect(finding.level).toBe(level);
    expect(`${finding.cameBack} ${finding.next}`).toMatch(says);
  });
});
