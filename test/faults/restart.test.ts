import { expect, test } from "vitest";
import { openCompany } from "../scenarios/company.ts";
import { sceneOf } from "../scenarios/scene.ts";
import { eventually } from "../service/launch.ts";
import { repOf } from "./cabled-company.ts";

const REPS = 600;
const CHANGED = 40;

test("[P2] [P15] [R78] F36 started and ended a dozen times in a row, it writes only where the systems disagree, and reads in bulk", async () => {
  await using company = await openCompany({ reps: REPS });
  const { service, tenant } = company;
  await company.quiet(() => true);
  expect(company.writes()).toBe(0);

  for (let round = 0; round < 12; round += 1) {
    if (round % 2) await service.kill9();
    else await service.stop();
    await service.restart();
  }
  await company.quiet(() => true);
  expect(company.writes()).toBe(0);

  await service.kill9();
  const asked = () => tenant.graph.control.requests().byOperation.getPresencesByUserId ?? 0;
  for (let index = 0; index < CHANGED; index += 1) {
    const rep = sceneOf(company, repOf(company, index));
    if (index % 2) rep.calls();
    else rep.inDynamics("Away");
  }
  const before = asked();
  await service.restart();
  await eventually("everybody is followed", () =>
    company.people.slice(0, CHANGED).every((person, index) => {
      const { teams, dynamics } = company.witness.look(person);
      return index % 2 ? dynamics === "Busy" : teams === "Away" && dynamics === "Away";
    }),
  );
  await company.quiet();
  expect(company.writes()).toBe(CHANGED);
  // 650 of them in one call: whoever read them one by one would have asked hundreds of times by now.
  const bulk = tenant.graph.control.requests().idsPerBulkRead.slice(before);
  expect(bulk[0]).toBe(REPS);
  expect(service.errors).toBe("");
});
