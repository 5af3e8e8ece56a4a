import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { checkApplicationUser, checkDirectory } from "../../src/cli/doctor/dynamics.ts";
import { createDynamicsProbes } from "../../src/cli/doctor/dynamics-probes.ts";
import { probe } from "../../src/cli/doctor/finding.ts";
import { checkDynamicsPoll, checkTeamsPoll } from "../../src/cli/doctor/load.ts";
import { checkCertificate } from "../../src/cli/doctor/signing-in.ts";
import { checkSubscribers, checkTeamsRead } from "../../src/cli/doctor/teams.ts";
import { createDataverse } from "../../src/connectors/dynamics/dataverse.ts";

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

  test.each(["{}", "[]", "null", "", "<html>sign in</html>", '{"UserId":7}'])(
    "[R155] a gateway that answers 200 %s to everything is no Dataverse, and is named as none",
    async (body) => {
      const server = createServer((_, response) => void response.end(body)).listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const token = (): Promise<string> => Promise.resolve("a token");
      const dataverse = createDataverse({
        dataverseUrl: `http://127.0.0.1:${port}`,
        credential: { token, replacement: token },
        nowMs: Date.now,
      });
      onTestFinished(async () => {
        await dataverse.close();
        server.close();
      });
      const { signal } = new AbortController();
      const tried = await probe(Date.now, () => createDynamicsProbes(dataverse, signal).whoAmI());
      const finding = checkApplicationUser(tried);
      expect(finding).toMatchObject({ level: "failure", cameBack: "dataverse-answer-malformed" });
      expect(finding.next).toContain("DATAVERSE_URL");
    },
  );

  test("[R155] what is skipped names what comes first", () => {
    expect(checkDirectory(null, true).cameBack).toContain("application user");
    expect(checkDirectory(null, false).cameBack).toContain("reading the store");
  });

  test("[R155] where nobody at all has a presence, the address may be wrong and not the licenses", () => {
    const read = (answered: number) =>
      checkTeamsRead({ ok: true, value: { asked: 10, answered }, tookMs: 1 });
    expect(read(0)).toMatchObject({ level: "failure", next: expect.stringMatching(/GRAPH_URL/) });
    expect(read(9).level).toBe("warning");
    expect(read(9).next).not.toMatch(/GRAPH_URL/);
  });
});
