import { describe, expect, test } from "vitest";
import { Directory } from "../../src/directory/directory.ts";
import { type RepIdentity, repId, systemUserId, teamsUserId } from "../../src/presence/identity.ts";

const rep = (user: string, account: string): RepIdentity => ({
  rep: repId(user),
  systemUserId: systemUserId(user),
  teamsUserId: teamsUserId(account),
});
const ANA = rep("D-ANA", "T-ANA");
const BEN = rep("D-BEN", "T-BEN");
const NOBODY = { joined: [], left: [], refused: [] };

describe("the directory", () => {
  test("finds a rep by either id, in any case", () => {
    const directory = new Directory();
    directory.replace([ANA, BEN]);
    expect(directory.size).toBe(2);
    for (const id of ["d-ana", "D-Ana", "t-ana", "T-ANA"]) expect(directory.find(id)).toBe(ANA);
    expect(directory.find("d-nobody")).toBeNull();
    expect(directory.find("")).toBeNull();
  });

  test("says who joined and who left, and nothing when nobody did", () => {
    const directory = new Directory();
    expect(directory.replace([ANA])).toEqual({ ...NOBODY, joined: [ANA] });
    expect(directory.replace([rep("d-ana", "t-ana")])).toEqual(NOBODY);
    expect(directory.replace([BEN])).toEqual({ ...NOBODY, joined: [BEN], left: [ANA] });
    expect(directory.find("t-ana")).toBeNull();
    expect(directory.replace([])).toEqual({ ...NOBODY, left: [BEN] });
    expect(directory.size).toBe(0);
  });

  test("somebody with another Teams account has left and joined", () => {
    const directory = new Directory();
    directory.replace([ANA]);
    const moved = rep("D-ANA", "T-ANA-2");
    expect(directory.replace([moved])).toEqual({ ...NOBODY, joined: [moved], left: [ANA] });
    expect(directory.find("T-ANA")).toBeNull();
    expect(directory.find("T-ANA-2")).toBe(moved);
  });

  test("two who have swapped their accounts have both left and joined", () => {
    const directory = new Directory();
    directory.replace([ANA, BEN]);
    const swapped = [rep("D-ANA", "T-BEN"), rep("D-BEN", "T-ANA")];
    const { joined, left } = directory.replace(swapped);
    expect([joined, left]).toEqual([swapped, [ANA, BEN]]);
  });

  test.each([
    ["a Teams account", rep("D-EVE", "t-ana")],
    ["a Dynamics user", rep("d-ana", "T-EVE")],
    ["every id", rep("D-ANA", "T-ANA")],
  ])("[P14] of two reps who share %s neither is taken in", (_what, eve) => {
    const directory = new Directory();
    expect(directory.replace([ANA, BEN, eve])).toEqual({
      joined: [BEN],
      left: [],
      refused: [ANA, eve],
    });
    expect(directory.find("t-ana")).toBeNull();
    expect(directory.find("d-eve")).toBeNull();
  });

  test("[P14] a rep who begins to share an account leaves until that is cleared up", () => {
    const directory = new Directory();
    directory.replace([ANA, BEN]);
    const eve = rep("D-EVE", "T-ANA");
    expect(directory.replace([ANA, BEN, eve]).left).toEqual([ANA]);
    expect(directory.replace([ANA, BEN]).joined).toEqual([ANA]);
  });
});
