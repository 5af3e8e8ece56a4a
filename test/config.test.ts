import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Config, ConfigError, type Environment, readConfig } from "../src/config.ts";
import { GENERATED } from "../src/config-page.ts";
import { TABLE } from "../src/config-table.ts";

const TENANT = "11111111-2222-3333-4444-555555555555";
const CLIENT = "66666666-7777-8888-9999-aaaaaaaaaaaa";
const CANARY = "canary-canary-canary";
const WEBHOOK_SECRET = `whsec_${Buffer.alloc(24, 1).toString("base64")}`;
const OTHER_SECRET = `whsec_${Buffer.alloc(64, 2).toString("base64")}`;
const CACHE_KEY = Buffer.alloc(32, 3).toString("base64");

const LEAST: Environment = {
  TENANT_ID: TENANT,
  CLIENT_ID: CLIENT,
  CLIENT_SECRET: "secret",
  DATAVERSE_URL: "https://contoso.crm.dynamics.com/",
};

/** The problems as `NAME must`, or none. */
function problemsOf(env: Environment): readonly string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ name, must }) => `${name} ${must}`);
  }
}
const namesOf = (env: Environment): readonly string[] =>
  problemsOf(env).map((line) => line.split(" ")[0] ?? "");

test("the least that can be set gives a whole configuration", () => {
  const expected: Config = {
    port: 3978,
    host: "127.0.0.1",
    publicUrl: null,
    tenantId: TENANT,
    credential: { kind: "secret", clientId: CLIENT, secret: "secret" },
    bot: null,
    botScopes: [],
    botRoleScopes: [],
    botAdmins: null,
    authorityHost: "https://login.microsoftonline.com",
    graphUrl: "https://graph.microsoft.com",
    dataverseUrl: "https://contoso.crm.dynamics.com",
    dataverseWebhookKeys: [],
    dataverseOrganizationIds: [],
    teamsPollMs: 5000,
    dynamicsPollMs: 10_000,
    dynamicsReconnectMs: 180_000,
    reader: null,
    cacheKeys: [],
    subscriberAccounts: [],
    richNotifications: false,
    partners: [],
    apiAudience: `api://${CLIENT}`,
    subscriberHosts: [],
    database: { kind: "sqlite", path: "data/lockstep.db" },
    instanceUrl: null,
    policyFile: null,
    metricsKey: null,
    logLevel: "info",
  };
  expect(readConfig(LEAST)).toEqual(expected);
});

test("[R84] everything that is missing is named at once", () => {
  expect(namesOf({})).toEqual(["TENANT_ID", "DATAVERSE_URL", "CLIENT_ID", "CLIENT_SECRET"]);
  expect(namesOf({ ...LEAST, TENANT_ID: "", CLIENT_ID: "", PORT: "x", LOG_LEVEL: "loud" })).toEqual(
    ["PORT", "TENANT_ID", "LOG_LEVEL", "CLIENT_ID"],
  );
  expect(() => readConfig({})).toThrow(/TENANT_ID is missing\n {2}DATAVERSE_URL is missing\n/);
});

test("[R84] no row takes a value that it does not understand, and no message repeats one", () => {
  const bad: Environment = Object.fromEntries(
    Object.keys(TABLE).map((name) => [name, ` ${CANARY}\u0000=whsec_${CANARY} `]),
  );
  const problems = problemsOf(bad);
  expect(problems.length).toBeGreaterThanOrEqual(Object.keys(TABLE).length);
  expect(problems.join("\n")).not.toContain(CANARY);
});

