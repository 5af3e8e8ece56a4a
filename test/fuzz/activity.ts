import { readActivity } from "../../src/bot/entry.ts";
import { turnOf } from "../../src/bot/turn.ts";
import { parseJson } from "../../src/http/json.ts";
import { type Grammar, type Outcome, REFUSED, taken } from "./grammar.ts";
import { materialOf } from "./mutate.ts";
import { member, shapeOf, stringIn, understood } from "./shape.ts";
import type { Tree } from "./tree.ts";

/** Over HTTP these two are replaced by what the token says and by the emulated tenant. */
export const ADDRESS = "https://smba.trafficmanager.net/fuzz/";
export const TENANT = "84bd8158-6d4d-4958-8b9f-9d6445542f95";

const USER = "6b5a5cf0-9a5e-4b57-9a2a-7f5d4b9a0001";

/** As Teams sends them (Microsoft: "Conversation basics", "Universal Actions", "Search commands"). */
const MESSAGE = {
  type: "message",
  id: "1485983408511",
  timestamp: "2026-11-20T10:00:00.000Z",
  localTimestamp: "2026-11-20T11:00:00.000+01:00",
  localTimezone: "Europe/Berlin",
  serviceUrl: ADDRESS,
  channelId: "msteams",
  from: {
    id: "29:1XJKJMvc5GBtc2JwZq0oj8tHZmzrQgFmB25ATiQWA85gQtHieVkKilBZ9XHoq9j7",
    name: "M",
    aadObjectId: USER,
  },
  conversation: {
    conversationType: "personal",
    id: "a:17I0kl8EkpE1O9PH5TWrzrLNwnWWcfrU",
    tenantId: TENANT,
  },
  recipient: { id: "28:c9e8c047-2a34-40a1-b28a-b162d5f5327c", name: "Lockstep" },
  locale: "en-US",
  channelData: { tenant: { id: TENANT } },
  text: "help",
};
const CHANNEL = {
  ...MESSAGE,
  conversation: {
    isGroup: true,
    conversationType: "channel",
    id: "19:253b1f341670408fb6fe51050b6e5ceb@thread.tacv2;messageid=1485983194839",
    tenantId: TENANT,
  },
  channelData: {
    teamsChannelId: "19:253b1f341670408fb6fe51050b6e5ceb@thread.tacv2",
    tenant: { id: TENANT },
  },
  entities: [
    { type: "mention", mentioned: { id: "28:c9e8", name: "Lockstep" }, text: "<at>Lockstep</at>" },
  ],
  text: "<at>Lockstep</at> who is available",
};
const PRESS = {
  ...MESSAGE,
  type: "invoke",
  name: "adaptiveCard/action",
  value: {
    action: { type: "Action.Execute", verb: "status", data: { ref: "eyJjIjp7fX0.c2VhbA" } },
    trigger: "manual",
  },
};
const SEARCH = {
  ...MESSAGE,
  type: "invoke",
  name: "composeExtension/query",
  value: {
    commandId: "findRep",
    parameters: [{ name: "name", value: "an" }],
    queryOptions: { skip: 0, count: 25 },
  },
};
const LINK = {
  ...MESSAGE,
  type: "invoke",
  name: "composeExtension/queryLink",
  value: { url: "https://lockstep.example/#/reps/6b5a5cf0-9a5e-4b57-9a2a-7f5d4b9a0001" },
};
const INSTALLED = { ...MESSAGE, type: "installationUpdate", action: "add", text: undefined };
const REMOVED = {
  ...MESSAGE,
  type: "conversationUpdate",
  membersRemoved: [{ id: "28:c9e8c047-2a34-40a1-b28a-b162d5f5327c" }],
};
const SUBMITTED = { ...MESSAGE, text: "", value: { verb: "status", ref: "eyJjIjp7fX0.c2VhbA" } };

const KEYS = new Set([
  "type",
  "id",
  "channelId",
  "serviceUrl",
  "from",
  "aadObjectId",
  "conversation",
  "conversationType",
  "tenantId",
  "tenant",
  "recipient",
  "locale",
  "localTimestamp",
  "localTimezone",
  "channelData",
  "text",
  "value",
  "name",
  "membersRemoved",
  "entities",
  "parameters",
  "data",
]);
const WORDS = [
  "message",
  "invoke",
  "event",
  "conversationUpdate",
  "installationUpdate",
  "adaptiveCard/action",
  "composeExtension/query",
  "composeExtension/queryLink",
  "composeExtension/selectItem",
  "findQueue",
  "personal",
  "groupChat",
  "channel",
  "remove",
  ADDRESS,
  "http://169.254.169.254/",
  TENANT,
  "00000000-0000-0000-0000-000000000000",
  USER,
  "de-DE",
  "status Nadia",
  "<at>Lockstep</at> set Nadia busy until 17:30 because of training",
  "19:x@thread.tacv2;messageid=1",
] as const;

const isNothing = (tree: Tree | undefined): boolean =>
  tree === undefined || (tree.kind === "leaf" && tree.text === "null");

/** A text that must be there. */
const filled = (tree: Tree | undefined): string | null => stringIn(tree) || null;

/** True when there is none, or it is a text. */
const isTextIfAny = (tree: Tree | undefined): boolean =>
  tree === undefined || stringIn(tree) !== null;

type Account = { readonly id: string; readonly name: string; readonly objectId: string };

function accountIn(tree: Tree | undefined): Account | null {
  const id = filled(member(tree, "id"));
  const [name, objectId] = [member(tree, "name"), member(tree, "aadObjectId")];
  const wrong = [name, objectId].some((one) => !isNothing(one) && stringIn(one) === null);
  if (id === null || wrong) return null;
  return { id, name: stringIn(name) ?? "", objectId: (stringIn(objectId) ?? "").toLowerCase() };
}

