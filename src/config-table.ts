import {
  cacheKey,
  database,
  flag,
  entraId,
  guid,
  guids,
  hosts,
  httpsUrl,
  instanceUrl,
  type Kind,
  logLevel,
  partners,
  port,
  publicUrl,
  roleScopes,
  scopes,
  seconds,
  sharedKey,
  text,
} from "./config-kinds.ts";

export const SECTIONS = [
  "Listening",
  "Signing in",
  "The two systems",
  "Subscriber accounts",
  "The bot",
  "Partners",
  "Running",
] as const;
type Section = (typeof SECTIONS)[number];

/** `default` is text, read like any other value; `derived` says in words what an absent value becomes. */
export type Need =
  | { readonly required: true }
  | { readonly default: string }
  | { readonly optional: true; readonly derived?: string };

export type Row<Value = unknown, N extends Need = Need> = {
  readonly section: Section;
  readonly kind: Kind<Value>;
  readonly need: N;
  /** A secret is never shown: not in a message, not in a log, not as an example. */
  readonly secret: boolean;
  /** Markdown, for the documentation and `.env.example` alike. */
  readonly says: string;
};

function row<Value, N extends Need>(
  section: Section,
  kind: Kind<Value>,
  need: N,
  says: string,
): Row<Value, N> {
  return { section, kind, need, secret: false, says };
}

const secret = <Value, N extends Need>(open: Row<Value, N>): Row<Value, N> => ({
  ...open,
  secret: true,
});

const REQUIRED = { required: true } as const;
const OPTIONAL = { optional: true } as const;

