import { privilegeOn, TABLES } from "./schema.ts";

export const DEPTHS = ["Basic", "Local", "Deep", "Global"] as const;
/** How far a privilege reaches: own rows, the business unit, that and those below it, the organisation. */
export type Depth = (typeof DEPTHS)[number];

export const ROLE = {
  agent: "Omnichannel Agent",
  supervisor: "Omnichannel Supervisor",
  administrator: "Omnichannel administrator",
  delegate: "Delegate",
  customizer: "System Customizer",
  systemAdministrator: "System Administrator",
} as const;

export const ACT_ON_BEHALF = "prvActOnBehalfOfAnotherUser";

const VERBS = ["Read", "Create", "Write", "Delete"] as const;
const REGISTRATION: ReadonlySet<string> = new Set(["ServiceEndpoint", "SdkMessageProcessingStep"]);

function privileges(
  verbs: readonly (typeof VERBS)[number][],
  stems: (stem: string) => boolean = () => true,
): string[] {
  const names = TABLES.filter(({ privilege = "" }) => privilege !== "" && stems(privilege)).flatMap(
    (table) => verbs.flatMap((verb) => privilegeOn(table, verb) ?? []),
  );
  return [...new Set(names)];
}

const everything = [...privileges(VERBS), ACT_ON_BEHALF];
const reading = privileges(["Read"]);
const registering = privileges(VERBS, (stem) => REGISTRATION.has(stem));
const configuring = privileges(VERBS, (stem) => stem.startsWith("msdyn_") || stem === "Queue");

export const PRIVILEGES: readonly string[] = everything;

function globally(names: readonly string[]): ReadonlyMap<string, Depth> {
  return new Map(names.map((name) => [name, "Global"]));
}

/**
 * What the roles allow at the start. Microsoft publishes no list of the privileges of these roles;
 * this is our guess, coarse on purpose: every role reads what its work needs in the whole
 * organisation. A control changes it for one organisation.
 */
export const OUT_OF_THE_BOX_ROLES: ReadonlyMap<string, ReadonlyMap<string, Depth>> = new Map([
  [ROLE.agent, globally(reading)],
  [ROLE.supervisor, globally(reading)],
  [ROLE.administrator, globally([...reading, ...configuring])],
  [ROLE.delegate, globally([ACT_ON_BEHALF])],
  [ROLE.customizer, globally([...reading, ...registering])],
  [ROLE.systemAdministrator, globally(everything)],
]);
