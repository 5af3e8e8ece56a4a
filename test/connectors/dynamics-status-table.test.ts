import { expect, test } from "vitest";
import type { AgentStatus } from "../../src/connectors/dynamics/agent-statuses.ts";
import { StatusTable } from "../../src/connectors/dynamics/status-table.ts";
import { systemUserId } from "../../src/presence/identity.ts";

const ANA = systemUserId("11111111-1111-4111-8111-111111111111");
const row = (presenceId: string, sequence: string | null): AgentStatus => ({
  id: "22222222-2222-4222-8222-222222222222",
  user: ANA,
  presenceId,
  loggedIn: true,
  modifiedBy: null,
  modifiedByUser: null,
  modifiedAtMs: null,
  sequence,
});

test("[R163] of two reads that overtake each other the newer version stays, or what follows would miss it until she changes again", () => {
  const table = new StatusTable();
  table.set(row("busy", "0000000000000002"));
  table.set(row("available", "0000000000000001"));
  expect(table.tell(ANA)?.presenceId).toBe("busy");
  table.set(row("away", "0000000000000003"));
  expect(table.tell(ANA)?.presenceId).toBe("away");
});

test("[R390] says whose rows have changed since it was asked, whoever had them before", () => {
  const BEN = systemUserId("33333333-3333-4333-8333-333333333333");
  const table = new StatusTable();
  table.set(row("busy", "0000000000000002"));
  expect([...table.changed()]).toEqual([ANA]);
  table.set(row("available", "0000000000000001"));
  expect([...table.changed()]).toEqual([]);
  table.set({ ...row("away", "0000000000000003"), user: BEN });
  expect([...table.changed()]).toEqual([BEN, ANA]);
  table.delete(row("away", null).id);
  table.delete(row("away", null).id);
  expect([...table.changed()]).toEqual([BEN]);
});

test("[R163] where rows have no versions, what came last stays", () => {
  const table = new StatusTable();
  table.set(row("busy", null));
  table.set(row("available", null));
  expect(table.tell(ANA)?.presenceId).toBe("available");
});

test("[R163] a row that comes without a version, or with one again, replaces the one that is known by its id", () => {
  const table = new StatusTable();
  table.set(row("busy", "0000000000000002"));
  table.set(row("available", null));
  expect(table.tell(ANA)?.presenceId).toBe("available");
  table.set(row("away", "0000000000000003"));
  expect(table.tell(ANA)?.presenceId).toBe("away");
});
