import type { ParsedJson } from "../http/json.ts";
import type { Answer, InboundRequest, RequestHead, Route } from "../http/route.ts";
import type { VerifyToken } from "./token.ts";
import { activitySchema, tenantOf, type WireActivity } from "./turn.ts";

/** An activity of which sender, tenant and service address were checked; the result is the answer to an invoke. */
type Receive = (
  activity: WireActivity,
) => Promise<{ readonly status: number; readonly body?: unknown } | undefined>;

export type EntryOptions = {
  /** `null`: nobody is asked for a token. Only for a bot that no other computer can reach. */
  readonly verify: VerifyToken | null;
  /** Lower-case GUID. `null`: any, for the same bot only. */
  readonly tenantId: string | null;
  /** Hosts that the bot may be told to answer to; with `verify` over HTTPS only. */
  readonly serviceHosts: readonly string[];
  readonly parse: (body: Buffer) => ParsedJson;
  readonly receive: Receive;
};

/** Teams sends at most 28 KB of text, and a card's inputs with it. */
const MAX_BYTES = 256 * 1024;
const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** One answer for every way to be refused: it helps nobody to find out which it was. */
const unauthorized = (reason: string): Answer => ({
  status: 401,
  json: { code: "unauthorized" },
  reason,
});

/**
 * The activity in a body, or how it is refused. `tokenAddress` is the service address that its token was made for;
 * `null` where nobody is asked for a token.
 */
export function readActivity(
  body: Buffer,
  tokenAddress: string | null,
  { parse, serviceHosts, tenantId }: Pick<EntryOptions, "parse" | "serviceHosts" | "tenantId">,
): { readonly activity: WireActivity } | { readonly refused: Answer } {
  const parsed = parse(body);
  if (!parsed.ok) {
    const { problem } = parsed;
    return { refused: { status: 400, json: { code: problem }, reason: problem } };
  }
  const shaped = activitySchema.safeParse(parsed.value);
  if (!shaped.success) {
    const code = "bot-malformed";
    return { refused: { status: 400, json: { code }, reason: code } };
  }
  const activity = shaped.data;
  const { serviceUrl } = activity;
  if (tokenAddress !== null && tokenAddress !== serviceUrl) {
    return { refused: unauthorized("bot-address-mismatch") };
  }
  if (!isAllowed(serviceUrl, tokenAddress === null ? null : serviceHosts)) {
    return { refused: unauthorized("bot-address-unknown") };
  }
  const isForeign = tenantId !== null && tenantOf(activity) !== tenantId;
  return isForeign ? { refused: unauthorized("bot-tenant") } : { activity };
}

/** `null`: only what cannot leave this computer. */
function isAllowed(serviceUrl: string, serviceHosts: readonly string[] | null): boolean {
  const url = URL.parse(serviceUrl);
  if (!url || url.username !== "" || url.password !== "") return false;
  if (serviceHosts === null) return LOOPBACK.has(url.hostname);
  const isNamed = serviceHosts.some((host) => host.toLowerCase() === url.hostname);
  return isNamed && (url.protocol === "https:" || LOOPBACK.has(url.hostname));
}

/**
 * `POST /api/messages`. The token is checked before a byte of the body is read; then the body's shape, that it names
 * the service address that the token was made for, that this address is one of Teams, and the tenant.
 */
export function createEntry(options: EntryOptions): Route {
  const { verify, receive } = options;
  const addresses = new WeakMap<object, string>();

  const authenticate = async (head: RequestHead): Promise<Answer | null> => {
    if (!verify) return null;
    const given = head.headers.filter(([name]) => name === "authorization");
    const [first] = given;
    if (!first || given.length > 1) return unauthorized("bot-token-missing");
    const verified = await verify(first[1]);
    if (!verified) return unauthorized("bot-token-refused");
    addresses.set(head.headers, verified.serviceUrl);
    return null;
  };

  const handle = async ({ body, headers }: InboundRequest): Promise<Answer> => {
    const tokenAddress = verify ? (addresses.get(headers) ?? "") : null;
    const read = readActivity(body, tokenAddress, options);
    if ("refused" in read) return read.refused;
    const answer = await receive(read.activity);
    if (!answer) return { status: 200 };
    return answer.body === undefined
      ? { status: answer.status }
      : { status: answer.status, json: answer.body };
  };

  return {
    method: "POST",
    path: "/api/messages",
    maxBytes: MAX_BYTES,
    contentTypes: ["application/json"],
    authenticate,
    handle,
  };
}
