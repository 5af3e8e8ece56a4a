import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { openCompany } from "../scenarios/company.ts";
import { PRESENCES } from "../scenarios/meaning.ts";
import { sceneOf } from "../scenarios/scene.ts";
import { unexplainedWrites } from "../service/evidence.ts";
import { repOf } from "./cabled-company.ts";

const FLIPS = 75;
const EVERY_MS = 200;

test("[P2] [R110] [R111] F31 another automation changes her every 200 ms: she is held, it is told once and named, nobody else suffers, and it does not take 60 writes", async () => {
  await using company = await openCompany({ reps: 4 });
  const { service, tenant, witness } = company;
  const [person, other] = [repOf(company, 0), sceneOf(company, repOf(company, 1))];
  const [available = "", busy = ""] = PRESENCES.map(([id]) => id);
  const held = async () =>
    (await service.history(person.dynamics)).filter(({ kind }) => kind === "held");
  // It goes on until she is held: a machine that is held up sees fewer of these changes, and later.
  for (let flip = 0; flip < FLIPS || (await held()).length === 0; flip += 1) {
    const presenceId = flip % 2 ? available : busy;
    tenant.dataverse.control.choose({ userId: person.dynamics, presenceId });
    if (flip === FLIPS - 10) other.inDynamics("Away");
    await sleep(EVERY_MS);
  }
  await other.shows("Away", "Away");
  await company.quiet();
  const written = (["teams", "dynamics"] as const).map(
    (side) => witness.writesTo(person, side).length,
  );
  expect((written[0] ?? 0) + (written[1] ?? 0)).toBeLessThanOrEqual(60);
  const told = await held();
  expect(told).toHaveLength(1);
  expect(told[0]?.detail).toMatchObject({ system: "dynamics", over: false });
  expect(unexplainedWrites(tenant, await service.history())).toEqual([]);
  expect(tenant.dataverse.control.rollbacks()).toEqual([]);
  await service.stop();
});