/** Everything that can be set from outside. Nothing else reads the environment. */
export const TABLE = {
  PORT: row("Listening", port, { default: "3978" }, "Port to listen on."),
  HOST: row(
    "Listening",
    text,
    {
      optional: true,
      derived: "`127.0.0.1`; `0.0.0.0` once `PUBLIC_URL` is an address outside this computer",
    },
    "Address to listen on. Unless others are meant to call, nobody else on the network can.",
  ),
  PUBLIC_URL: row(
    "Listening",
    publicUrl,
    OPTIONAL,
    "Where Microsoft 365 and Dataverse reach this service. Without it there are no change notifications, and polling alone carries the changes.",
  ),
  TENANT_ID: row(
    "Signing in",
    entraId,
    REQUIRED,
    "The Entra tenant. Tokens of any other are refused.",
  ),
  CLIENT_ID: row(
    "Signing in",
    entraId,
    { optional: true, derived: "required unless `MANAGED_IDENTITY_CLIENT_ID` is set" },
    "The app registration that signs in to Graph and Dataverse.",
  ),
  CLIENT_CERTIFICATE_PATH: row(
    "Signing in",
    text,
    OPTIONAL,
    "PEM file with certificate and private key. Goes before `CLIENT_SECRET` if both are set.",
  ),
  CLIENT_SECRET: secret(
    row(
      "Signing in",
      text,
      OPTIONAL,
      "The app registration's secret. For trying things out; in production use a certificate or a managed identity.",
    ),
  ),
  MANAGED_IDENTITY: row(
    "Signing in",
    flag,
    { default: "false" },
    "`true` signs in as the managed identity of the machine, if neither certificate nor secret is set.",
  ),
  MANAGED_IDENTITY_CLIENT_ID: row(
    "Signing in",
    guid,
    OPTIONAL,
    "A user-assigned managed identity; implies `MANAGED_IDENTITY`.",
  ),
  BOT_ID: row(
    "Signing in",
    guid,
    OPTIONAL,
    "The app id of the bot registration: the application that signs in above, by its GUID; `TENANT_ID` must be a GUID too. Without it there is no bot.",
  ),
  BOT_MANAGERS: row(
    "The bot",
    scopes,
    OPTIONAL,
    "Who may see and set whom: `managers=reps`, two Entra groups by object id, several separated by commas; `managers=*` for all reps. Without it everybody sees only herself. What Entra says is believed for five minutes.",
  ),
  BOT_SUPERVISORS: row(
    "The bot",
    roleScopes,
    OPTIONAL,
    "Who may see and set whom by a security role in Dynamics: `Omnichannel Supervisor=*` for all reps, or `role=reps` with an Entra group by object id; several separated by commas. Roles that somebody has through a team count.",
  ),
  BOT_ADMINS: row(
    "The bot",
    guid,
    OPTIONAL,
    "The Entra group that may have alerts posted. It gives no right over anybody's status.",
  ),
  BOT_SERVICE_HOSTS: row(
    "The bot",
    hosts,
    {
      default:
        "smba.trafficmanager.net,smba.infra.gcc.teams.microsoft.com,smba.infra.gov.teams.microsoft.us,smba.infra.dod.teams.microsoft.us",
    },
    "Where Teams may say that it wants its answers. Messages that name any other host are refused.",
  ),
  BOT_METADATA_URL: row(
    "The bot",
    publicUrl,
    { default: "https://login.botframework.com/v1/.well-known/openidconfiguration" },
    "Where the keys are found that sign what Teams sends to the bot; national clouds have their own.",
  ),
  BOT_TOKEN_ISSUER: row(
    "The bot",
    text,
    { default: "https://api.botframework.com" },
    "Who signs what Teams sends to the bot; the bot asks for its own tokens there too.",
  ),
  AUTHORITY_HOST: row(
    "The two systems",
    httpsUrl,
    { default: "https://login.microsoftonline.com" },
    "Where tokens come from; national clouds have their own.",
  ),
  GRAPH_URL: row(
    "The two systems",
    httpsUrl,
    { default: "https://graph.microsoft.com" },
    "Microsoft Graph; national clouds have their own.",
  ),
  DATAVERSE_URL: row(
    "The two systems",
    httpsUrl,
    REQUIRED,
    "The Dataverse environment of Dynamics 365 Contact Center, such as `https://contoso.crm.dynamics.com`.",
  ),
  DATAVERSE_WEBHOOK_KEY: secret(
    row(
      "The two systems",
      sharedKey,
      OPTIONAL,
      "What the Dataverse webhook sends in `x-lockstep-key`. Without it the webhook is refused, and polling alone carries the changes.",
    ),
  ),
  DATAVERSE_WEBHOOK_KEY_NEXT: secret(
    row(
      "The two systems",
      sharedKey,
      OPTIONAL,
      "A second key that is taken as well, while the first is being replaced.",
    ),
  ),
  DATAVERSE_ORGANIZATION_IDS: row(
    "The two systems",
    guids,
    OPTIONAL,
    "Further organizations whose webhooks are ours, beside that of `DATAVERSE_URL`.",
  ),
  TEAMS_POLL_SECONDS: row("The two systems", seconds, { default: "5" }, "How often Teams is read."),
  DYNAMICS_POLL_SECONDS: row(
    "The two systems",
    seconds,
    { default: "10" },
    "How often Dynamics is read.",
  ),
  DYNAMICS_RECONNECT_SECONDS: row(
    "The two systems",
    seconds,
    { default: "180" },
    "How long a rep may be gone from Dynamics before what she chose there is withdrawn from Teams. Dynamics restores whoever is back within 150 seconds.",
  ),
  CACHE_KEY: secret(
    row(
      "Subscriber accounts",
      cacheKey,
      OPTIONAL,
      "Encrypts the sign-ins of subscriber accounts where they are kept. Needed to connect one at `/connect/teams`; make it with `openssl rand -base64 32`.",
    ),
  ),
  CACHE_KEY_PREVIOUS: secret(
    row(
      "Subscriber accounts",
      cacheKey,
      OPTIONAL,
      "The key that `CACHE_KEY` replaces: what it encrypted can still be read, and is encrypted anew at the next start.",
    ),
  ),
  SUBSCRIBER_ACCOUNTS: row(
    "Subscriber accounts",
    guids,
    OPTIONAL,
    "Object ids of accounts that may be connected, beside those that hold the app role `Presence.Admin`. With neither, every account is refused.",
  ),
  RICH_NOTIFICATIONS: row(
    "Subscriber accounts",
    flag,
    { default: "false" },
    "`true` asks Teams for notifications that carry the presence, encrypted. Teams is read either way; this is for tenants that refuse the plain ones.",
  ),
  READER_CLIENT_ID: row(
    "Signing in",
    entraId,
    OPTIONAL,
    "A second app registration that reads presence, so that reading and writing have permissions and limits of their own. Needs one of the next two.",
  ),
  READER_CLIENT_CERTIFICATE_PATH: row(
    "Signing in",
    text,
    OPTIONAL,
    "Its certificate and private key, as with `CLIENT_CERTIFICATE_PATH`.",
  ),
  READER_CLIENT_SECRET: secret(
    row("Signing in", text, OPTIONAL, "Its secret, if it has no certificate."),
  ),
  PARTNERS: secret(
    row(
      "Partners",
      partners,
      OPTIONAL,
      "Applications that may report calls and shifts, each with its Standard Webhooks secret: `phone=whsec_…`; `phone=whsec_…|whsec_…` while a secret is being replaced.",
    ),
  ),
  API_AUDIENCE: row(
    "Partners",
    text,
    { optional: true, derived: "`api://` and `CLIENT_ID`" },
    "The App ID URI that applications name when they ask Entra for a token for `/api/v1`.",
  ),
  SUBSCRIBER_HOSTS: row(
    "Partners",
    hosts,
    OPTIONAL,
    "Hosts that subscriptions may name although their addresses are not public: `crm.contoso.internal,10.0.0.7`.",
  ),
  DATABASE_URL: secret(
    row(
      "Running",
      database,
      { default: "sqlite:data/lockstep.db" },
      "Where everything durable is kept: a file, or PostgreSQL ([docs/postgres.md](postgres.md)). Treated as a secret, because a database URL may hold a password.",
    ),
  ),
  INSTANCE_URL: row(
    "Running",
    instanceUrl,
    { optional: true, derived: "`http://`, `HOST` or else this computer's address, `PORT`" },
    "Where other instances on the same PostgreSQL database reach this one, past the load balancer ([docs/postgres.md](postgres.md)).",
  ),
  POLICY_FILE: row(
    "Running",
    text,
    OPTIONAL,
    "JSON file that changes the default policy. One that breaks a mapping law is refused at start.",
  ),
  METRICS_KEY: secret(
    row(
      "Running",
      sharedKey,
      OPTIONAL,
      "Whoever sends it as `Authorization: Bearer …` may read `GET /metrics`. Without it nothing is counted, and there is no such route.",
    ),
  ),
  LOG_LEVEL: row("Running", logLevel, { default: "info" }, "How much is logged."),
} as const satisfies Readonly<Record<string, Row>>;

export type Name = keyof typeof TABLE;

type ValueOf<R> =
  R extends Row<infer Value, infer N>
    ? N extends { readonly optional: true }
      ? Value | null
      : Value
    : never;

/** Each variable's value by its name, as its row says. */
export type Values = { readonly [N in Name]: ValueOf<(typeof TABLE)[N]> };
