import { expect, test } from "vitest";
import { policyView } from "../../src/bot/policy-view.ts";
import { createPolicy, readPolicyFile } from "../../src/policy.ts";
import { DEFAULT_MAPPINGS, DYNAMICS_STATES, TEAMS_STATES } from "../../src/presence/mapping.ts";
import { STATUSES } from "../../src/presence/status.ts";

const POLICY = createPolicy(DEFAULT_MAPPINGS);

test("[R375, R376] the default has every status, every state once, no difference and no broken law", () => {
  const view = policyView(DEFAULT_MAPPINGS, POLICY, 7);
  expect(view.statuses.map(({ status }) => status)).toEqual([...STATUSES]);
  const stateOf = (system: string): readonly string[] =>
    [
      ...view.statuses.flatMap(({ systems }) =>
        systems.filter(({ name }) => name === system).flatMap(({ reads }) => reads),
      ),
      ...view.unread.filter(({ name }) => name === system).flatMap(({ states }) => states),
    ].map(({ state }) => state);
  expect(stateOf("Teams").toSorted()).toEqual([...TEAMS_STATES].toSorted());
  expect(stateOf("Dynamics").toSorted()).toEqual([...DYNAMICS_STATES].toSorted());
  expect([view.changes, view.broken, view.presences]).toEqual([0, [], []]);
});

test("[R376] a changed cell is shown beside its default, and each is counted", () => {
  const id = "5f3c1c2e-0d1a-4c57-9a2a-7f5d4b9a0001";
  const file = {
    teams: { reads: { Presenting: "InACall", Focusing: null } },
    dynamics: { writes: { InACall: "Busy - DND", Busy: "Busy" }, presences: { [id]: null } },
  };
  const view = policyView(readPolicyFile(JSON.stringify(file)), POLICY, 7);
  const call = view.statuses.find(({ status }) => status === "InACall");
  expect(call?.systems[0]?.reads).toContainEqual({
    state: "Presenting",
    moved: true,
    byDefault: "DoNotDisturb",
  });
  expect(call?.systems[1]).toMatchObject({
    writes: { kind: "presence", state: "Busy - DND" },
    defaultWrites: { kind: "presence", state: "Busy" },
  });
  expect(view.unread[0]?.states).toContainEqual({
    state: "Focusing",
    moved: true,
    byDefault: "DoNotDisturb",
  });
  expect(view.presences).toEqual([{ id, use: "counts", status: null }]);
  expect(view.changes).toBe(4);
});

test("[R376] a law that its tables break is named with what shows it", () => {
  const { dynamics } = DEFAULT_MAPPINGS;
  const writes = { ...dynamics.writes, Busy: "Available" as const };
  const view = policyView({ ...DEFAULT_MAPPINGS, dynamics: { ...dynamics, writes } }, POLICY, 7);
  expect(view.broken.join()).toMatch(/^L3: Busy would look Available in dynamics/);
});
