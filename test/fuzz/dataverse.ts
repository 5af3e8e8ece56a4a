import { readFile } from "node:fs/promises";
import { decodeWebhook } from "../../src/connectors/dynamics/webhook.ts";
import { type Grammar, type Outcome, REFUSED, taken } from "./grammar.ts";
import { materialOf } from "./mutate.ts";
import { guidIn, member, shapeOf, stringIn, textOf } from "./shape.ts";
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

/** A body as JSON understands it: of a key given twice, the last one counts. */
function understood(tree: Tree): Tree {
  if (tree.kind === "leaf") return tree;
  if (tree.kind === "array") return { kind: "array", items: tree.items.map(understood) };
  const last = new Map(tree.entries.map(([text, value]) => [textOf(text), value]));
  const entries = [...last].map(
    ([name, value]) => [JSON.stringify(name), understood(value)] as const,
  );
  return { kind: "object", entries };
}

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
  });
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
