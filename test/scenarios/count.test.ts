import { afterAll, beforeAll, expect, test } from "vitest";
import { makePeople } from "../../src/emulators/people.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";
import type { StoredHistoryEntry } from "../../src/engine/engine.ts";
import { repId } from "../../src/presence/identity.ts";
import { LOOPBACK_TLS } from "../connectors/loopback.ts";
import { unexplainedWrites } from "../service/evidence.ts";
import { countWrong, noticedWithoutService, spuriousChoices } from "./count.ts";
import type { Act } from "./day.ts";
import { PUNCTUAL } from "./lateness.ts";
import { type Person, Witness } from "./witness.ts";

// A company without any service: everything that can go wrong does, and the counts must say so.
let [tenant, witness]: [Tenant?, Witness?] = [];
beforeAll(async () => {
  tenant = await startTenant({ people: makePeople(5), signedIn: true, tls: LOOPBACK_TLS });
});
afterAll(async () => {
  witness?.close();
  await tenant?.close();
});

const AWAY = "3dacae76-c07a-e811-8162-000d3aa11f50";
const AVAILABLE = "f523f628-c07a-e811-8162-000d3aa11f50";

test("without a service, what people choose is lost, clobbered and stuck, each where it should be", () => {
  if (!tenant) throw new Error("the tenant has started");
  const { graph, dataverse } = tenant;
  const people = tenant.people.users.map(({ azureObjectId, systemUserId }): Person => ({
    teams: azureObjectId ?? "",
    dynamics: systemUserId,
  }));
  for (const { teams } of people) {
    graph.control.setClient({ userId: teams, availability: "Available" });
  }
  const eyes = new Witness(tenant, people);
  witness = eyes;
  const [loses, isClobbered, sticks, isRight] = people as [Person, Person, Person, Person];
  const choice = (person: Person, side: Act["side"], presenceId: string | null = null): Act => {
    const before = eyes.look(person);
    return { person, side, presenceId, before, atMs: before.atMs, does: "choose", status: "Away" };
  };
  const acts = [
    choice(loses, "teams"),
    choice(isClobbered, "dynamics", AWAY),
    choice(isRight, "dynamics", AWAY),
  ];
  graph.control.setManual({ userId: loses.teams, availability: "Away" });
  dataverse.control.choose({ userId: isClobbered.dynamics, presenceId: AWAY });
  eyes.look(isClobbered);
  dataverse.control.choose({ userId: isClobbered.dynamics, presenceId: AVAILABLE });
  dataverse.control.choose({ userId: sticks.dynamics, presenceId: AWAY });
  dataverse.control.choose({ userId: isRight.dynamics, presenceId: AWAY });
  graph.control.setManual({ userId: isRight.teams, availability: "Away" });

  const counted = countWrong({ people, witness: eyes }, acts);
  expect(counted).toMatchObject({ stuck: 1, clobbered: 1, lost: 1, disputed: 0, met: 0 });
  const faults = counted.wrong.map(({ person, fault }) => [person, fault]);
  expect(faults).toEqual([
    [loses, "lost"],
    [isClobbered, "clobbered"],
    [sticks, "stuck"],
  ]);

  expect(noticedWithoutService({ people, witness: eyes }, acts, PUNCTUAL)).toBe(3);

  const intent = (person: Person): StoredHistoryEntry => {
    const cause = { kind: "choice", source: "dynamics", status: "Away", atMs: Date.now() } as const;
    const about = { atMs: cause.atMs, kind: "intent", says: "", detail: {}, position: 1 } as const;
    return { ...about, cause, rep: repId(person.dynamics) };
  };
  expect(spuriousChoices([intent(isRight)], acts)).toEqual([]);
  expect(spuriousChoices([intent(isRight), intent(isRight)], acts)).toHaveLength(1);
  expect(spuriousChoices([intent(sticks)], acts)).toHaveLength(1);
  // The read had left before she chose, and came back after it.
  const early = { ...intent(isRight), atMs: Date.now() - 6_000 };
  expect(spuriousChoices([early], acts)).toHaveLength(1);
  expect(spuriousChoices([early], acts, () => 2_000)).toEqual([]);
});

test("a write that nothing explains, or that arrives twice, is found", () => {
  const rep = repId("97c90b02-4e38-ef11-a315-000d3a5a54dc");
  const accepted = { index: 0, atMs: 100, agentId: rep, presenceId: AWAY, appId: "" };
  const world = (times: number) => ({
    people: { users: [] },
    graph: { control: { writes: () => [] } },
    dataverse: { control: { writes: () => Array.from({ length: times }, () => accepted) } },
  });
  const cause = { kind: "choice", source: "teams", status: "Away", atMs: 50 } as const;
  const about = { rep, says: "", detail: { system: "dynamics" }, position: 1 } as const;
  const recorded: StoredHistoryEntry = { ...about, atMs: 60, kind: "write", cause };
  expect(unexplainedWrites(world(1), [recorded])).toEqual([]);
  expect(unexplainedWrites(world(2), [recorded])).toHaveLength(1);
  expect(unexplainedWrites(world(1), [])).toHaveLength(1);
  expect(unexplainedWrites(world(1), [{ ...recorded, cause: null }])).toHaveLength(1);
  expect(unexplainedWrites(world(1), [{ ...recorded, atMs: 101 }])).toHaveLength(1);
});
