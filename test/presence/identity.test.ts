import { expect, it } from "vitest";
import {
  hasId,
  holdId,
  nameOf,
  repId,
  systemName,
  systemUserId,
  teamsUserId,
} from "../../src/presence/identity.ts";

const GUID = "6F9619FF-8B86-D011-B42D-00CF4FC964FF";

it.each([
  ["rep", repId],
  ["Teams user", teamsUserId],
  ["Dynamics user", systemUserId],
])("[P14] the id of a %s is the same in whatever case a system writes it", (_what, idOf) => {
  expect(idOf(GUID)).toBe("6f9619ff-8b86-d011-b42d-00cf4fc964ff");
  expect(idOf(GUID.toLowerCase())).toBe(idOf(GUID));
});

it("[P14] what a partner calls a call or itself is left as it is: case may tell two apart", () => {
  expect(holdId("Call:A")).toBe("Call:A");
  expect(systemName("Genesys")).toBe("Genesys");
});

it("[P14] an id is hers if it is one of hers in any system, as it is written there, and of nobody else", () => {
  const anna = {
    rep: repId("rep-1"),
    teamsUserId: teamsUserId("teams-1"),
    // What came from a store may be in whatever case it was put there.
    systemUserId: "SYSTEM-1" as ReturnType<typeof systemUserId>,
  };
  for (const id of ["rep-1", "teams-1", "system-1"]) expect(hasId(anna, id)).toBe(true);
  for (const id of ["rep-2", "teams", ""]) expect(hasId(anna, id)).toBe(false);
});

it("systems have the names that people know, partners their own", () => {
  expect(["teams", "dynamics", "phone"].map(nameOf)).toEqual(["Teams", "Dynamics", "phone"]);
});