const wrong: readonly (readonly [string, string, string])[] = [
  ["PORT", "65536", "must be a port"],
  ["PORT", "39 78", "must be a port"],
  ["TENANT_ID", "con toso", "must be an id"],
  ["CLIENT_ID", `${CLIENT}/0`, "must be an id"],
  ["BOT_ID", "bot", "must be a GUID"],
  ["BOT_ID", "33333333-3333-4333-8333-333333333333", "must be the application that signs in"],
  ["BOT_MANAGERS", "everybody=*", "must be pairs of Entra group ids"],
  ["BOT_MANAGERS", "33333333-3333-4333-8333-333333333333", "must be pairs of Entra group ids"],
  ["BOT_SERVICE_HOSTS", "https://smba.trafficmanager.net/", "must be host names"],
  ["BOT_SERVICE_HOSTS", "smba.trafficmanager.net:443", "without scheme and port"],
  ["SUBSCRIBER_HOSTS", "10.0.0.7:8443", "without scheme and port"],
  ["BOT_METADATA_URL", "http://keys.example", "must be https"],
  ["MANAGED_IDENTITY", "yes", "must be true or false"],
  ["DATAVERSE_URL", "contoso.crm.dynamics.com", "must be a URL"],
  ["DATAVERSE_URL", "http://contoso.crm.dynamics.com", "must be https"],
  ["DATAVERSE_URL", "http://localhost:8443", "NODE_EXTRA_CA_CERTS"],
  ["GRAPH_URL", "http://127.0.0.1:8443", "must be https"],
  ["AUTHORITY_HOST", `https://user:${CANARY}@login.example`, "must not carry a user name"],
  ["GRAPH_URL", `https://graph.example/?key=${CANARY}`, "must not have a query"],
  ["PUBLIC_URL", "http://lockstep.example", "must be https"],
  ["PUBLIC_URL", "http://localhost.example", "must be https"],
  ["INSTANCE_URL", "localhost:3978", "must be http://"],
  ["INSTANCE_URL", "ftp://10.0.0.7", "must be http://"],
  ["DATAVERSE_WEBHOOK_KEY", "fifteen-letters", "at least 16 characters"],
  ["DATAVERSE_WEBHOOK_KEY", `${CANARY} with spaces`, "printable ASCII"],
  ["DATAVERSE_WEBHOOK_KEY_NEXT", CANARY, "needs DATAVERSE_WEBHOOK_KEY"],
  ["DATAVERSE_ORGANIZATION_IDS", `${TENANT},x`, "must be GUIDs"],
  ["DATABASE_URL", `postgres://u:${CANARY}@db`, "must name the database"],
  ["DATABASE_URL", "postgres:///lockstep", "must name the host"],
  ["DATABASE_URL", `postgres://u:${CANARY}@/lockstep`, "must name the host"],
  ["DATABASE_URL", "postgres://db/lockstep", "must name the role"],
  ["DATABASE_URL", `postgres://u:${CANARY}@db/lockstep?sslmode=require`, "must have sslmode="],
  ["DATABASE_URL", `postgres://u:${CANARY}@db/lockstep?options=x`, "must have no other parameters"],
  ["DATABASE_URL", `postgres://u:${CANARY}@db/lockstep?host=db2`, "directory of a local socket"],
  ["DATABASE_URL", `postgres://u:100%${CANARY}@db/lockstep`, "must have every %"],
  ["DATABASE_URL", "sqlite:", "must be sqlite: and a path"],
  ["DATABASE_URL", "sqlite::memory:", "must be a file"],
  ["DATABASE_URL", "mysql://db", "must be sqlite: and a path"],
  ["TEAMS_POLL_SECONDS", "0", "must be seconds"],
  ["DYNAMICS_POLL_SECONDS", "1e1", "must be seconds"],
  ["LOG_LEVEL", "verbose", "must be one of fatal"],
  ["CLIENT_SECRET", `${CANARY}\n`, "white space"],
  ["CACHE_KEY", CANARY, "Base64 of 32 random bytes"],
  ["CACHE_KEY", Buffer.alloc(31).toString("base64"), "Base64 of 32 random bytes"],
  ["CACHE_KEY", Buffer.alloc(32).toString("base64url"), "Base64 of 32 random bytes"],
  ["CACHE_KEY_PREVIOUS", CACHE_KEY, "needs CACHE_KEY"],
  ["SUBSCRIBER_ACCOUNTS", "adele@contoso.com", "must be GUIDs"],
  ["RICH_NOTIFICATIONS", "1", "must be true or false"],
  ["PARTNERS", CANARY, "must name each partner"],
  ["PARTNERS", `Phone=${WEBHOOK_SECRET}`, "must name each partner"],
  ["PARTNERS", `teams=${WEBHOOK_SECRET}`, "the name of a system"],
  ["PARTNERS", `phone=${CANARY}`, "must give partner 1 one or two secrets"],
  ["PARTNERS", "phone=whsec_c2hvcnQ=", "24 to 64 bytes"],
  ["PARTNERS", `phone=whsec_${Buffer.alloc(65).toString("base64")}`, "24 to 64 bytes"],
  ["PARTNERS", `phone=${WEBHOOK_SECRET}!`, "24 to 64 bytes"],
  ["PARTNERS", `phone=${WEBHOOK_SECRET}|${OTHER_SECRET}|${WEBHOOK_SECRET}`, "one or two secrets"],
  ["PARTNERS", `phone=${WEBHOOK_SECRET},rota=${WEBHOOK_SECRET}`, "a secret twice"],
  ["PARTNERS", `phone=${WEBHOOK_SECRET},phone=${OTHER_SECRET}`, "a name of its own"],
  ["PARTNERS", `phone=${WEBHOOK_SECRET},`, "must name each partner"],
];
test.each(wrong)("[R84] %s=%j is refused, with what it must be", (name, value, must) => {
  const problems = problemsOf({ ...LEAST, [name]: value });
  expect(problems).toHaveLength(1);
  expect(problems[0]?.startsWith(`${name} `)).toBe(true);
  expect(problems[0]).toContain(must);
  expect(problems[0]).not.toContain(CANARY);
});