/** What the tenant is called by the channel's data; `null` when it calls it nothing. */
function tenantIn(channelData: Tree | undefined): string | null {
  const tenant = member(channelData, "tenant");
  return tenant?.kind === "object" ? stringIn(member(tenant, "id")) : null;
}

const isList = (tree: Tree | undefined, good: (item: Tree) => boolean): boolean =>
  tree?.kind === "array" && tree.items.every(good);

/** Printable ASCII, as it may stand in a header. */
const isPrintable = (text: string): boolean =>
  text.split("").every((sign) => sign > " " && sign <= "~");

function isEntity(item: Tree): boolean {
  const type = stringIn(member(item, "type"));
  const mentioned = member(item, "mentioned");
  const isKnown = mentioned?.kind === "object" && stringIn(member(mentioned, "id")) !== null;
  const isNeeded = type?.toLowerCase() === "mention" || mentioned !== undefined;
  return type !== null && isTextIfAny(member(item, "text")) && (isKnown || !isNeeded);
}

/** The parts of which only the shape matters. */
function isWellShaped(body: Tree): boolean {
  const of = (name: string): Tree | undefined => member(body, name);
  const texts = [of("name"), of("text")].every((one) => isNothing(one) || stringIn(one) !== null);
  const entities = of("entities");
  const removed = of("membersRemoved");
  const parameters = member(of("value"), "parameters");
  const isParameter = (item: Tree): boolean => {
    const name = member(item, "name");
    return item.kind === "object" && (isNothing(name) || stringIn(name) !== null);
  };
  const isMember = (item: Tree): boolean => stringIn(member(item, "id")) !== null;
  return (
    texts &&
    (entities === undefined || isList(entities, isEntity)) &&
    (isNothing(removed) || isList(removed, isMember)) &&
    (isNothing(parameters) || isList(parameters, isParameter))
  );
}

function minutesAhead(localTimestamp: string): number {
  const [sign = "", ...rest] = localTimestamp.slice(-6);
  const [h1 = "", h2 = "", colon, m1 = "", m2 = ""] = rest;
  const digits = [h1, h2, m1, m2];
  const isOne = colon === ":" && digits.every((digit) => digit >= "0" && digit <= "9");
  if (!isOne || (sign !== "+" && sign !== "-") || rest.length !== 5) return 0;
  const minutes = Number(h1 + h2) * 60 + Number(m1 + m2);
  return sign === "-" ? -minutes : minutes;
}

function judge(tree: Tree | null): Outcome {
  if (tree === null) return REFUSED;
  const { depth, keys, names } = shapeOf(tree);
  const reaches = ["__proto__", "constructor", "prototype"].some((name) => names.has(name));
  if (depth > 32 || keys > 10_000 || reaches) return REFUSED;
  const body = understood(tree);
  const of = (name: string): Tree | undefined => member(body, name);
  const [type, channel, address] = ["type", "channelId", "serviceUrl"].map((name) =>
    filled(of(name)),
  );
  const [from, recipient] = [accountIn(of("from")), accountIn(of("recipient"))];
  const conversation = of("conversation");
  const conversationId = filled(member(conversation, "id"));
  const [kind, tenant] = ["conversationType", "tenantId"].map((name) => member(conversation, name));
  const optional = [of("id"), of("locale"), of("localTimestamp"), kind, tenant];
  if (!type || !channel || !address || !from || !recipient || !conversationId) return REFUSED;
  if (!optional.every(isTextIfAny) || address !== ADDRESS || !isWellShaped(body)) return REFUSED;
  if (!isPrintable(conversationId) || !isPrintable(stringIn(of("id")) ?? "")) return REFUSED;
  const tenants = [stringIn(tenant), tenantIn(of("channelData"))].filter((one) => one !== null);
  if (tenants.length === 0 || tenants.some((one) => one.toLowerCase() !== TENANT)) return REFUSED;
  if (from.objectId === "") return taken({ type, turn: null });
  const place = stringIn(kind);
  const turn = {
    id: stringIn(of("id")) ?? "",
    place: place === "channel" || place === "groupChat" ? place : "personal",
    conversationId: `${conversationId};`.slice(0, `${conversationId};`.indexOf(";")),
    objectId: from.objectId,
    userId: from.id,
    name: from.name,
    locale: stringIn(of("locale")),
    offsetMinutes: minutesAhead(stringIn(of("localTimestamp")) ?? ""),
    timeZone: stringIn(of("localTimezone")),
  };
  return taken({ type, turn });
}

/** Microsoft: "Activity schema" of the Bot Framework, as Teams uses it. */
export const ACTIVITY: Grammar = {
  name: "Teams activity",
  encoding: "strict",
  material: materialOf(
    [MESSAGE, CHANNEL, PRESS, SEARCH, LINK, INSTALLED, REMOVED, SUBMITTED].map((activity) =>
      JSON.stringify(activity),
    ),
    { keys: KEYS, words: WORDS },
  ),
  decode: (body) => {
    const read = readActivity(body, ADDRESS, {
      parse: (bytes) => parseJson(bytes, { strict: false }),
      serviceHosts: [new URL(ADDRESS).hostname],
      tenantId: TENANT,
    });
    if ("refused" in read) return REFUSED;
    const { activity } = read;
    return taken({ type: activity.type, turn: turnOf(activity) });
  },
  judge,
  route: {
    path: "/api/messages",
    maxBytes: 256 * 1024,
    headers: (_body, _id, { botToken }) => ({ authorization: `Bearer ${botToken}` }),
    answers: ({ refused }) => (refused ? [400, 401] : [200]),
  },
};
