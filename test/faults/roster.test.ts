import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { derivedGuid } from "../../src/emulators/dataverse/roster.ts";
import { type Company, openCompany } from "../scenarios/company.ts";
import { sceneOf } from "../scenarios/scene.ts";
import type { Person } from "../scenarios/witness.ts";
import { eventually } from "../service/launch.ts";
import { sendEvent } from "../service/partner.ts";
import { comesToSay, repOf } from "./cabled-company.ts";
import { sendHint } from "./hint.ts";

const PHONING = derivedGuid("presence phoning from the car");

let company: Company;
beforeAll(async () => {
  company = await openCompany({ reps: 20 });
});
afterAll(() => company[Symbol.asyncDispose]());

const sceneAt = (index: number) => sceneOf(company, repOf(company, index));
const writesTo = (person: Person): number =>
  (["teams", "dynamics"] as const).reduce(
    (sum, side) => sum + company.witness.writesTo(person, side).length,
    0,
  );

/** Has the directory read again, as a webhook about somebody unknown does, until it says what changed. */
async function rosterIsRead(says: (line: Readonly<Record<string, unknown>>) => boolean) {
  const since = company.service.lines.length;
  await eventually("the roster is read", async () => {
    await sendHint(company.service, { dynamics: randomUUID() });
    return company.service.lines
      .slice(since)
      .some((line) => line["msg"] === "directory" && says(line));
  });
}

/** The row of a user, to be changed and put back. */
function userOf({ dynamics }: Person) {
  const user = company.tenant.people.users.find(({ systemUserId }) => systemUserId === dynamics);
  if (!user) throw new Error("she works here");
  return { ...user, roles: [...user.roles] };
}

describe("[P3] F28 a system says what nobody has heard of:", () => {
  test("nothing follows from it, in either system, and what she does next counts", async () => {
    const [person, rep] = [repOf(company, 0), sceneAt(0)];
    const { graph, dataverse } = company.tenant;
    graph.control.setClient({
      userId: person.teams,
      availability: "Available",
      activity: "QuantumLeap",
    });
    dataverse.control.addPresence({ id: PHONING, name: "Levitating", basePresence: 192_360_999 });
    await company.quiet();
    expect(writesTo(person)).toBe(0);
    graph.control.setClient({ userId: person.teams, availability: "Available" });
    rep.inDynamics("Busy");
    await rep.shows("Busy", "Busy");
    expect(writesTo(person)).toBe(1);
  });
});

describe("[P14] [R116] F29 while her call is written about, a rep", () => {
  test("is disabled: what of ours lies there is taken back when she hangs up, and then she is left alone", async () => {
    const [person, rep] = [repOf(company, 2), sceneAt(2)];
    const { graph, dataverse } = company.tenant;
    rep.calls();
    await rep.shows("InACall", "Busy");
    dataverse.control.disableUser({ userId: person.dynamics });
    await rosterIsRead(({ left }) => left === 1);
    const { dynamics } = person;
    const event = { type: "hold.started", rep: dynamics, hold: "a", status: "InACall" } as const;
    expect((await sendEvent(company.service, event)).status).toBe(404);
    rep.hangsUp();
    await rep.shows("Available", "Available");
    expect(writesTo(person)).toBe(2);
    graph.control.setManual({ userId: person.teams, availability: "DoNotDisturb" });
    await company.quiet();
    expect(writesTo(person)).toBe(2);
    expect(rep.sight()).toMatchObject({ teams: "DoNotDisturb", dynamics: "Available" });
  });

  test("turns up a second time: both entries are left alone, and nobody else is", async () => {
    const [person, rep, other] = [repOf(company, 4), sceneAt(4), sceneAt(5)];
    const { dataverse } = company.tenant;
    const systemUserId = derivedGuid("systemuser twin");
    dataverse.control.addUser({ ...userOf(person), systemUserId, agentStatusId: randomUUID() });
    await rosterIsRead(({ left }) => left === 1);
    rep.calls();
    other.calls();
    await other.shows("InACall", "Busy");
    await company.quiet();
    expect(writesTo(person)).toBe(0);
    expect(rep.sight()).toMatchObject({ teams: "InACall", dynamics: "Available" });
    expect(dataverse.control.state({ userId: systemUserId }).writes).toBe(0);
    dataverse.control.deleteUser({ userId: systemUserId });
    await rosterIsRead(({ joined }) => joined === 1);
    await rep.shows("InACall", "Busy");
    rep.hangsUp();
    await rep.shows("Available", "Available");
  });

  test("gets another Teams account: the old one is left alone, the new one is followed", async () => {
    const [person, rep] = [repOf(company, 6), sceneAt(6)];
    const { graph, dataverse } = company.tenant;
    rep.inDynamics("Away");
    await rep.shows("Away", "Away");
    const account = derivedGuid("entra user second account");
    const names = { userPrincipalName: "second@northharbor.example", displayName: "Second" };
    graph.control.addUser({ id: account, ...names });
    graph.control.setClient({ userId: account, availability: "Available" });
    const user = userOf(person);
    dataverse.control.deleteUser({ userId: person.dynamics });
    dataverse.control.addUser({ ...user, azureObjectId: account, agentStatusId: randomUUID() });
    await rosterIsRead(({ left, joined }) => left === 1 && joined === 1);
    const writesToOld = () =>
      graph.control.writes().filter(({ userId }) => userId === person.teams);
    await eventually("what we said there is taken back", () =>
      writesToOld().some(({ operation }) => operation === "clearUserPreferredPresence"),
    );
    const before = writesToOld().length;
    dataverse.control.login({ userId: person.dynamics });
    graph.control.startCall({ userId: account });
    await eventually("she is Busy in Dynamics", () => rep.sight().dynamics === "Busy");
    graph.control.setManual({ userId: person.teams, availability: "BeRightBack" });
    await company.quiet();
    expect(rep.sight().dynamics).toBe("Busy");
    expect(writesToOld()).toHaveLength(before);
  });
});

test("[R71] [P3] F30 a custom presence that a rep has is deleted during her call: she is Busy meanwhile, and comes back as what it meant", async () => {
  const rep = sceneAt(8);
  const { dataverse } = company.tenant;
  const lunch = derivedGuid("presence lunch");
  rep.inDynamics(lunch);
  await rep.shows("Away", lunch);
  await rep.reported({ type: "hold.started", hold: "call", status: "InACall" });
  await rep.shows("InACall", "Busy");
  dataverse.control.removePresence({ id: lunch });
  await rep.reported({ type: "hold.ended", hold: "call" });
  await rep.shows("Away", "Away");
  await company.quiet();
  expect(rep.sight()).toMatchObject({ teams: "Away", dynamics: "Away" });
});

test("[P14] nothing of all this has crossed to anybody else", async () => {
  await comesToSay(company, ({ msg }) => msg === "directory");
  for (const index of [10, 12, 14, 16, 18]) {
    expect(writesTo(repOf(company, index))).toBe(0);
    expect(sceneAt(index).sight()).toMatchObject({ teams: "Available", dynamics: "Available" });
  }
});
