import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makePeople } from "../../src/emulators/people.ts";
import { startTenant } from "../../src/emulators/tenant.ts";
import { LOOPBACK_TLS } from "../connectors/loopback.ts";
import { eventually, temporaryFolder } from "../service/launch.ts";
import { type Company, openCompany } from "./company.ts";
import { liveThroughRouting, type RoutingDayCounts } from "./routing-day.ts";
import type { RoutingDayPlan } from "./routing-plan.ts";

/** `ROUTING_DAY=chat` is the day of the README, some nine minutes; with `voice`, five, a rep has one conversation at a time. */
const DAYS = {
  short: { seed: 1, reps: 40, conversations: 160, minutes: 120, minuteMs: 200, units: 30 },
  chat: { seed: 1, reps: 200, conversations: 2_000, minutes: 480, minuteMs: 500, units: 30 },
  voice: { seed: 1, reps: 200, conversations: 2_000, minutes: 480, minuteMs: 250, units: 100 },
} as const satisfies Readonly<Record<string, RoutingDayPlan>>;
const { ROUTING_DAY: day } = process.env;
const PLAN = day === "chat" || day === "voice" ? DAYS[day] : DAYS.short;

/** Busy is an allowed presence, so a call must show as something else (`doctor` says so). */
const POLICY = '{"dynamics":{"writes":{"InACall":"Busy - DND","InAMeeting":"Busy - DND"}}}';

/** Who shows, before the day begins, how long it takes on this machine to be followed. */
const PACEMAKERS = 8;

/** Resolves to how long it took until Dynamics showed a call in Teams, for the last of a few reps. Milliseconds. */
async function followedInMs({ tenant, people }: Company): Promise<number> {
  const { graph, dataverse } = tenant;
  const some = people.slice(0, PACEMAKERS);
  const areAll = (isFree: boolean): boolean =>
    some.every(({ dynamics: userId }) => {
      const { name } = dataverse.control.state({ userId });
      return (name === "Available") === isFree;
    });
  const startedAtMs = Date.now();
  for (const { teams: userId } of some) graph.control.startCall({ userId });
  await eventually("Dynamics shows the calls", () => areAll(false), { everyMs: 10 });
  const tookMs = Date.now() - startedAtMs;
  for (const { teams: userId } of some) graph.control.endCall({ userId });
  await eventually("Dynamics shows their end", () => areAll(true));
  return tookMs;
}

/** The day as planned, or slower where everything is: two of its minutes for what takes that long to be followed. */
function slowedTo(tookMs: number): RoutingDayPlan {
  if (PLAN !== DAYS.short) return PLAN;
  const minuteMs = Math.max(PLAN.minuteMs, Math.min(tookMs / 2, 5 * PLAN.minuteMs));
  return { ...PLAN, minuteMs };
}

async function without(plan: RoutingDayPlan): Promise<RoutingDayCounts> {
  const tenant = await startTenant({
    people: makePeople(PLAN.reps),
    signedIn: true,
    tls: LOOPBACK_TLS,
  });
  try {
    for (const { azureObjectId } of tenant.people.users) {
      tenant.graph.control.setClient({ userId: azureObjectId ?? "", availability: "Available" });
    }
    return await liveThroughRouting(tenant, plan, null);
  } finally {
    await tenant.close();
  }
}

async function withService(): Promise<{
  readonly plan: RoutingDayPlan;
  readonly after: RoutingDayCounts;
}> {
  await using folder = await temporaryFolder();
  const policyFile = join(folder.path, "policy.json");
  await writeFile(policyFile, POLICY);
  await using company = await openCompany({
    reps: PLAN.reps,
    unwatched: true,
    env: { POLICY_FILE: policyFile, TEAMS_POLL_SECONDS: "0.1", DYNAMICS_POLL_SECONDS: "1" },
  });
  const plan = slowedTo(await followedInMs(company));
  return { plan, after: await liveThroughRouting(company.tenant, plan, company.service) };
}

/** Time runs so much faster than it does that what takes the service half a second takes it minutes of that day. */
test("[P13] the same day with and without us: conversations given to a rep who could not take them", async ({
  annotate,
}) => {
  const { plan, after } = await withService();
  const before = await without(plan);
  await annotate(JSON.stringify({ plan, before, after }));
  expect(before.arrived).toBe(PLAN.conversations);
  expect(after.arrived).toBe(PLAN.conversations);
  expect(before.routedWhileBusy).toBeGreaterThan(PLAN.conversations / 40);
  // How many fewer is a matter of how fast this machine is: minutes of that day pass while it stands still.
  expect(after.routedWhileBusy).toBeLessThan(before.routedWhileBusy);
}, 1_200_000);
