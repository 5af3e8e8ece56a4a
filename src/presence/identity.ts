declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/**
 * Ids are opaque: only the connector of the system that issued one may look inside it. Each function
 * below is the single place where text becomes that id; it lower-cases, because both Graph and
 * Dataverse compare GUIDs without regard to case.
 */
export type RepId = Branded<"RepId">;
export type TeamsUserId = Branded<"TeamsUserId">;
export type SystemUserId = Branded<"SystemUserId">;
export type HoldId = Branded<"HoldId">;

/** A system that a rep's presence is kept equal in, for example `teams`. Also names who a cause came from. */
export type SystemName = Branded<"SystemName">;

export const repId = (text: string): RepId => text.toLowerCase() as RepId;
export const teamsUserId = (text: string): TeamsUserId => text.toLowerCase() as TeamsUserId;
export const systemUserId = (text: string): SystemUserId => text.toLowerCase() as SystemUserId;
/** A rep's own id is that of her Dynamics user: the same text, where lower-casing would make another one. */
export const repIdOf = (user: SystemUserId): RepId => user as string as RepId;
export const holdId = (text: string): HoldId => text as HoldId;
export const systemName = (text: string): SystemName => text as SystemName;

export const TEAMS = systemName("teams");
export const DYNAMICS = systemName("dynamics");

const NAMES: Readonly<Record<string, string>> = { [TEAMS]: "Teams", [DYNAMICS]: "Dynamics" };

/** What people call a system, or whoever else a cause came from: by its own name, where it has no better one. */
export function nameOf(source: string): string {
  return NAMES[source] ?? source;
}

/** One rep, the same person in both systems. `systemUserId` is also the rep's own id. */
export type RepIdentity = {
  readonly rep: RepId;
  readonly teamsUserId: TeamsUserId;
  readonly systemUserId: SystemUserId;
};

/** Whether this is an id of hers, in either system; `id` is in lower case. */
export const hasId = (
  { rep, teamsUserId: user, systemUserId: agent }: RepIdentity,
  id: string,
): boolean => [rep, user, agent].some((own) => own.toLowerCase() === id);
