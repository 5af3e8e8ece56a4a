import { expect, test } from "vitest";
import { ANA, BEN, CLEO, keptIntegration, Office } from "./office.ts";

const HOUR = 3_600_000;
const PLANNER = { as: "planner" } as const;

function plan(office: Office, shift: string, from: number, until: number, status?: string) {
  const nowMs = office.clock.nowMs();
  const body = {
    fromMs: nowMs + from * HOUR,
    untilMs: nowMs + until * HOUR,
    ...(status === undefined ? {} : { status }),
  };
  return office.ask(`PUT /reps/${ANA.rep}/shifts/${shift}`, { ...PLANNER, body });
}

const shiftEvents = async (office: Office): Promise<readonly unknown[]> => {
  await office.statusOf(ANA);
  const history = await office.engine.history({ rep: ANA.rep, limit: 1_000 });
  return history.filter(({ kind }) => kind === "event").map(({ detail }) => detail["type"]);
};

test("[R193] a shift ends at its time, and the next one takes its Offline back", async () => {
  const office = await Office.open();
  expect((await plan(office, "mon", 0, 8)).status).toBe(202);
  expect((await plan(office, "tue", 24, 32)).status).toBe(202);
  await office.clock.advance(7.9 * HOUR);
  expect(await office.statusOf(ANA)).toBe("Available");
  await office.clock.advance(0.2 * HOUR);
  expect(await office.statusOf(ANA)).toBe("Offline");
  await office.clock.advance(16 * HOUR);
  expect(await office.statusOf(ANA)).toBe("Available");
  expect(await shiftEvents(office)).toEqual(["shift.started", "shift.ended", "shift.started"]);
  const { json } = await office.ask(`GET /reps/${ANA.rep}/shifts`, PLANNER);
  expect(json).toMatchObject({ shifts: [{ shift: "tue" }] });
});

test("[R336] the next edge is the soonest of all that is planned, restarts included", async () => {
  const office = await Office.open();
  const nowMs = office.clock.nowMs();
  expect(office.nextShift(ANA)).toBeNull();
  await plan(office, "training", 1, 3, "DoNotDisturb");
  expect(office.nextShift(ANA)).toBeNull();
  await plan(office, "tue", 24, 32);
  await plan(office, "mon", 2, 8);
  expect(office.nextShift(ANA)).toEqual({ begins: true, atMs: nowMs + 2 * HOUR });
  await office.clock.advance(2.5 * HOUR);
  expect(office.nextShift(ANA)).toEqual({ begins: false, atMs: nowMs + 8 * HOUR });
  await office.restart();
  expect(office.nextShift(ANA)).toEqual({ begins: false, atMs: nowMs + 8 * HOUR });
  await office.clock.advance(6 * HOUR);
  expect(office.nextShift(ANA)).toEqual({ begins: true, atMs: nowMs + 24 * HOUR });
});

test("[R193] a planned status stands from its start to its end, and then what was before", async () => {
  const office = await Office.open();
  await plan(office, "training", 1, 3, "DoNotDisturb");
  expect(await office.statusOf(ANA)).toBe("Available");
  await office.clock.advance(HOUR);
  expect(await office.statusOf(ANA)).toBe("DoNotDisturb");
  await office.clock.advance(2.1 * HOUR);
  expect(await office.statusOf(ANA)).toBe("Available");
});

test("[R193] edges that came while the service was down come when it is back, each once", async () => {
  const office = await Office.open();
  await plan(office, "early", 0, 1);
  await plan(office, "late", 2, 9);
  await office.clock.advance(0.5 * HOUR);
  await office.end();
  await office.clock.advance(3 * HOUR);
  await office.begin();
  await office.clock.advance(1_000);
  expect(await shiftEvents(office)).toEqual(["shift.started", "shift.ended", "shift.started"]);
  expect(await office.statusOf(ANA)).toBe("Available");
  await office.restart();
  await office.clock.advance(HOUR);
  expect(await shiftEvents(office)).toHaveLength(3);
});

test("[R193] a shift that was missed altogether ends, and does not begin", async () => {
  const office = await Office.open();
  await plan(office, "night", 1, 2);
  await office.end();
  await office.clock.advance(5 * HOUR);
  await office.begin();
  await office.clock.advance(1_000);
  expect(await shiftEvents(office)).toEqual(["shift.ended"]);
});

test("[R193] a plan that is replaced or taken back has no edges any more", async () => {
  const office = await Office.open();
  await plan(office, "a", 1, 2);
  expect((await plan(office, "a", 1, 2)).json).toMatchObject({ result: "duplicate" });
  await plan(office, "a", 5, 6);
  await plan(office, "b", 1, 2);
  const gone = await office.ask(`DELETE /reps/${ANA.rep}/shifts/b`, PLANNER);
  expect(gone.status).toBe(202);
  // Somebody else's plan of the same name is another plan.
  await office.ask(`DELETE /reps/${ANA.rep}/shifts/a`, { as: "phone" });
  await office.clock.advance(4 * HOUR);
  expect(await shiftEvents(office)).toEqual([]);
  await office.clock.advance(1.1 * HOUR);
  expect(await shiftEvents(office)).toEqual(["shift.started"]);
});

test("[R193] a plan that is over, or ends before it begins, or is one too many, is refused", async () => {
  const quota = { ...keptIntegration("x").quota, shifts: 1 };
  const office = await Office.open({ planner: { quota } });
  expect((await plan(office, "a", -2, -1)).status).toBe(400);
  expect((await plan(office, "a", 2, 1)).status).toBe(400);
  expect((await plan(office, "a", 1, 2)).status).toBe(202);
  expect((await plan(office, "a", 1, 3)).status).toBe(202);
  expect(await plan(office, "b", 1, 2)).toMatchObject({ json: { code: "api-quota-reached" } });
});

test("[R192] [R193] of plans that come at once as many are taken as may be", async () => {
  const quota = { ...keptIntegration("x").quota, shifts: 2 };
  const office = await Office.open({ planner: { quota } });
  const nowMs = office.clock.nowMs();
  const items = [ANA, BEN, CLEO].map(({ rep }) => {
    return { op: "putShift", rep, shift: "a", fromMs: nowMs + HOUR, untilMs: nowMs + 2 * HOUR };
  });
  const { json } = await office.ask("POST /bulk", { ...PLANNER, body: { items } });
  const { results } = json as { results: readonly { status: number }[] };
  expect(results.map(({ status }) => status)).toEqual([202, 202, 409]);
});
