import { createHmac, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import type { JWK } from "jose";

/** A genuine token taken apart, and its issuer's own key to sign something else with. */
export type Issuer = {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>> & {
    readonly iss: string;
    readonly aud: string;
  };
  readonly nowSeconds: number;
  /** RSA, as the issuer publishes it. */
  readonly publicKey: JWK;
  /** Signs two texts, as a rule of JSON, with the key that the issuer uses just now. */
  readonly signText: (header: string, payload: string) => Promise<string>;
};

/** What about the token is wrong. */
export type Flaw = "form" | "header" | "signature" | "issuer" | "audience" | "time" | "claims";

/** One row: a token that every verifier of that issuer must refuse. */
export type Negative = {
  readonly flaw: Flaw;
  readonly what: string;
  readonly token: (issuer: Issuer) => string | Promise<string>;
};

const encode = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

const STRANGER = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** Signed by somebody who is not the issuer. */
function byStranger(header: unknown, claims: unknown): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), STRANGER.privateKey).toString("base64url")}`;
}

/** Signed by the issuer, with these members of the header changed; `undefined` takes one away. */
const headed = (what: string, change: Readonly<Record<string, unknown>>): Negative => ({
  flaw: "header",
  what: `header ${what}`,
  token: ({ header, claims, signText }) =>
    signText(JSON.stringify({ ...header, ...change }), JSON.stringify(claims)),
});

/** Signed by the issuer, with these claims changed. */
export const claiming = (
  flaw: Flaw,
  what: string,
  change: (issuer: Issuer) => Readonly<Record<string, unknown>>,
): Negative => ({
  flaw,
  what,
  token: (issuer) =>
    issuer.signText(
      JSON.stringify(issuer.header),
      JSON.stringify({ ...issuer.claims, ...change(issuer) }),
    ),
});

/** Signed by the issuer, but its JSON is not what JSON.stringify would write. */
export const written = (
  flaw: Flaw,
  what: string,
  texts: (header: string, payload: string, issuer: Issuer) => readonly [string, string],
): Negative => ({
  flaw,
  what,
  token: (issuer) =>
    issuer.signText(...texts(JSON.stringify(issuer.header), JSON.stringify(issuer.claims), issuer)),
});

/** The genuine token with its text changed. */
const respelt = (
  flaw: Flaw,
  what: string,
  change: (parts: readonly [string, string, string], issuer: Issuer) => string,
): Negative => ({
  flaw,
  what,
  token: async (issuer) => {
    const genuine = await issuer.signText(
      JSON.stringify(issuer.header),
      JSON.stringify(issuer.claims),
    );
    const [header = "", payload = "", signature = ""] = genuine.split(".");
    return change([header, payload, signature], issuer);
  },
});

/** HMAC with something public in place of a secret: the confusion of a verifier that believes `alg`. */
const confused = (what: string, secretOf: (jwk: JWK) => string | Buffer): Negative => ({
  flaw: "header",
  what: `HS256 with ${what} as its secret`,
  token: ({ header, claims, publicKey }) => {
    const signed = `${encode({ ...header, alg: "HS256" })}.${encode(claims)}`;
    const hmac = createHmac("sha256", secretOf(publicKey)).update(signed);
    return `${signed}.${hmac.digest("base64url")}`;
  },
});

const published = (jwk: JWK) => createPublicKey({ key: jwk, format: "jwk" });

const ALGORITHMS = [
  "none",
  "None",
  "HS256",
  "PS256",
  "RS384",
  "RS512",
  "ES256",
  "EdDSA",
  "rs256",
  "RS256 ",
  "",
  null,
  7,
  ["RS256"],
];
const KIDS = [
  "",
  "unknown",
  "../../../../dev/null",
  "/etc/passwd",
  "__proto__",
  "' or 1=1 --",
  "\u0000",
  "k".repeat(300),
  null,
  7,
  ["a"],
  { a: 1 },
];
const TYPS = ["JOSE", "secevent+jwt", "at", "JWT\u0000", "", "dpop+jwt", null, 7, ["JWT"]];

const HEADERS: readonly Negative[] = [
  ...ALGORITHMS.map((alg) => headed(`alg ${JSON.stringify(alg)}`, { alg })),
  headed("without alg", { alg: undefined }),
  ...KIDS.map((kid) => headed(`kid ${JSON.stringify(kid).slice(0, 20)}`, { kid })),
  headed("without kid", { kid: undefined }),
  ...TYPS.map((typ) => headed(`typ ${JSON.stringify(typ)}`, { typ })),
  headed("without typ", { typ: undefined }),
  headed("crit of a known claim", { crit: ["exp"] }),
  headed("crit of nothing", { crit: [] }),
  headed("crit b64", { crit: ["b64"], b64: false }),
  headed("crit of an unknown extension", { crit: ["urn:x"], "urn:x": true }),
  headed("b64 false", { b64: false }),
  headed("b64 true", { b64: true }),
  headed("zip", { zip: "DEF" }),
  headed("cty of a nested token", { cty: "JWT" }),
  headed("jku", { jku: "https://evil.example/keys" }),
  headed("x5u", { x5u: "https://evil.example/certificate" }),
  confused("the published key as PEM", (jwk) =>
    published(jwk).export({ type: "spki", format: "pem" }),
  ),
  confused("the published key as DER", (jwk) =>
    published(jwk).export({ type: "spki", format: "der" }),
  ),
  confused("the published key as JWK", (jwk) => JSON.stringify(jwk)),
  confused("the modulus", ({ n = "" }) => Buffer.from(n, "base64url")),
  confused("nothing", () => ""),
  written("header", "alg twice in the header", (header, payload) => [
    header.replace("{", '{"alg":"none",'),
    payload,
  ]),
  written("header", "a header that is a list", (header, payload) => [`[${header}]`, payload]),
  written("header", "a header that is no JSON", (header, payload) => [header.slice(1), payload]),
  written("header", "an empty header", (_header, payload) => ["{}", payload]),
];

const stolen = (
  what: string,
  change: (jwk: JWK) => Readonly<Record<string, unknown>>,
): Negative => ({
  flaw: "signature",
  what: `signed by a stranger, ${what}`,
  token: ({ header, claims }) =>
    byStranger({ ...header, ...change(STRANGER.publicKey.export({ format: "jwk" })) }, claims),
});

const SIGNATURES: readonly Negative[] = [
  stolen("under the issuer's kid", () => ({})),
  stolen("who brings the key along", (jwk) => ({ jwk })),
  stolen("who says where the key is", () => ({ jku: "https://evil.example/keys" })),
  stolen("who says where the certificate is", () => ({ x5u: "https://evil.example/cert" })),
  stolen("who brings a certificate along", (jwk) => ({ x5c: [jwk.n] })),
  stolen("under a kid of his own", () => ({ kid: "mine" })),
  respelt("signature", "unsigned", ([header, payload]) => `${header}.${payload}.`),
  respelt(
    "signature",
    "alg none, unsigned",
    ([, payload], { header }) => `${encode({ ...header, alg: "none" })}.${payload}.`,
  ),
  respelt(
    "signature",
    "alg none, with the old signature",
    ([, payload, signature], { header }) =>
      `${encode({ ...header, alg: "none" })}.${payload}.${signature}`,
  ),
  respelt(
    "signature",
    "one character of the signature changed",
    ([header, payload, signature]) =>
      `${header}.${payload}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`,
  ),
  respelt(
    "signature",
    "half a signature",
    ([header, payload, signature]) => `${header}.${payload}.${signature.slice(0, 170)}`,
  ),
  respelt(
    "signature",
    "a signature of zeros",
    ([header, payload]) => `${header}.${payload}.${Buffer.alloc(256).toString("base64url")}`,
  ),
  respelt(
    "signature",
    "other claims under the signature",
    ([header, , signature], { claims }) =>
      `${header}.${encode({ ...claims, exp: 9_999_999_999 })}.${signature}`,
  ),
  respelt(
    "signature",
    "another header over the signature",
    ([, payload, signature], { header }) =>
      `${encode({ ...header, x: 1 })}.${payload}.${signature}`,
  ),
];

const FORMS: readonly Negative[] = [
  respelt("form", "nothing", () => ""),
  respelt("form", "two parts", ([header, payload]) => `${header}.${payload}`),
  respelt("form", "four parts", (parts) => `${parts.join(".")}.a`),
  respelt("form", "five parts, like a JWE", (parts) => `${parts.join(".")}.a.b`),
  respelt("form", "Bearer before it", (parts) => `Bearer ${parts.join(".")}`),
  respelt("form", "a blank before it", (parts) => ` ${parts.join(".")}`),
  respelt("form", "a line feed after it", (parts) => `${parts.join(".")}\n`),
  respelt("form", "NUL after it", (parts) => `${parts.join(".")}\u0000`),
  respelt(
    "form",
    "padding",
    ([header, payload, signature]) => `${header}.${payload}.${signature}==`,
  ),
  respelt(
    "form",
    "plain Base64",
    ([header, payload, signature]) =>
      `${header}.${payload}.${Buffer.from(signature, "base64url").toString("base64")}`,
  ),
  respelt(
    "form",
    "the signature in another spelling of the same bytes",
    ([header, payload, signature]) =>
      `${header}.${payload}.${signature.slice(0, -1)}${String.fromCharCode(signature.charCodeAt(signature.length - 1) + 1)}`,
  ),
  respelt("form", "full-width letters", (parts) => parts.join(".").replace("e", "ｅ")),
  respelt("form", "64 KB of it", (parts) => parts.join(".").padEnd(65_536, "A")),
  claiming("form", "64 KB of claims", () => ({ padding: "x".repeat(65_536) })),
  written("claims", "claims that are no JSON", (header, payload) => [header, payload.slice(1)]),
  written("claims", "claims in a list", (header, payload) => [header, `[${payload}]`]),
  written("claims", "claims that are null", (header) => [header, "null"]),
  written("claims", "claims that are a text", (header) => [header, '"claims"']),
  written("issuer", "no claims", (header) => [header, "{}"]),
  {
    flaw: "claims",
    what: "a token inside a token",
    token: async ({ header, claims, signText }) =>
      signText(
        JSON.stringify(header),
        await signText(JSON.stringify(header), JSON.stringify(claims)),
      ),
  },
];

/** Every way to write a text wrongly that some comparison has once let through. */
const TWISTED: readonly (readonly [what: string, (text: string) => unknown])[] = [
  ["missing", () => undefined],
  ["null", () => null],
  ["a number", () => 7],
  ["an object", (text) => ({ value: text })],
  ["a list that holds it", (text) => [text]],
  ["a list that also holds it", (text) => ["https://evil.example", text]],
  ["empty", () => ""],
  ["with something after it", (text) => `${text}.evil.example`],
  ["with something before it", (text) => `https://evil.example/${text}`],
  [
    "with a final slash more, or less",
    (text) => (text.endsWith("/") ? text.slice(0, -1) : `${text}/`),
  ],
  ["in capitals", (text) => text.toUpperCase()],
  ["with a blank", (text) => `${text} `],
  ["with NUL", (text) => `${text}\u0000`],
  ["cut", (text) => text.slice(0, -2)],
  ["with a homoglyph", (text) => text.replace("e", "е")],
];

