/** Where things live, in the words of Microsoft's portals. */
export const PLACE = {
  settings: "the environment of the service; docs/configuration.md",
  permissions: "Entra admin center, App registrations, the app, API permissions",
  credentials: "Entra admin center, App registrations, the app, Certificates & secrets",
  apps: "Entra admin center, Enterprise applications, the app, Properties",
  access: "Entra admin center, Protection, Conditional Access",
  clock: "the clock of this computer",
  network: "the network between this computer and Microsoft 365",
  applicationUser:
    "Power Platform admin center, the environment, Settings, Users + permissions, Application users",
  table: "Power Apps, Tables, Agent status, Properties, Advanced options",
  presences: "Copilot Service admin center, Workforce, Custom presence",
  workstreams: "Copilot Service admin center, Workstreams, Work distribution, Allowed presences",
  users: "Power Platform admin center, the environment, Settings, Users + permissions, Users",
  webhook: "here: npm run cli -- register-webhook --yes",
  service:
    "the host that PUBLIC_URL names: DNS, certificate, firewall, proxy, and the service itself",
  policy: "POLICY_FILE",
  health: "Microsoft 365 admin center, Health, Service health",
  host: "Azure portal, the host, Identity",
  bot: "Azure portal, Azure Bot, Configuration",
} as const;

/** By the code of the error; a longer prefix goes before a shorter one. */
const PLACES: readonly (readonly [prefix: string, place: string])[] = [
  ["entra-secret-", PLACE.credentials],
  ["entra-certificate-unregistered", PLACE.credentials],
  ["entra-certificate-unreadable", PLACE.settings],
  ["entra-credential-missing", PLACE.settings],
  ["entra-managed-identity-missing", PLACE.host],
  ["entra-app-disabled", PLACE.apps],
  ["entra-conditional-access", PLACE.access],
  ["entra-clock-wrong", PLACE.clock],
  ["entra-unavailable", PLACE.network],
  ["entra-", PLACE.settings],
  ["graph-forbidden", PLACE.permissions],
  ["graph-unreachable", PLACE.network],
  ["graph-unavailable", PLACE.health],
  ["graph-throttled", PLACE.permissions],
  ["graph-", PLACE.settings],
  ["dataverse-application-user-missing", PLACE.applicationUser],
  ["dataverse-unreachable", PLACE.network],
  ["dataverse-unavailable", PLACE.health],
  ["dataverse-throttled", PLACE.applicationUser],
  ["dataverse-unauthorized", PLACE.settings],
  ["dataverse-table-missing", PLACE.settings],
  ["dataverse-answer-", PLACE.settings],
  ["dataverse-", PLACE.applicationUser],
];

export function placeOf(code: string): string {
  return PLACES.find(([prefix]) => code.startsWith(prefix))?.[1] ?? PLACE.settings;
}
