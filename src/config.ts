import {
  type Database,
  isLoopback,
  type LogLevel,
  type PartnerKeys,
  type RoleScopeKind,
  type ScopeKind,
} from "./config-kinds.ts";
import { type Name, type Row, TABLE, type Values } from "./config-table.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** How the service proves to Entra who it is: exactly one way. */
type Credential =
  | { readonly kind: "certificate"; readonly clientId: string; readonly path: string }
  | { readonly kind: "secret"; readonly clientId: string; readonly secret: string }
  /** `clientId` names the identity's application: Graph wants it as the name of our presence session. */
  | {
      readonly kind: "managed identity";
      readonly clientId: string;
      /** False: the machine's own identity. */
      readonly userAssigned: boolean;
    };

/** How the bot is known and whom it trusts. */
type BotConfig = {
  readonly appId: string;
  readonly tenantId: string;
  readonly serviceHosts: readonly string[];
  readonly metadataUrl: string;
  readonly issuer: string;
};

/** Everything that can be set from outside, read and checked. URLs have no trailing slash. */
export type Config = {
  readonly port: number;
  readonly host: string;
  readonly publicUrl: string | null;
  readonly tenantId: string;
  readonly credential: Credential;
  /** `null`: there is no bot, except on trial. */
  readonly bot: BotConfig | null;
  /** Who may see and set whom through the bot. */
  readonly botScopes: readonly ScopeKind[];
  /** The same for holders of a security role in Dynamics. */
  readonly botRoleScopes: readonly RoleScopeKind[];
  readonly botAdmins: string | null;
  readonly authorityHost: string;
  readonly graphUrl: string;
  readonly dataverseUrl: string;
  /** What the Dataverse webhook may present: none (it is refused), one, or two while one replaces the other. */
  readonly dataverseWebhookKeys: readonly string[];
  readonly dataverseOrganizationIds: readonly string[];
  readonly teamsPollMs: number;
  readonly dynamicsPollMs: number;
  /** How long a rep may be gone from Dynamics before she counts as signed out. */
  readonly dynamicsReconnectMs: number;
  /** The app registration that reads Teams, if it is not the one that writes. */
  readonly reader: Exclude<Credential, { readonly kind: "managed identity" }> | null;
  /** Seals what is kept of subscriber accounts: none, one, or the new one before the old. 32 bytes each. */
  readonly cacheKeys: readonly Buffer[];
  readonly subscriberAccounts: readonly string[];
  readonly richNotifications: boolean;
  readonly partners: readonly PartnerKeys[];
  /** Of the tokens with which applications ask `/api/v1`. */
  readonly apiAudience: string;
  /** Lower-case. */
  readonly subscriberHosts: readonly string[];
  readonly database: Database;
  /** Where other instances on the same database reach this one; `null`: by its address. */
  readonly instanceUrl: string | null;
  readonly policyFile: string | null;
  readonly metricsKey: string | null;
  readonly logLevel: LogLevel;
};

/** `must` completes the sentence "NAME …" and never quotes the value. */
export type ConfigProblem = { readonly name: Name; readonly must: string };

/** The configuration as a whole was refused; the message lists every problem, so that one restart mends them all. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ name, must }) => `  ${name} ${must}`);
    super(`the configuration cannot be used (see docs/configuration.md):\n${lines.join("\n")}`);
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** Reads the environment. An empty variable counts as absent. Throws `ConfigError` and nothing else. */
export function readConfig(env: Environment): Config {
  const problems: ConfigProblem[] = [];
  const values = readValues(env, problems);
  const credential = credentialFrom(values, problems);
  if (values.DATAVERSE_WEBHOOK_KEY_NEXT !== null && values.DATAVERSE_WEBHOOK_KEY === null) {
    const must = "needs DATAVERSE_WEBHOOK_KEY: a next key follows a first one";
    if (!problems.some(({ name }) => name === "DATAVERSE_WEBHOOK_KEY")) {
      problems.push({ name: "DATAVERSE_WEBHOOK_KEY_NEXT", must });
    }
  }
  const reader = readerFrom(values, problems);
  if (values.CACHE_KEY_PREVIOUS !== null && values.CACHE_KEY === null) {
    if (!problems.some(({ name }) => name === "CACHE_KEY")) {
      const must = "needs CACHE_KEY: a previous key precedes one";
      problems.push({ name: "CACHE_KEY_PREVIOUS", must });
    }
  }
  const bot = botFrom(values, credential, problems);
  if (problems.length > 0 || credential === null) throw new ConfigError(problems);
  const keys = [values.DATAVERSE_WEBHOOK_KEY, values.DATAVERSE_WEBHOOK_KEY_NEXT];
  return {
    port: values.PORT,
    host: values.HOST ?? defaultHost(values.PUBLIC_URL),
    publicUrl: values.PUBLIC_URL,
    tenantId: values.TENANT_ID,
    credential,
    bot,
    botScopes: values.BOT_MANAGERS ?? [],
    botRoleScopes: values.BOT_SUPERVISORS ?? [],
    botAdmins: values.BOT_ADMINS,
    authorityHost: values.AUTHORITY_HOST,
    graphUrl: values.GRAPH_URL,
    dataverseUrl: values.DATAVERSE_URL,
    dataverseWebhookKeys: keys.filter((key) => key !== null),
    dataverseOrganizationIds: values.DATAVERSE_ORGANIZATION_IDS ?? [],
    teamsPollMs: values.TEAMS_POLL_SECONDS,
    dynamicsPollMs: values.DYNAMICS_POLL_SECONDS,
    dynamicsReconnectMs: values.DYNAMICS_RECONNECT_SECONDS,
    reader,
    cacheKeys: [values.CACHE_KEY, values.CACHE_KEY_PREVIOUS].filter((key) => key !== null),
    subscriberAccounts: values.SUBSCRIBER_ACCOUNTS ?? [],
    richNotifications: values.RICH_NOTIFICATIONS,
    partners: values.PARTNERS ?? [],
    apiAudience: values.API_AUDIENCE ?? `api://${credential.clientId}`,
    subscriberHosts: values.SUBSCRIBER_HOSTS ?? [],
    database: values.DATABASE_URL,
    instanceUrl: values.INSTANCE_URL,
    policyFile: values.POLICY_FILE,
    metricsKey: values.METRICS_KEY,
    logLevel: values.LOG_LEVEL,
  };
}

