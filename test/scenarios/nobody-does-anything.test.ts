import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { eventually } from "../service/launch.ts";
import { openCompany } from "./company.ts";

const A_MINUTE_MS = 60_000;

test("[P3] [P15] 200 reps do nothing for a minute, and nothing is written to either system", async () => {
  await using company = await openCompany();
  const { graph, dataverse } = company.tenant;
  const reads = () => ({
    teams: graph.control.requests().byOperation.getPresencesByUserId ?? 0,
    dynamics: dataverse.control.requests()["msdyn_agentstatuses"] ?? 0,
  });
  const before = reads();
  await sleep(A_MINUTE_MS);
  // It was not asleep: both systems were read again and again, everybody in one call.
  await eventually("both were read thirty times", () => {
    const now = reads();
    return now.teams - before.teams > 30 && now.dynamics - before.dynamics > 30;
  });
  expect(company.writes()).toBe(0);
  expect(new Set(graph.control.requests().idsPerBulkRead)).toContain(200);
  const history = await company.service.history();
  expect(history.filter(({ kind }) => kind === "write")).toEqual([]);
  expect(new Set(history.map(({ rep }) => rep)).size).toBe(200);
  await company.service.stop();
  expect(company.service.errors).toBe("");
});
