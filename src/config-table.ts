import {
  database,
  flag,
  entraId,
  guid,
  guids,
  httpsUrl,
  type Kind,
  logLevel,
  partners,
  port,
  publicUrl,
  seconds,
  sharedKey,
  text,
} from "./config-kinds.ts";

export const SECTIONS = [
  "Listening",
  "Signing in",
  "The two systems",
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
  BOT_ID: row("Signing in", guid, OPTIONAL, "The bot's app id. Without it there is no bot."),
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
  PARTNERS: secret(
    row(
      "Partners",
      partners,
      OPTIONAL,
      "Applications that may report calls and shifts, each with its Standard Webhooks secret: `phone=whsec_…`; `phone=whsec_…|whsec_…` while a secret is being replaced.",
    ),
  ),
  DATABASE_URL: secret(
    row(
      "Running",
      database,
      { default: "sqlite:data/lockstep.db" },
      "Where everything durable is kept: a file, or PostgreSQL ([docs/postgres.md](postgres.md)). Treated as a secret, because a database URL may hold a password.",
    ),
  ),
  POLICY_FILE: row(
    "Running",
    text,
    OPTIONAL,
    "JSON file that changes the default policy. One that breaks a mapping law is refused at start.",
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
