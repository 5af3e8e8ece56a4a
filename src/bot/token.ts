import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { z } from "zod";
import type { ParsedJson } from "../http/json.ts";

export type TokenRules = {
  /** Where the issuer's keys are found: Bot Framework's OpenID document. */
  readonly metadataUrl: string;
  readonly issuer: string;
  /** The bot's app id: nobody else's tokens are taken. */
  readonly appId: string;
  readonly nowMs: () => number;
  /** Refuses a key that is given twice. */
  readonly parseStrictly: (json: Buffer) => ParsedJson;
};

/** What a verified token says, as far as anybody looks at it. */
type Verified = { readonly appId: string; readonly serviceUrl: string };

/** Checks the token of a request from Teams. `null`: it is refused; which of its faults it was is nobody's business. */
export type VerifyToken = (authorization: string) => Promise<Verified | null>;

const CHANNEL = "msteams";
const SKEW_SECONDS = 300;
const KEYS_KEPT_MS = 24 * 3_600_000;
/** A key that nobody knows makes us look again, but not for everybody who invents one. */
const LOOK_AGAIN_MS = 5 * 60_000;
const TIMEOUT_MS = 10_000;
const LONGEST_TOKEN = 16_384;

const metadata = z.object({ issuer: z.string(), jwks_uri: z.url() });
const keySet = z.object({
  keys: z.array(
    z.looseObject({
      kty: z.string(),
      kid: z.string(),
      endorsements: z.array(z.string()).optional(),
    }),
  ),
});
/** Teams writes none of these: they change what was signed, or bring a key of their own. */
const FORBIDDEN_HEADERS = ["crit", "b64", "zip", "cty", "jku", "jwk", "x5u", "x5c"];

type Keys = { readonly set: z.output<typeof keySet>; readonly readAtMs: number };

/**
 * Microsoft: "Authentication with the Bot Connector API", connector to bot. Signed with RS256 by a key that is endorsed
 * for Teams, by the issuer, for this bot, in time, and bound to a service address. The SDK's own check is not used: it
 * also takes the emulator's tokens, and activities without an address, and answers some bad tokens with 500.
 */
export function createVerifier(rules: TokenRules): VerifyToken {
  const { metadataUrl, issuer, appId, nowMs, parseStrictly } = rules;
  let keys: Keys | null = null;
  let flight: Promise<Keys> | null = null;
  let triedAtMs = -Infinity;

  const read = async (url: string): Promise<unknown> => {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: "error",
    });
    if (!response.ok) throw new Error(`the keys answered ${response.status}`);
    return response.json();
  };
  const readKeys = async (): Promise<Keys> => {
    const { jwks_uri } = metadata.parse(await read(metadataUrl));
    return { set: keySet.parse(await read(jwks_uri)), readAtMs: nowMs() };
  };
  const refresh = (): Promise<Keys> => {
    triedAtMs = nowMs();
    flight ??= readKeys()
      .then((fresh) => (keys = fresh))
      .finally(() => (flight = null));
    return flight;
  };
  const keyOf = async (kid: string): Promise<Keys["set"]["keys"][number] | null> => {
    const find = (from: Keys | null) => from?.set.keys.find((key) => key.kid === kid) ?? null;
    const isOld = keys === null || nowMs() - keys.readAtMs > KEYS_KEPT_MS;
    if (!isOld && find(keys)) return find(keys);
    if (keys !== null && nowMs() - triedAtMs < LOOK_AGAIN_MS) return find(keys);
    try {
      return find(await refresh());
    } catch (error) {
      if (keys === null) throw error;
      return find(keys);
    }
  };

  return async (authorization) => {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/.exec(authorization)?.[1];
    if (token === undefined || token.length > LONGEST_TOKEN) return null;
    try {
      if (!isPlain(token, parseStrictly)) return null;
      const header = decodeProtectedHeader(token);
      const { kid, alg, typ } = header;
      if (typeof kid !== "string" || alg !== "RS256" || typ?.toLowerCase() !== "jwt") return null;
      if (FORBIDDEN_HEADERS.some((name) => name in header)) return null;
      const key = await keyOf(kid);
      if (!key?.endorsements?.includes(CHANNEL)) return null;
      const local = createLocalJWKSet({ keys: [key] });
      const { payload } = await jwtVerify(token, local, {
        algorithms: ["RS256"],
        issuer,
        audience: appId,
        clockTolerance: SKEW_SECONDS,
        currentDate: new Date(nowMs()),
        requiredClaims: ["exp", "iss", "aud"],
      });
      if (typeof payload.aud !== "string" || !Number.isSafeInteger(payload.exp)) return null;
      const { serviceurl, serviceUrl } = payload as { serviceurl?: unknown; serviceUrl?: unknown };
      const address = serviceurl ?? serviceUrl;
      return typeof address === "string" ? { appId, serviceUrl: address } : null;
    } catch {
      return null;
    }
  };
}

/** One spelling only, and nothing given twice: no other reader of the token may see another one. */
function isPlain(token: string, parse: TokenRules["parseStrictly"]): boolean {
  const parts = token.split(".");
  const isOne = parts.every(
    (part) => Buffer.from(part, "base64url").toString("base64url") === part,
  );
  const [header = "", payload = ""] = parts;
  return isOne && [header, payload].every((part) => parse(Buffer.from(part, "base64url")).ok);
}
