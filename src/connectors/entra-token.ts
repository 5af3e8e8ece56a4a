import { decodeProtectedHeader, errors, jwtVerify } from "jose";
import { z } from "zod";
import { createEntraKeys, type FetchKeys } from "./entra-keys.ts";

/** Why a token was refused: for the log only, its sender learns nothing but that it was. */
export type TokenRefusal =
  | "token-malformed"
  | "token-too-long"
  | "token-header"
  | "token-key-unknown"
  | "token-keys-unavailable"
  | "token-signature"
  | "token-issuer"
  | "token-audience"
  | "token-time"
  | "token-claims"
  | "token-application"
  | "token-role";

/** What a verified token says. Ids are lower-case. */
type EntraClaims = {
  /** The person or the application's service principal; `null` in the rare token that does not say. */
  readonly oid: string | null;
  /** The application that asked for the token: `appid` of version 1, `azp` of version 2. */
  readonly appId: string;
  readonly tenantId: string;
  readonly audience: string;
  readonly roles: readonly string[];
  /** Delegated permissions, from `scp`; none means that an application acts for itself. */
  readonly scopes: readonly string[];
  readonly version: "1.0" | "2.0";
};

type TokenVerdict =
  | { readonly ok: true; readonly claims: EntraClaims }
  | { readonly ok: false; readonly refusal: TokenRefusal };

/** What a route asks for beyond a token of our tenant that is meant for us. */
type TokenRequirement = {
  /** The only one of our audiences that it may be meant for. */
  readonly audience?: string;
  /** The only application that may send it. */
  readonly appId?: string;
  /** An app role that must be among `roles`. */
  readonly role?: string;
};

export type EntraTokenVerifier = {
  /** Never rejects. `token` is the bare JWT, without `Bearer`. */
  verify(token: string, requirement?: TokenRequirement): Promise<TokenVerdict>;
};

/** Who signs the validation tokens of Graph's change notifications (Microsoft: "Rich notifications"). */
export const GRAPH_NOTIFICATIONS_APP_ID = "0bf30f3b-4a52-48df-9a82-234910c4a086";

const MAX_BYTES = 16 * 1024;
const SKEW_SECONDS = 300;
/**
 * Entra writes none of these. `crit` asks for extensions, of which none is known here; `b64`, `zip` and `cty` would
 * change what was signed, and the others bring a key of their own.
 */
const FORBIDDEN_HEADERS = ["crit", "b64", "zip", "cty", "jku", "jwk", "x5u", "x5c"] as const;
const TYPES: ReadonlySet<string> = new Set(["jwt", "at+jwt"]);
/** Version 1 tokens keep the issuer's old name; China's cloud has its own. */
const CHINA = new Set(["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"]);

const id = z
  .string()
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i)
  .toLowerCase();
const claimsSchema = z.object({
  aud: z.string(),
  iss: z.string(),
  tid: id,
  iat: z.int(),
  nbf: z.int(),
  exp: z.int(),
  oid: id.nullish(),
  appid: id.optional(),
  azp: id.optional(),
  ver: z.enum(["1.0", "2.0"]),
  roles: z.array(z.string()).default([]),
  scp: z.string().default(""),
});
/** No reader of a token may see another value than we do. */
const UNIQUE = ["alg", "kid", "typ", ...Object.keys(claimsSchema.shape)];

/**
 * Checks tokens that Entra issued for us: RS256 by a key of our tenant, from our tenant, for one of our audiences,
 * and now (five minutes of clock difference are forgiven). Used for Graph's validation tokens and for the bearer
 * tokens of partners. Microsoft: "Access tokens: Validate tokens", "Claims in access tokens".
 */
