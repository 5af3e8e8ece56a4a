import type { SystemUserId } from "../../presence/identity.ts";
import type { AgentStatus } from "./agent-statuses.ts";

/**
 * The rows of msdyn_agentstatus as they were last read, by their own id and by whose they are. Kept from one read to
 * the next, so that a sweep over very many reps, of whom hardly any has changed, makes nothing anew.
 */
export class StatusTable {
  readonly #rows = new Map<string, AgentStatus>();
  readonly #ofUser = new Map<SystemUserId, AgentStatus>();
  /** Of rows that were not read yet, whose they are. */
  readonly #announced = new Map<string, SystemUserId>();
  /** Rows that came along while others were asked for: nobody has been told of what they say. */
  readonly #untold = new Set<string>();
  /** Whose rows are others than when that was asked last. */
  #changed = new Set<SystemUserId>();
  /** A row is gone, or somebody else's: its owner may have another one. */
  #isStale = false;

  /** Tells of a rep's row; of several, of the newest. */
  tell(user: SystemUserId): AgentStatus | undefined {
    if (this.#isStale) this.#index();
    const status = this.#ofUser.get(user);
    if (status && this.#untold.size > 0) this.#untold.delete(status.id);
    return status;
  }

  /** A row as it was last told of. */
  told(id: string): AgentStatus | undefined {
    return this.#untold.has(id) ? undefined : this.#rows.get(id);
  }

  /** Whose rows have changed since this was asked last: hers, or one that was hers. */
  changed(): ReadonlySet<SystemUserId> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  ownerOf(id: string): SystemUserId | null {
    return this.#rows.get(id)?.user ?? this.#announced.get(id) ?? null;
  }

  /** Whose row it is, heard of before the row itself was read. */
  announce(id: string, user: SystemUserId): void {
    if (!this.#rows.has(id)) this.#announced.set(id, user);
  }

  set(status: AgentStatus): void {
    const { id, user } = status;
    const before = this.#rows.get(id);
    // Reads overtake each other, and a row that is followed does not come again until it changes.
    if (before && status.sequence !== null && !isAsNew(status, before)) return;
    this.#rows.set(id, status);
    this.#untold.add(id);
    this.#announced.delete(id);
    this.#changed.add(user);
    if (before && before.user !== user) {
      this.#changed.add(before.user);
      this.#isStale = true;
    }
    this.#give(status);
  }

  delete(id: string): void {
    this.#untold.delete(id);
    const before = this.#rows.get(id);
    if (!before) return;
    this.#rows.delete(id);
    this.#changed.add(before.user);
    this.#isStale = true;
  }

  /** Deletes every row but these. */
  retain(ids: ReadonlySet<string>): void {
    for (const id of this.#rows.keys()) if (!ids.has(id)) this.delete(id);
  }

  #index(): void {
    this.#isStale = false;
    this.#ofUser.clear();
    for (const status of this.#rows.values()) this.#give(status);
  }

  #give(status: AgentStatus): void {
    const known = this.#ofUser.get(status.user);
    const isNewest = !known || known.id === status.id || isAsNew(status, known);
    if (isNewest) this.#ofUser.set(status.user, status);
  }
}

function isAsNew({ sequence }: AgentStatus, known: AgentStatus): boolean {
  return (sequence ?? "") >= (known.sequence ?? "");
}
