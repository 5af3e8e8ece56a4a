import type { Tenant } from "../../src/emulators/tenant.ts";
import type { StoredHistoryEntry } from "../../src/engine/engine.ts";

/** The systems' own journals, and who is whom. */
export type World = {
  readonly people: { readonly users: Tenant["people"]["users"] };
  readonly graph: { readonly control: Pick<Tenant["graph"]["control"], "writes"> };
  readonly dataverse: { readonly control: Pick<Tenant["dataverse"]["control"], "writes"> };
};

/** A write that a system accepted, in the words of that system's own journal. */
type Accepted = {
  readonly system: "teams" | "dynamics";
  readonly rep: string;
  readonly atMs: number;
  readonly operation: string;
};

/**
 * Accepted writes for which the history shows no recorded write with a cause, made before they arrived. One
 * recorded write explains one write in Dynamics, and in Teams at most one operation of each name: so a write
 * that is sent twice, or sent before it is recorded, is found.
 */
export function unexplainedWrites(
  world: World,
  history: readonly StoredHistoryEntry[],
): readonly Accepted[] {
  const recorded = history.filter(
    ({ kind, cause, atMs }) => kind === "write" && cause !== null && cause.atMs <= atMs,
  );
  const byRep = Map.groupBy(recorded, ({ rep, detail }) => `${detail["system"]} ${rep}`);
  const used = new Map<StoredHistoryEntry, Set<string>>();
  return acceptedBy(world).filter(({ system, rep, atMs, operation }) => {
    const cause = (byRep.get(`${system} ${rep}`) ?? []).findLast((entry) => entry.atMs <= atMs);
    if (!cause) return true;
    const operations = used.get(cause) ?? new Set();
    used.set(cause, operations);
    if (operations.has(operation)) return true;
    operations.add(operation);
    return false;
  });
}

function acceptedBy({ graph, dataverse, people }: World): readonly Accepted[] {
  const repOf = new Map(
    people.users.map(({ azureObjectId, systemUserId }) => [azureObjectId, systemUserId]),
  );
  const inTeams = graph.control.writes().map(({ userId, atMs, operation }): Accepted => ({
    system: "teams",
    rep: repOf.get(userId) ?? userId,
    atMs,
    operation,
  }));
  const inDynamics = dataverse.control.writes().map(({ agentId, atMs }): Accepted => ({
    system: "dynamics",
    rep: agentId,
    atMs,
    operation: "CCaaS_ModifyAgentPresence",
  }));
  return [...inTeams, ...inDynamics].toSorted((a, b) => a.atMs - b.atMs);
}
