import { expect, test } from "vitest";
import { derivedGuid } from "../../src/emulators/dataverse/roster.ts";
import { openCompany } from "./company.ts";
import { sceneIn, staysAsItIs } from "./scene.ts";

const TRAINING = derivedGuid("presence training");
const PAPERWORK = derivedGuid("presence paperwork");

test("[P1] a custom presence shows in Teams as what it stands for, and is never replaced by the plain one", async () => {
  await using company = await openCompany({ reps: 3 });
  const rep = sceneIn(company);
  rep.inDynamics(TRAINING);
  await rep.shows("DoNotDisturb", TRAINING);
  rep.inDynamics(PAPERWORK);
  await rep.shows("Busy", PAPERWORK);
  await staysAsItIs(company, rep);
  expect(company.tenant.dataverse.control.writes()).toEqual([]);

  rep.resetsTeams();
  await rep.shows("Available", "Available");
});
