import { readFile } from "node:fs/promises";
import { decodeWebhook } from "../../src/connectors/dynamics/webhook.ts";
import { type Grammar, type Outcome, REFUSED, taken } from "./grammar.ts";
import { materialOf } from "./mutate.ts";
import { guidIn, member, shapeOf, stringIn, understood } from "./shape.ts";
import type { Tree } from "./tree.ts";

const KEYS = new Set([
  "MessageName",
  "PrimaryEntityName",
  "PrimaryEntityId",
  "OrganizationId",
  "OrganizationName",
  "IsInTransaction",
  "InputParameters",
  "Target",
  "Attributes",
  "msdyn_agentid",
  "msdyn_currentpresenceid",
]);

const WORDS = [
  "msdyn_agentstatus",
  "msdyn_agentid",
  "msdyn_currentpresenceid",
  "Target",
  "Create",
  "Update",
  "Delete",
  "account",
  "97c90b02-4e38-ef11-a315-000d3a5a54dc",
  "00000000-0000-0000-0000-000000000000",
  "3d1feef9-604d-ef11-bfe3-6045bd03d9d8",
  "6042beb1-a93a-ef11-8e4b-00224802c699",
] as const;

type Pair = { readonly key: string };
type Context = {
  readonly InputParameters: readonly { readonly value: { readonly Attributes: readonly Pair[] } }[];
};

const fixture = (name: string): Promise<string> =>
  readFile(new URL(`../fixtures/msdyn_agentstatus.${name}.json`, import.meta.url), "utf8");

const published = await Promise.all(
  ["update.async", "create.sync", "update.newer-page"].map(fixture),
);

/** The published bodies with the attributes that count only: there nearly every mutation hits. */
const essences = published.map((text) => {
  const { InputParameters, ...context } = JSON.parse(text) as Context;
  const all = InputParameters[0]?.value.Attributes ?? [];
  const Attributes = all.filter(({ key }) => KEYS.has(key) || key === "modifiedon");
  const scalars = Object.entries(context).filter(([, value]) => typeof value !== "object");
  const parameters = [{ key: "Target", value: { Attributes } }];
  return JSON.stringify({ ...Object.fromEntries(scalars), InputParameters: parameters });
});

/** The value of the first pair of that name; what has no value is no pair. */
function inPairs(list: Tree | undefined, key: string): Tree | undefined {
  const pairs = list?.kind === "array" ? list.items : [];
  const named = pairs.filter((pair) => stringIn(member(pair, "key")) === key);
  return named.map((pair) => member(pair, "value")).find((value) => value !== undefined);
}

function judge(tree: Tree | null): Outcome {
  if (tree === null) return REFUSED;
  const body = understood(tree);
  const { depth, members, names } = shapeOf(body);
  if (depth > 32 || members > 10_000 || names.has("__proto__")) return REFUSED;
  const message = stringIn(member(body, "MessageName"));
  const table = stringIn(member(body, "PrimaryEntityName"));
  const row = guidIn(member(body, "PrimaryEntityId"));
  if (message === null || table === null || row === null) return REFUSED;
  if (table.toLowerCase() !== "msdyn_agentstatus") return taken("ignored");
  if (!["Create", "Update"].includes(message)) return taken("ignored");
  const organizationName = stringIn(member(body, "OrganizationName"));
  const inTransaction = member(body, "IsInTransaction");
  const attributes = member(inPairs(member(body, "InputParameters"), "Target"), "Attributes");
  const reference = (key: string): string | null => guidIn(member(inPairs(attributes, key), "Id"));
  return taken({
    kind: "hint",
    rep: reference("msdyn_agentid"),
    agentStatusId: row,
    organizationId: guidIn(member(body, "OrganizationId")),
    organizationName:
      organizationName !== null && organizationName.length <= 256 ? organizationName : null,
    inTransaction: inTransaction?.kind === "leaf" && inTransaction.text === "true",
    message,
    presenceId: reference("msdyn_currentpresenceid"),
    loggedIn: truthIn(inPairs(attributes, "msdyn_isagentloggedin")),
    modifiedBy: shortIn(inPairs(attributes, "msdyn_presencemodifiedby")),
    modifiedAtMs:
      momentIn(inPairs(attributes, "msdyn_presencemodifiedonwithmilliseconds")) ??
      momentIn(inPairs(attributes, "msdyn_presencemodifiedon")),
    hasColumns: attributes?.kind === "array" && attributes.items.length > 0,
  });
}

function truthIn(tree: Tree | undefined): boolean | null {
  if (tree?.kind !== "leaf" || !["true", "false"].includes(tree.text)) return null;
  return tree.text === "true";
}

function shortIn(tree: Tree | undefined): string | null {
  const text = stringIn(tree);
  return text !== null && text.length <= 256 ? text : null;
}

/** A date as JavaScript reads it, or as DataContract writes it: milliseconds between slashes and brackets. */
function momentIn(tree: Tree | undefined): number | null {
  const text = shortIn(tree) ?? "";
  const inner = text.startsWith("/Date(") && text.endsWith(")/") ? text.slice(6, -2) : null;
  const digits = inner?.replace(/[+-]\d{4}$/, "") ?? "";
  if (inner !== null && /^-?\d{1,16}$/.test(digits)) return Number(digits);
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** Microsoft: "Use webhooks to create external handlers for server events". */
export const DATAVERSE: Grammar = {
  name: "Dataverse RemoteExecutionContext",
  encoding: "forgiving",
  material: materialOf([...published, ...essences, ...essences], { keys: KEYS, words: WORDS }),
  decode: (body) => {
    const decoded = decodeWebhook(body);
    if (decoded.kind === "malformed") return REFUSED;
    return taken(decoded.kind === "ignored" ? "ignored" : decoded);
  },
  judge,
  route: {
    path: "/webhooks/dataverse",
    maxBytes: 512 * 1024,
    headers: (_body, _id, { webhookKey }) => ({ "x-lockstep-key": webhookKey }),
    answers: ({ refused }) => (refused ? [400] : [200]),
  },
};