/** A service that nobody outside is meant to call does not listen to the network. */
const defaultHost = (publicUrl: string | null): string =>
  publicUrl === null || isLoopback(publicUrl) ? "127.0.0.1" : "0.0.0.0";

/** A value that could not be read is absent from the result: whoever uses it looks at `problems` first. */
function readValues(env: Environment, problems: ConfigProblem[]): Values {
  const values: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(TABLE) as [Name, Row][]) {
    const given = env[name] === "" ? undefined : env[name];
    const text = given ?? ("default" in row.need ? row.need.default : undefined);
    values[name] = null;
    if (text === undefined) {
      if ("required" in row.need) problems.push({ name, must: "is missing" });
      continue;
    }
    if (text !== text.trim()) {
      problems.push({ name, must: "must not begin or end with white space" });
      continue;
    }
    const read = row.kind.read(text);
    if (read.ok) values[name] = read.value;
    else problems.push({ name, must: read.must });
  }
  return values as Values;
}

/** A bot without its app and tenant known for certain would take anybody's word. */
function botFrom(
  values: Values,
  credential: Credential | null,
  problems: ConfigProblem[],
): BotConfig | null {
  const { BOT_ID: appId, TENANT_ID: tenantId } = values;
  if (appId === null) return null;
  if (credential !== null && credential.clientId !== appId) {
    const must = "must be the application that signs in: it answers in the bot's name";
    problems.push({ name: "BOT_ID", must });
  }
  const named = problems.some(({ name }) => name === "TENANT_ID");
  if (!named && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(tenantId)) {
    problems.push({ name: "TENANT_ID", must: "must be a GUID where there is a bot" });
  }
  return {
    appId,
    tenantId,
    serviceHosts: values.BOT_SERVICE_HOSTS,
    metadataUrl: values.BOT_METADATA_URL,
    issuer: values.BOT_TOKEN_ISSUER,
  };
}

function credentialFrom(values: Values, problems: ConfigProblem[]): Credential | null {
  const { CLIENT_CERTIFICATE_PATH: path, CLIENT_SECRET: secret, CLIENT_ID: clientId } = values;
  const managed = values.MANAGED_IDENTITY || values.MANAGED_IDENTITY_CLIENT_ID !== null;
  const isNamed = (name: Name): boolean => problems.some((problem) => problem.name === name);
  if (path === null && secret === null) {
    const { MANAGED_IDENTITY_CLIENT_ID: assigned } = values;
    if (assigned !== null)
      return { kind: "managed identity", clientId: assigned, userAssigned: true };
    if (managed && clientId !== null) {
      return { kind: "managed identity", clientId, userAssigned: false };
    }
    if (managed) {
      const must =
        "is missing: the application id of the machine's identity, which names our session";
      if (!isNamed("CLIENT_ID")) problems.push({ name: "CLIENT_ID", must });
      return null;
    }
    if (isNamed("CLIENT_CERTIFICATE_PATH") || isNamed("CLIENT_SECRET")) return null;
    if (isNamed("MANAGED_IDENTITY") || isNamed("MANAGED_IDENTITY_CLIENT_ID")) return null;
  }
  if (clientId === null && !isNamed("CLIENT_ID")) {
    problems.push({ name: "CLIENT_ID", must: "is missing" });
  }
  if (path === null && secret === null) {
    const must = "is missing; CLIENT_CERTIFICATE_PATH or MANAGED_IDENTITY=true will do instead";
    problems.push({ name: "CLIENT_SECRET", must });
  }
  if (clientId === null) return null;
  if (path !== null) return { kind: "certificate", clientId, path };
  return secret === null ? null : { kind: "secret", clientId, secret };
}

function readerFrom(values: Values, problems: ConfigProblem[]): Config["reader"] {
  const { READER_CLIENT_ID: clientId, READER_CLIENT_SECRET: secret } = values;
  const { READER_CLIENT_CERTIFICATE_PATH: path } = values;
  const isNamed = problems.some(({ name }) => name.startsWith("READER_"));
  if (isNamed || (clientId === null && secret === null && path === null)) return null;
  if (clientId === null) {
    problems.push({
      name: "READER_CLIENT_ID",
      must: "is missing: whose the reader's credential is",
    });
    return null;
  }
  if (path !== null) return { kind: "certificate", clientId, path };
  if (secret !== null) return { kind: "secret", clientId, secret };
  const must = "is missing; READER_CLIENT_CERTIFICATE_PATH will do instead";
  problems.push({ name: "READER_CLIENT_SECRET", must });
  return null;
}
