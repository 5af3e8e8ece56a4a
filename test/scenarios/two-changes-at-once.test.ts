import { expect, test } from "vitest";
import { openCompany } from "./company.ts";
import { sceneIn, staysAsItIs } from "./scene.ts";

test.concurrent.each([
  ["Teams first", "DoNotDisturb", "Away", "DoNotDisturb"],
  ["Dynamics first", "DoNotDisturb", "Away", "DoNotDisturb"],
  ["Teams first", "Away", "DoNotDisturb", "DoNotDisturb"],
  ["Dynamics first", "Away", "DoNotDisturb", "DoNotDisturb"],
  ["Teams first", "Busy", "Busy", "Busy"],
] as const)(
  "[P7] both systems change at once, %s: %s in Teams and %s in Dynamics become %s",
  async (order, inTeams, inDynamics, both) => {
    await using company = await openCompany({ reps: 3 });
    const rep = sceneIn(company);
    const changes = [() => rep.inTeams(inTeams), () => rep.inDynamics(inDynamics)];
    for (const change of order === "Teams first" ? changes : changes.toReversed()) change();
    await rep.shows(both, both);
    await staysAsItIs(company, rep);
    // [P2] At most one write to each system for each change.
    expect(company.writes()).toBeLessThanOrEqual(4);
  },
);

test.concurrent("[P7] but a choice that answers to what she sees is the later one, however available", async () => {
  await using company = await openCompany({ reps: 3 });
  const rep = sceneIn(company);
  rep.inTeams("DoNotDisturb");
  await rep.shows("DoNotDisturb", "DoNotDisturb");
  await company.quiet();
  rep.inDynamics("Available");
  await rep.shows("Available", "Available");
  await staysAsItIs(company, rep);
  expect(rep.sight()).toMatchObject({ teams: "Available", dynamics: "Available" });
});
