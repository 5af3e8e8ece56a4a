import type { SystemName } from "../presence/identity.ts";
import type { Status } from "../presence/status.ts";
import type { Cover } from "./rep.ts";

/** How one system behaves, as far as deciding needs to know. */
export type SystemProfile = {
  readonly name: SystemName;
  /** The projection q: what a write of each status reads back as. Total: laws L1–L3 were checked. */
  readonly shows: Readonly<Record<Status, Status>>;
  /** What a write of each status leaves in the system; `none` throughout where a write simply replaces. */
  readonly covers: Readonly<Record<Status, Cover>>;
  /** Accepts a write and may show something else, as Teams does: a write without effect is no choice. */
  readonly absorbing: boolean;
  /**
   * What an Offline reading means. `ignored`: a closed client, nothing follows (Teams).
   * `withdraws`: signed out; the rep's input there is gone and nothing is written until she is back (Dynamics).
   */
  readonly absence: "ignored" | "withdraws";
  /** What it shows by itself and others are not shown (R311); absent: nothing. */
  readonly keepsToItself?: readonly Status[];
  /** Releases last: made less protective only after every other system was released and read again. */
  readonly releasesLast: boolean;
  /** A read proves a write ineffective only if it left this long after the acknowledgement. */
  readonly settleMs: number;
  /** How long our cover lasts there; renewed at half. `null`: until replaced. */
  readonly leaseMs: Readonly<Record<Status, number | null>>;
  /** How long a session of ours lasts there at most, if it is not renewed; absent: there are none. */
  readonly sessionMs?: number;
  /** How long what a person sets by hand lasts there, unless she names a time of her own; absent: nobody knows. */
  readonly manualMs?: Readonly<Partial<Record<Status, number>>>;
};

/** Everything about deciding that an administrator may change. */
export type Policy = {
  readonly systems: readonly SystemProfile[];
  /** Two choices in different systems within this time are concurrent: the less available wins. */
  readonly concurrentMs: number;
  /** How long a write of unknown outcome is expected to turn up late. */
  readonly lateMs: number;
  /** How long a call seen in a system outlives the system's silence about the rep. */
  readonly absenceGraceMs: number;
  /** How long a rep may be gone from a system that she signs in to before what she chose there is withdrawn. */
  readonly reconnectMs: number;
  /** After this long without an answer from the other systems, the last one is released all the same. */
  readonly releasePatienceMs: number;
  readonly writesPerMinute: number;
  readonly writesPerHour: number;
  /** How long automatic writing rests when the budget is spent. */
  readonly heldMs: number;
  /** So many changes of one system within the window are a fight with another automation; `null`: never. */
  readonly fightChanges: number | null;
  readonly fightWindowMs: number;
  /** A fight is over when the system has been left alone for so long. */
  readonly fightQuietMs: number;
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
};

export function profileOf(policy: Policy, system: SystemName): SystemProfile {
  const profile = policy.systems.find((candidate) => candidate.name === system);
  if (!profile) throw new Error(`the policy has no profile for ${system}`);
  return profile;
}
