import { expect, test } from "vitest";
import { openCompany } from "./company.ts";
import { sceneIn, staysAsItIs } from "./scene.ts";

test.concurrent("[P3] signing out of Dynamics hides nobody in Teams, and signing in does not wipe out what she chose there", async () => {
  await using company = await openCompany({ reps: 3 });
  const rep = sceneIn(company);
  rep.inTeams("DoNotDisturb");
  await rep.shows("DoNotDisturb", "DoNotDisturb");
  rep.logsOut();
  await rep.shows("DoNotDisturb", "Offline");
  await staysAsItIs(company, rep);
  rep.logsIn();
  await rep.shows("DoNotDisturb", "DoNotDisturb");
  await staysAsItIs(company, rep);
  expect(rep.sight()).toMatchObject({ teams: "DoNotDisturb", dynamics: "DoNotDisturb" });
});

test.concurrent("[P1] what she chose in Dynamics does not outlive her session there", async () => {
  await using company = await openCompany({ reps: 3, env: { DYNAMICS_RECONNECT_SECONDS: "1" } });
  const rep = sceneIn(company);
  rep.inDynamics("Busy");
  await rep.shows("Busy", "Busy");
  rep.logsOut();
  await rep.shows("Available", "Offline");
  await staysAsItIs(company, rep);
  rep.logsIn();
  await rep.shows("Available", "Available");
  await staysAsItIs(company, rep);
  expect(rep.sight()).toMatchObject({ teams: "Available", dynamics: "Available" });
});

test.concurrent("[P3] closing Teams is no choice: she goes on working in Dynamics", async () => {
  await using company = await openCompany({ reps: 3 });
  const rep = sceneIn(company);
  rep.closesTeams();
  await rep.shows("Offline", "Available");
  await staysAsItIs(company, rep);
  expect(company.writes()).toBe(0);
  rep.opensTeams();
  await rep.shows("Available", "Available");
  rep.calls();
  await rep.shows("InACall", "Busy");
});