test("a certificate goes before a secret, and a secret before a managed identity", () => {
  const all = {
    ...LEAST,
    CLIENT_CERTIFICATE_PATH: "cert.pem",
    MANAGED_IDENTITY: "true",
    MANAGED_IDENTITY_CLIENT_ID: TENANT.toUpperCase(),
  };
  const { credential } = readConfig(all);
  expect(credential).toEqual({ kind: "certificate", clientId: CLIENT, path: "cert.pem" });
  const next = readConfig({ ...all, CLIENT_CERTIFICATE_PATH: "" }).credential;
  expect(next.kind).toBe("secret");
  const last = { ...all, CLIENT_CERTIFICATE_PATH: "", CLIENT_SECRET: "" };
  expect(readConfig(last).credential).toEqual({
    kind: "managed identity",
    clientId: TENANT,
    userAssigned: true,
  });
});

test("the machine's own identity is named by CLIENT_ID", () => {
  const env = { TENANT_ID: TENANT, DATAVERSE_URL: "https://x.example", MANAGED_IDENTITY: "true" };
  const credential = { kind: "managed identity", clientId: CLIENT, userAssigned: false };
  expect(readConfig({ ...env, CLIENT_ID: CLIENT }).credential).toEqual(credential);
  expect(() => readConfig(env)).toThrow("CLIENT_ID is missing");
});

test("the network is listened to only when somebody outside is meant to call", () => {
  const hostFor = (env: Environment): string => readConfig({ ...LEAST, ...env }).host;
  expect(hostFor({})).toBe("127.0.0.1");
  expect(hostFor({ PUBLIC_URL: "http://localhost:3978" })).toBe("127.0.0.1");
  expect(hostFor({ PUBLIC_URL: "https://lockstep.example" })).toBe("0.0.0.0");
  expect(hostFor({ PUBLIC_URL: "https://lockstep.example", HOST: "10.0.0.5" })).toBe("10.0.0.5");
});

test("an emulator may stand in for either system, on any port and under any path", () => {
  const config = readConfig({ ...LEAST, GRAPH_URL: "https://localhost:8443/graph//" });
  expect(config.graphUrl).toBe("https://localhost:8443/graph");
});

test("two webhook keys are live while one replaces the other", () => {
  const keys = { DATAVERSE_WEBHOOK_KEY: "first-first-first", DATAVERSE_WEBHOOK_KEY_NEXT: CANARY };
  const { dataverseWebhookKeys } = readConfig({ ...LEAST, ...keys });
  expect(dataverseWebhookKeys).toEqual(["first-first-first", CANARY]);
});

test("partners are read with their keys as bytes", () => {
  const PARTNERS = `phone=${WEBHOOK_SECRET}|${OTHER_SECRET}, rota=whsec_${Buffer.alloc(32, 3).toString("base64")}`;
  const { partners } = readConfig({ ...LEAST, PARTNERS });
  expect(partners).toEqual([
    { name: "phone", keys: [Buffer.alloc(24, 1), Buffer.alloc(64, 2)] },
    { name: "rota", keys: [Buffer.alloc(32, 3)] },
  ]);
});

test.each(Object.entries(GENERATED))("%s says what the table says", (path, text) => {
  expect(readFileSync(new URL(`../${path}`, import.meta.url), "utf8")).toBe(text());
});

test("[R135] the newest cache key seals: it comes first", () => {
  const previous = Buffer.alloc(32, 4).toString("base64");
  const { cacheKeys } = readConfig({ ...LEAST, CACHE_KEY, CACHE_KEY_PREVIOUS: previous });
  expect(cacheKeys.map((key) => key.toString("base64"))).toEqual([CACHE_KEY, previous]);
});

test("[R140] a reader is an app of its own, whole or not at all", () => {
  const READER_CLIENT_ID = TENANT;
  const READER_CLIENT_SECRET = CANARY;
  const READER_CLIENT_CERTIFICATE_PATH = "reader.pem";
  expect(readConfig(LEAST).reader).toBeNull();
  expect(readConfig({ ...LEAST, READER_CLIENT_ID, READER_CLIENT_SECRET }).reader).toEqual({
    kind: "secret",
    clientId: TENANT,
    secret: CANARY,
  });
  const both = { READER_CLIENT_ID, READER_CLIENT_SECRET, READER_CLIENT_CERTIFICATE_PATH };
  expect(readConfig({ ...LEAST, ...both }).reader).toMatchObject({ kind: "certificate" });
  expect(namesOf({ ...LEAST, READER_CLIENT_ID })).toEqual(["READER_CLIENT_SECRET"]);
  expect(namesOf({ ...LEAST, READER_CLIENT_SECRET })).toEqual(["READER_CLIENT_ID"]);
  expect(namesOf({ ...LEAST, READER_CLIENT_CERTIFICATE_PATH })).toEqual(["READER_CLIENT_ID"]);
});