const NAMES: readonly Negative[] = TWISTED.flatMap(([what, twist]) => [
  claiming("issuer", `iss ${what}`, ({ claims }) => ({ iss: twist(claims.iss) })),
  claiming("audience", `aud ${what}`, ({ claims }) => ({ aud: twist(claims.aud) })),
]);

const TIMES: readonly Negative[] = [
  claiming("time", "exp 301 seconds ago", ({ nowSeconds }) => ({ exp: nowSeconds - 301 })),
  claiming("time", "exp years ago", () => ({ exp: 1 })),
  claiming("time", "exp in milliseconds of 1970", () => ({ exp: -1 })),
  claiming("time", "nbf in 301 seconds", ({ nowSeconds }) => ({ nbf: nowSeconds + 301 })),
  claiming("time", "iat in 301 seconds", ({ nowSeconds }) => ({ iat: nowSeconds + 301 })),
  ...["exp", "nbf", "iat"].flatMap((claim) => [
    claiming("time", `${claim} missing`, () => ({ [claim]: undefined })),
    claiming("time", `${claim} null`, () => ({ [claim]: null })),
    claiming("time", `${claim} as a text`, ({ nowSeconds }) => ({ [claim]: String(nowSeconds) })),
    claiming("time", `${claim} in a list`, ({ nowSeconds }) => ({ [claim]: [nowSeconds] })),
    claiming("time", `${claim} true`, () => ({ [claim]: true })),
  ]),
  written("time", "exp beyond all numbers", (header, payload) => [
    header,
    payload.replace(/"exp":\d+/, '"exp":1e999'),
  ]),
];

/** One claim twice: two readers could see two tokens. */
const TWICE: readonly Negative[] = ["iss", "aud", "exp"].flatMap((claim) => [
  written("claims", `${claim} twice, ours last`, (header, payload) => [
    header,
    payload.replace("{", `{"${claim}":1,`),
  ]),
  written("claims", `${claim} twice, ours last, once with an escape`, (header, payload) => [
    header,
    payload.replace("{", `{"\\u00${claim.charCodeAt(0).toString(16)}${claim.slice(1)}":1,`),
  ]),
]);

/** Whoever the issuer is. The Bot Framework's and both of Entra's are held against these. */
export const NEGATIVES: readonly Negative[] = [
  ...HEADERS,
  ...SIGNATURES,
  ...FORMS,
  ...NAMES,
  ...TIMES,
  ...TWICE,
];
