import type { SystemUserId, TeamsUserId } from "../presence/identity.ts";

/** Why a Dynamics user cannot be a rep, or `person` if she can. */
export type Standing = "person" | "no such user" | "disabled" | "application" | "non-interactive";

/** Somebody with an agent's row in Dynamics. Addresses are lower-case. */
export type DynamicsAccount = {
  readonly user: SystemUserId;
  readonly standing: Standing;
  /** Her Entra object id, as Dynamics has it. */
  readonly teamsUser: TeamsUserId | null;
  /** The name that she signs in with. */
  readonly principalName: string | null;
  readonly mail: string | null;
};

/** Somebody in Entra. Addresses are lower-case. */
export type TeamsAccount = {
  readonly user: TeamsUserId;
  readonly principalName: string | null;
  readonly mail: string | null;
};
