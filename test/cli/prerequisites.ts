import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "../../src/cli/command.ts";
import { openRows } from "./dataverse-rows.ts";
import { allowPresences, limitRights, READS, type Scene, STRANGER } from "./scene.ts";
import { type Environment, run } from "./terminal.ts";

const BUSY = 192_360_001;

/** One prerequisite that is missing, and what the doctor must then say. */
export type Row = {
  readonly broken: string;
  readonly breaks?: () => unknown;
  readonly change?: () => Environment;
  readonly host?: Partial<Host>;
  readonly check: string;
  readonly level: "warning" | "failure";
  readonly says: RegExp;
  readonly where: RegExp;
  /** What cannot be tried any more. */
  readonly skips?: readonly string[];
};

export const prerequisitesOf = (scene: Scene): readonly Row[] => [
  {
    broken: "a setting is missing",
    change: () => ({ TENANT_ID: undefined }),
    check: "settings",
    level: "failure",
    says: /TENANT_ID is missing/,
    where: /environment of the service/,
  },
  {
    broken: "the policy breaks a law",
    change: () => ({ POLICY_FILE: join(scene.folder, "policy.json") }),
    breaks: () =>
      writeFile(join(scene.folder, "policy.json"), '{"dynamics":{"writes":{"Busy":"Available"}}}'),
    check: "policy",
    level: "failure",
    says: /POLICY_FILE/,
    where: /POLICY_FILE/,
  },
  {
    // In the middle of what is expected: between their Date and ours a machine may hold up either.
    broken: "this computer's clock is eleven minutes ahead",
    host: { nowMs: () => Date.now() + 650_000 },
    check: "clock",
    level: "failure",
    says: /6\d\d s ahead.*NTP/,
    where: /clock/,
  },
  {
    broken: "this computer's clock is a minute and a half behind",
    host: { nowMs: () => Date.now() - 95_000 },
    check: "clock",
    level: "warning",
    says: /\b(8|9)\d s behind.*NTP/,
    where: /clock/,
  },
  {
    broken: "the secret is wrong",
    change: () => ({ CLIENT_SECRET: "not-the-secret" }),
    check: "sign-in-dynamics",
    level: "failure",
    says: /entra-secret-wrong.*CLIENT_SECRET/,
    where: /Certificates & secrets/,
    skips: ["application-user", "supervisor-role", "directory", "teams-read"],
  },
  {
    broken: "the secret is over",
    breaks: () => scene.putApp({ secrets: [{ value: scene.tenant.clientSecret, expired: true }] }),
    check: "sign-in-teams",
    level: "failure",
    says: /entra-secret-expired.*new client secret/,
    where: /Certificates & secrets/,
  },
  {
    broken: "the app is unknown",
    change: () => ({ CLIENT_ID: STRANGER }),
    check: "sign-in-teams",
    level: "failure",
    says: /entra-app-unknown.*CLIENT_ID/,
    where: /environment/,
  },
  {
    broken: "the certificate is not uploaded",
    breaks: () => writeFile(join(scene.folder, "app.pem"), scene.tenant.clientCertificatePem),
    change: () => {
      scene.putApp({ certificates: [] });
      return { CLIENT_CERTIFICATE_PATH: join(scene.folder, "app.pem") };
    },
    check: "sign-in-teams",
    level: "failure",
    says: /entra-certificate-unregistered.*Upload/,
    where: /Certificates & secrets/,
  },
  {
    broken: "the certificate's file is not there",
    change: () => ({ CLIENT_CERTIFICATE_PATH: join(scene.folder, "nowhere.pem") }),
    check: "certificate",
    level: "failure",
    says: /entra-certificate-unreadable.*CLIENT_CERTIFICATE_PATH/,
    where: /environment/,
  },
  {
    broken: "Entra is down",
    breaks: () => scene.tenant.entra.control.setDown({ down: true }),
    check: "sign-in-teams",
    level: "failure",
    says: /entra-unavailable/,
    where: /network/,
  },
  {
    broken: "reading presence is not granted",
    breaks: () => scene.putApp({ roles: [] }),
    check: "teams-permissions",
    level: "failure",
    says: /Presence\.Read\.All and Presence\.ReadWrite\.All.*admin consent/,
    where: /API permissions/,
  },
  {
    broken: "writing presence is not granted",
    breaks: () => scene.putApp({ roles: ["Presence.Read.All", "User.ReadBasic.All"] }),
    check: "teams-permissions",
    level: "failure",
    says: /^Presence\.ReadWrite\.All not granted.*admin consent/,
    where: /API permissions/,
  },
  {
    broken: "looking users up is not granted",
    breaks: () => scene.putApp({ roles: ["Presence.Read.All", "Presence.ReadWrite.All"] }),
    check: "teams-permissions",
    level: "warning",
    says: /User\.ReadBasic\.All/,
    where: /API permissions/,
  },
  {
    broken: "looking groups up is not granted to the bot",
    breaks: () =>
      scene.putApp({
        roles: ["Presence.Read.All", "Presence.ReadWrite.All", "User.ReadBasic.All"],
      }),
    change: () => ({ BOT_ID: scene.env.CLIENT_ID, BOT_MANAGERS: `${STRANGER}=*` }),
    check: "teams-permissions",
    level: "warning",
    says: /GroupMember\.Read\.All not granted.*who manages whom/,
    where: /API permissions/,
  },
  {
    broken: "the app that reads may not read",
    breaks: () => scene.putReader({ roles: [] }),
    change: () => READS,
    check: "teams-reader",
    level: "failure",
    says: /Presence\.Read\.All not granted to READER_CLIENT_ID.*admin consent/,
    where: /API permissions/,
  },
  {
    broken: "the secret of the app that reads is wrong",
    breaks: () => scene.putReader({}),
    change: () => ({ ...READS, READER_CLIENT_SECRET: "not-the-secret" }),
    check: "teams-reader",
    level: "failure",
    says: /entra-secret-wrong.*READER_CLIENT_SECRET/,
    where: /Certificates & secrets/,
    skips: ["teams-read", "teams-poll"],
  },
  {
    broken: "Graph refuses to read",
    breaks: () => scene.putApp({ roles: [] }),
    check: "teams-read",
    level: "failure",
    says: /graph-forbidden.*Presence\.Read\.All/,
    where: /API permissions/,
  },
  {
    broken: "Graph cannot be reached",
    change: () => ({ GRAPH_URL: "https://localhost:9" }),
    check: "teams-read",
    level: "failure",
    says: /graph-unreachable.*GRAPH_URL/,
    where: /network/,
    skips: ["teams-poll"],
  },
  {
    broken: "Dataverse cannot be reached",
    change: () => ({ DATAVERSE_URL: "https://localhost:9" }),
    check: "application-user",
    level: "failure",
    says: /dataverse-unreachable.*DATAVERSE_URL/,
    where: /network/,
    skips: ["directory", "dynamics-poll", "webhook-registered"],
  },
  {
    broken: "the environment is somebody else's",
    change: () => ({ DATAVERSE_URL: scene.tenant.graph.url }),
    check: "application-user",
    level: "failure",
    says: /DATAVERSE_URL/,
    where: /environment|user/,
  },
  {
    broken: "there is no application user",
    breaks: () => scene.putApp({ clientId: STRANGER, secrets: [{ value: "a-secret" }] }),
    change: () => ({ CLIENT_ID: STRANGER, CLIENT_SECRET: "a-secret" }),
    check: "application-user",
    level: "failure",
    says: /dataverse-application-user-missing.*Create an application user/,
    where: /Application users/,
    skips: ["supervisor-role", "organization-read"],
  },
  {
    broken: "the application user has no role",
    breaks: () => scene.setRoles(),
    check: "application-user",
    level: "failure",
    says: /dataverse-role-missing.*Omnichannel Supervisor/,
    where: /Application users/,
  },
  {
    broken: "the application user is no supervisor",
    breaks: () => scene.setRoles("Omnichannel Agent", "Delegate", "Omnichannel administrator"),
    check: "supervisor-role",
    level: "failure",
    says: /dataverse-supervisor-role-missing.*Omnichannel Supervisor/,
    where: /Application users/,
  },
  {
    broken: "the application user sees its own rows only",
    breaks: () => limitRights(scene, "prvReadmsdyn_agentstatus", "Basic"),
    check: "organization-read",
    level: "failure",
    says: /depth Basic.*whole organization/,
    where: /Application users/,
  },
  {
    broken: "the application user may not read agent statuses",
    breaks: () => limitRights(scene, "prvReadmsdyn_agentstatus", null),
    check: "organization-read",
    level: "failure",
    says: /dataverse-read-privilege-missing.*msdyn_agentstatus/,
    where: /Application users/,
  },
  {
    broken: "the application user may not read presences",
    breaks: () => limitRights(scene, "prvReadmsdyn_presence", null),
    check: "presences",
    level: "warning",
    says: /dataverse-read-privilege-missing.*msdyn_presence/,
    where: /Application users/,
  },
  {
    broken: "what DATABASE_URL names is no store",
    breaks: () => writeFile(join(scene.folder, "other.db"), "a letter\n".repeat(1_000)),
    change: () => ({ DATABASE_URL: `sqlite:${scene.folder}/other.db` }),
    check: "store",
    level: "failure",
    says: /engine-/,
    where: /DATABASE_URL/,
    skips: ["directory"],
  },
  {
    broken: "a step of the webhook was disabled",
    breaks: async () => {
      const rows = await openRows(scene.tenant);
      const [step = ""] = await rows.steps();
      const disabled = { statecode: 1, statuscode: 2 };
      await rows.patch(`sdkmessageprocessingsteps(${step})`, disabled);
    },
    check: "webhook-registered",
    level: "warning",
    says: /step for Create: it is disabled.*Repair/,
    where: /register-webhook/,
  },
  {
    broken: "the application user may not act for others",
    breaks: () => scene.setRoles("Omnichannel Supervisor", "Omnichannel administrator"),
    check: "detail-role",
    level: "warning",
    says: /dataverse-delegate-role-missing.*Delegate/,
    where: /Application users/,
  },
  {
    broken: "the application user may not ask for availability",
    breaks: () => scene.setRoles("Omnichannel Supervisor", "Delegate"),
    check: "administrator-role",
    level: "warning",
    says: /dataverse-administrator-role-missing.*Omnichannel administrator/,
    where: /Application users/,
  },
  {
    broken: "a workstream routes to whoever is Busy",
    breaks: () => allowPresences(scene.tenant, [BUSY]),
    check: "busy-routing",
    level: "warning",
    says: /1 of 1: Harbor chat.*Do not disturb/,
    where: /Allowed presences.*POLICY_FILE/,
  },
  {
    broken: "nobody is a rep",
    breaks: () => {
      for (const { systemUserId } of scene.tenant.people.users) {
        scene.tenant.dataverse.control.disableUser({ userId: systemUserId });
      }
    },
    check: "directory",
    level: "failure",
    says: /0 reps; left out: 5 disabled/,
    where: /Users/,
    skips: ["teams-read", "detail-role"],
  },
  {
    broken: "a rep has no account in Teams",
    breaks: () =>
      scene.tenant.graph.control.removeUser({
        userId: scene.tenant.people.users[0]?.azureObjectId ?? "",
      }),
    check: "teams-read",
    level: "warning",
    says: /4 of 5.*license/,
    where: /Licenses/,
  },
  {
    broken: "changes are not tracked",
    breaks: () => scene.tenant.dataverse.control.settings({ changeTracking: false }),
    check: "change-tracking",
    level: "warning",
    says: /off.*Track changes/,
    where: /Agent status/,
  },
  {
    broken: "the webhook is not registered",
    breaks: () => run(scene.env, ["register-webhook", "--remove", "--yes"]),
    check: "webhook-registered",
    level: "warning",
    says: /not there.*Register/,
    where: /register-webhook/,
  },
  {
    broken: "the webhook was registered with another key",
    change: () => ({ DATAVERSE_WEBHOOK_KEY: "another-key-of-the-service" }),
    breaks: () => scene.keys.splice(0, scene.keys.length, "another-key-of-the-service"),
    check: "webhook-secret",
    level: "failure",
    says: /Dataverse sends another.*Register/,
    where: /register-webhook/,
  },
  {
    broken: "the service has another key",
    breaks: () => scene.keys.splice(0, scene.keys.length, "another-key-of-the-service"),
    check: "webhook-secret",
    level: "failure",
    says: /refuses the key.*DATAVERSE_WEBHOOK_KEY/,
    where: /environment/,
  },
  {
    broken: "the service is down",
    change: () => ({ PUBLIC_URL: "http://127.0.0.1:9" }),
    check: "webhook-reachable",
    level: "failure",
    says: /no answer.*PUBLIC_URL/,
    where: /PUBLIC_URL/,
    skips: ["webhook-secret"],
  },
  {
    broken: "somebody else answers at the webhook's address",
    change: () => ({ PUBLIC_URL: `${scene.env.PUBLIC_URL}/elsewhere` }),
    check: "webhook-reachable",
    level: "failure",
    says: /somebody else.*404/,
    where: /PUBLIC_URL/,
  },
  {
    broken: "the bot is set and does not answer",
    change: () => ({ BOT_ID: scene.env.CLIENT_ID }),
    check: "bot",
    level: "failure",
    says: /404.*\/api\/messages/,
    where: /PUBLIC_URL/,
  },
  {
    broken: "Dynamics is polled far too often",
    change: () => ({ DYNAMICS_POLL_SECONDS: "0.1" }),
    check: "dynamics-poll",
    level: "warning",
    says: /DYNAMICS_POLL_SECONDS/,
    where: /environment/,
  },
];
