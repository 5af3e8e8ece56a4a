import { decodeDelivery } from "../../src/connectors/teams/notification.ts";
import { type Grammar, type Outcome, REFUSED, taken } from "./grammar.ts";
import { materialOf } from "./mutate.ts";
import { guidIn, member, shapeOf, stringIn, understood } from "./shape.ts";
import { leaf, type Tree } from "./tree.ts";

const REP = "6b5a5cf0-9a5e-4b57-9a2a-7f5d4b9a0001";
const OTHER = "6b5a5cf0-9a5e-4b57-9a2a-7f5d4b9a0002";
const SUBSCRIPTION = "7f105c7d-2dc5-4530-97cd-4e7ae6534c07";
const TENANT = "84bd8158-6d4d-4958-8b9f-9d6445542f95";

/** As Microsoft published them in "Get change notifications for presence updates" and on lifecycle events. */
const BASIC = {
  subscriptionId: SUBSCRIPTION,
  clientState: "secret",
  changeType: "updated",
  resource: `communications/presences?$filter=id+in+(%27${REP}%27)`,
  subscriptionExpirationDateTime: "2024-04-19T23:58:00.4569264",
  resourceData: {
    "@odata.type": "#Microsoft.Graph.presence",
    "@odata.id": `users/${REP}/presence`,
    id: REP,
  },
  tenantId: TENANT,
};
const RICH = {
  ...BASIC,
  encryptedContent: {
    data: "ZGF0YQ==",
    dataSignature: "c2ln",
    dataKey: "a2V5",
    encryptionCertificateId: "lockstep-1",
    encryptionCertificateThumbprint: "AB12",
  },
};
const LIFECYCLE = {
  subscriptionId: SUBSCRIPTION,
  subscriptionExpirationDateTime: "2026-11-21T09:00:00Z",
  tenantId: TENANT,
  clientState: "secret",
  lifecycleEvent: "reauthorizationRequired",
};
const DELIVERIES = [
  { value: [BASIC] },
  {
    value: [BASIC, { ...BASIC, resourceData: null, resource: `communications/presences/${OTHER}` }],
  },
  { value: [RICH], validationTokens: ["eyJ0eXAiOiJKV1QifQ.e30.c2ln"] },
  { value: [LIFECYCLE] },
  { value: [LIFECYCLE, BASIC, RICH], validationTokens: null },
];

const KEYS = new Set([
  "value",
  "subscriptionId",
  "clientState",
  "tenantId",
  "lifecycleEvent",
  "resource",
  "resourceData",
  "id",
  "encryptedContent",
  "data",
  "dataSignature",
  "dataKey",
  "encryptionCertificateId",
  "validationTokens",
]);
const WORDS = [
  REP,
  OTHER,
  SUBSCRIPTION,
  TENANT,
  "00000000-0000-0000-0000-000000000000",
  `communications/presences/${REP}`,
  `communications/presences?$filter=id in ('${REP}','${OTHER}')`,
  "reauthorizationRequired",
  "subscriptionRemoved",
  "missed",
  "organizationId",
  "secret",
] as const;

const isNothing = (tree: Tree | undefined): boolean =>
  tree === undefined || (tree.kind === "leaf" && tree.text === "null");

/** The text, if it is one and no longer than that. */
function textUpTo(limit: number, tree: Tree | undefined): string | null {
  const text = stringIn(tree);
  return text !== null && text.length <= limit ? text : null;
}

/** The one id in a resource; `null` when it names nobody, or more than one. */
function onlyId(resource: string): string | null {
  const ids: string[] = [];
  for (let at = 0; at + 36 <= resource.length; at += 1) {
    const id = guidIn(leaf(resource.slice(at, at + 36)));
    if (id === null) continue;
    ids.push(id);
    at += 35;
  }
  return ids.length === 1 ? (ids[0] ?? null) : null;
}

const SEALED = [
  ["data", 65_536],
  ["dataSignature", 65_536],
  ["dataKey", 65_536],
  ["encryptionCertificateId", 256],
] as const;

/** The encrypted part; `null` when there is none, and "broken" when it is none of Graph's. */
function sealedIn(item: Tree): Readonly<Record<string, string>> | "broken" | null {
  const content = member(item, "encryptedContent");
  if (isNothing(content)) return null;
  const parts = SEALED.map(
    ([name, limit]) => [name, textUpTo(limit, member(content, name))] as const,
  );
  if (parts.some(([, text]) => text === null)) return "broken";
  return Object.fromEntries(parts) as Readonly<Record<string, string>>;
}

/** What one item says, or `null` when it is no notification. */
function notificationIn(item: Tree): unknown {
  const subscription = textUpTo(128, member(item, "subscriptionId"));
  const event = member(item, "lifecycleEvent");
  const encrypted = sealedIn(item);
  if (!subscription || encrypted === "broken") return null;
  if (!isNothing(event) && textUpTo(64, event) === null) return null;
  const from = {
    subscriptionId: subscription.toLowerCase(),
    clientState: textUpTo(256, member(item, "clientState")),
    tenantId: guidIn(member(item, "tenantId")) ?? guidIn(member(item, "organizationId")),
  };
  if (!isNothing(event)) {
    const says = stringIn(event) ?? "";
    const known = ["reauthorizationRequired", "subscriptionRemoved", "missed"].includes(says);
    return { ...from, kind: "lifecycle", says: known ? says : "unknown" };
  }
  const resource = textUpTo(65_536, member(item, "resource")) ?? "";
  const user = guidIn(member(member(item, "resourceData"), "id")) ?? onlyId(resource);
  return user === null && encrypted === null ? null : { ...from, kind: "change", user, encrypted };
}

function judge(tree: Tree | null): Outcome {
  if (tree === null) return REFUSED;
  const body = understood(tree);
  const items = member(body, "value");
  const vouchers = member(body, "validationTokens");
  if (shapeOf(body).depth > 16 || items?.kind !== "array" || items.items.length > 10_000)
    return REFUSED;
  const tokens =
    vouchers?.kind === "array" ? vouchers.items.map((one) => textUpTo(16_384, one)) : [];
  const isList = vouchers?.kind === "array" || isNothing(vouchers);
  if (!isList || tokens.length > 100 || tokens.includes(null)) return REFUSED;
  const notifications = items.items.map(notificationIn).filter((one) => one !== null);
  const malformed = items.items.length - notifications.length;
  return taken({ notifications, malformed, tokens });
}

/** Microsoft: "changeNotificationCollection", with basic, rich and lifecycle items. */
export const GRAPH: Grammar = {
  name: "Graph change notifications",
  encoding: "forgiving",
  material: materialOf(
    DELIVERIES.map((delivery) => JSON.stringify(delivery)),
    { keys: KEYS, words: WORDS },
  ),
  decode: (body) => {
    const decoded = decodeDelivery(body);
    return "fault" in decoded ? REFUSED : taken(decoded);
  },
  judge,
  route: {
    path: "/webhooks/graph",
    maxBytes: 1024 * 1024,
    tellsNothing: true,
    headers: () => ({}),
    answers: () => [202],
  },
};
