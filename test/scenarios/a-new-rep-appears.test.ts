import { expect, test } from "vitest";
import { namedPeople } from "../../src/emulators/people.ts";
import { openCompany } from "./company.ts";
import { sceneOf, staysAsItIs } from "./scene.ts";
import { Witness } from "./witness.ts";

test("[P10] a new rep signs in for the first time, and is looked after from then on", async () => {
  await using company = await openCompany({ people: namedPeople() });
  const { tenant } = company;
  const tomas = tenant.people.users.find(({ provisioned }) => provisioned === false);
  const person = { teams: tomas?.azureObjectId ?? "", dynamics: tomas?.systemUserId ?? "" };
  tenant.graph.control.setClient({ userId: person.teams, availability: "Available" });
  expect(company.people.map(({ dynamics }) => dynamics)).not.toContain(person.dynamics);

  tenant.dataverse.control.login({ userId: person.dynamics });
  const witness = new Witness(tenant, [person]);
  try {
    const rep = sceneOf({ ...company, witness }, person);
    rep.calls();
    await rep.shows("InACall", "Busy");
    rep.hangsUp();
    await rep.shows("Available", "Available");
    rep.inDynamics("Away");
    await rep.shows("Away", "Away");
    await staysAsItIs(company, rep);
  } finally {
    witness.close();
  }
  // It was the Create webhook that told of him, not the minute's look at the directory.
  const created = tenant.dataverse.control.webhooks().find(({ message }) => message === "Create");
  expect(created).toMatchObject({ status: 200, agentId: person.dynamics });
});