export function createEntraTokenVerifier(options: {
  /** Origin of the authority, as in AUTHORITY_HOST. */
  readonly authorityHost: string;
  /** A GUID or a domain name, as in TENANT_ID. */
  readonly tenantId: string;
  /** Our application's id and its App ID URIs, in the spelling in which Entra writes them. */
  readonly audiences: readonly string[];
  readonly nowMs: () => number;
  readonly fetch: FetchKeys;
}): EntraTokenVerifier {
  const authority = options.authorityHost.replace(/\/+$/, "");
  const tenant = options.tenantId.toLowerCase();
  const keys = createEntraKeys({ ...options, authority, tenant });

  async function judge(token: string, requirement: TokenRequirement): Promise<TokenVerdict> {
    const kid = kidOf(token);
    if (kid === null) return refuse("token-header");
    const known = await keys.current();
    if (known === null) return refuse("token-keys-unavailable");
    const found = known.has(kid) ? known : await keys.lookFor(kid);
    if (found === null) return refuse("token-key-unknown");
    const { payload } = await jwtVerify(token, found.find, {
      algorithms: ["RS256"],
      issuer: Object.values(issuersOf(authority, found.tenantId)),
      audience: [...options.audiences],
      requiredClaims: ["iss", "aud", "exp", "nbf", "iat"],
      maxTokenAge: Number.MAX_SAFE_INTEGER,
      clockTolerance: SKEW_SECONDS,
      currentDate: new Date(options.nowMs()),
    });
    const parsed = claimsSchema.safeParse(payload);
    if (!parsed.success || isAmbiguous(token)) return refuse("token-claims");
    const { tid, ver, iss, aud, oid, appid, azp, roles, scp } = parsed.data;
    if (tid !== found.tenantId) return refuse("token-issuer");
    if (iss !== issuersOf(authority, found.tenantId)[ver]) return refuse("token-issuer");
    const appId = ver === "1.0" ? appid : azp;
    if (appId === undefined || (appid !== undefined && azp !== undefined && appid !== azp)) {
      return refuse("token-claims");
    }
    if (requirement.audience !== undefined && aud !== requirement.audience) {
      return refuse("token-audience");
    }
    if (requirement.appId !== undefined && appId !== requirement.appId.toLowerCase()) {
      return refuse("token-application");
    }
    if (requirement.role !== undefined && !roles.includes(requirement.role)) {
      return refuse("token-role");
    }
    const scopes = scp.split(" ").filter((scope) => scope !== "");
    const claims = { oid: oid ?? null, appId, tenantId: tid, audience: aud, roles, scopes };
    return { ok: true, claims: { ...claims, version: ver } };
  }

  return {
    async verify(token, requirement = {}) {
      if (token.length > MAX_BYTES) return refuse("token-too-long");
      if (!isWellWritten(token)) return refuse("token-malformed");
      try {
        return await judge(token, requirement);
      } catch (error) {
        return refuse(refusalOf(error));
      }
    },
  };
}

const refuse = (refusal: TokenRefusal): TokenVerdict => ({ ok: false, refusal });

/** Three parts, each written in the one way in which Base64url writes its bytes. */
function isWellWritten(token: string): boolean {
  const parts = token.split(".");
  const same = (part: string): boolean =>
    part !== "" && Buffer.from(part, "base64url").toString("base64url") === part;
  return parts.length === 3 && parts.every(same);
}

function issuersOf(authority: string, tenantId: string): Readonly<Record<"1.0" | "2.0", string>> {
  const sts = CHINA.has(new URL(authority).hostname) ? "sts.chinacloudapi.cn" : "sts.windows.net";
  return { "1.0": `https://${sts}/${tenantId}/`, "2.0": `${authority}/${tenantId}/v2.0` };
}

/** The key that the header names; `null` when anything in the header is not as Entra writes it. */
function kidOf(token: string): string | null {
  const header: Readonly<Record<string, unknown>> = decodeProtectedHeader(token);
  const { alg, typ, kid } = header;
  if (alg !== "RS256" || typeof typ !== "string" || !TYPES.has(typ.toLowerCase())) return null;
  if (FORBIDDEN_HEADERS.some((name) => Object.hasOwn(header, name))) return null;
  return typeof kid === "string" && kid.length > 0 && kid.length <= 256 ? kid : null;
}

/** True when one of the claims that decide stands in the token more than once, in whatever spelling. */
function isAmbiguous(token: string): boolean {
  const [header = "", payload = ""] = token.split(".");
  return [header, payload].some((part) => {
    const text = Buffer.from(part, "base64url").toString("utf8");
    const strings = [...text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?/g)];
    const names = strings.flatMap(([, literal = "", colon]) =>
      colon === undefined ? [] : [JSON.parse(literal) as string],
    );
    return UNIQUE.some((name) => names.indexOf(name) !== names.lastIndexOf(name));
  });
}

function refusalOf(error: unknown): TokenRefusal {
  if (error instanceof errors.JWTExpired) return "token-time";
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === "iss") return "token-issuer";
    if (error.claim === "aud") return "token-audience";
    return ["exp", "nbf", "iat"].includes(error.claim) ? "token-time" : "token-claims";
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return "token-signature";
  return "token-malformed";
}
