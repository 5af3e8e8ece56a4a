import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createEntraTokenVerifier,
  type EntraTokenVerifier,
  GRAPH_NOTIFICATIONS_APP_ID,
  type TokenRefusal,
} from "../../src/connectors/entra-token.ts";
import type { FetchKeys } from "../../src/connectors/entra-keys.ts";
import { type Entra, startEntra } from "../../src/emulators/entra/entra.ts";
import { createDice } from "../fuzz/dice.ts";
import { forge } from "../fuzz/forgery.ts";
import {
  type Flaw,
  type Issuer,
  type Negative,
  NEGATIVES,
  claiming,
  written,
} from "../fuzz/jwt-negatives.ts";

const TENANT = "5f0c6a3e-7a44-4a6f-9d5b-6f0b6f6d1c11";
const OTHER_TENANT = "11111111-7a44-4a6f-9d5b-6f0b6f6d1c11";
const CALLER = "0b1d2c3e-0000-4000-8000-000000000001";
const US = "api://lockstep.example/0b1d2c3e-0000-4000-8000-000000000002";
const US_BY_ID = "0b1d2c3e-0000-4000-8000-000000000002";
const ROLES = ["Presence.Events"];

/** A clock that stands still, and every request that was made for keys. */
type World = {
  nowMs: number;
  asked: string[];
  readonly entra: Entra;
  readonly verifier: EntraTokenVerifier;
};

const worlds: Entra[] = [];
afterAll(() => Promise.all(worlds.map((entra) => entra.close())));

async function openWorld(): Promise<World> {
  const world = { nowMs: 1_800_000_000_000, asked: [] as string[] };
  const nowMs = (): number => world.nowMs;
  const app = { clientId: CALLER, secrets: [{ value: "s" }], certificates: [], roles: ROLES };
  const entra = await startEntra({ tenantId: TENANT, apps: [app], nowMs });
  worlds.push(entra);
  const counted: FetchKeys = (url, options) => {
    world.asked.push(new URL(url).pathname);
    return fetch(url, options);
  };
  const verifier = createEntraTokenVerifier({
    authorityHost: `${entra.url}/`,
    tenantId: TENANT,
    audiences: [US, US_BY_ID],
    nowMs,
    fetch: counted,
  });
  return Object.assign(world, { entra, verifier });
}

async function tokenFrom({ entra }: World, scope: string): Promise<string> {
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: CALLER,
    client_secret: "s",
    scope: `${scope}/.default`,
  });
  const answer = await fetch(`${entra.url}/${TENANT}/oauth2/v2.0/token`, { method: "POST", body });
  return ((await answer.json()) as { readonly access_token: string }).access_token;
}

const partOf = (token: string, index: number): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split(".")[index] ?? "", "base64url").toString()) as Record<
    string,
    unknown
  >;

async function issuerOf(world: World, scope: string): Promise<Issuer> {
  const genuine = await tokenFrom(world, scope);
  const answer = await fetch(`${world.entra.url}/${TENANT}/discovery/v2.0/keys`);
  const { keys } = (await answer.json()) as { readonly keys: readonly [Issuer["publicKey"]] };
  return {
    header: partOf(genuine, 0),
    claims: partOf(genuine, 1) as Issuer["claims"],
    nowSeconds: world.nowMs / 1000,
    publicKey: keys[0],
    signText: (header, payload) => world.entra.control.signText({ header, payload }),
  };
}

const TENANT_WORDS = [
  OTHER_TENANT,
  "common",
  "",
  null,
  7,
  [TENANT],
  { tid: TENANT },
  undefined,
  "{tenantid}",
];

/** What only Entra's tokens have. */
const ENTRA_NEGATIVES: readonly Negative[] = [
  ...TENANT_WORDS.map((tid) => claiming("issuer", `tid ${JSON.stringify(tid)}`, () => ({ tid }))),
  claiming("issuer", "iss of another tenant", ({ claims }) => ({
    iss: claims.iss.replace(TENANT, OTHER_TENANT),
  })),
  claiming("issuer", "iss and tid of another tenant", ({ claims }) => ({
    iss: claims.iss.replace(TENANT, OTHER_TENANT),
    tid: OTHER_TENANT,
  })),
  claiming("issuer", "iss with the placeholder of the shared tenants", ({ claims }) => ({
    iss: claims.iss.replace(TENANT, "{tenantid}"),
  })),
  claiming("issuer", "iss of the Bot Framework", () => ({ iss: "https://api.botframework.com" })),
  claiming("issuer", "ver of the other issuer", ({ claims }) => ({
    ver: claims["ver"] === "1.0" ? "2.0" : "1.0",
    appid: CALLER,
    azp: CALLER,
  })),
  ...["3.0", 1, "", null, undefined].map((ver) =>
    claiming("claims", `ver ${JSON.stringify(ver)}`, () => ({ ver })),
  ),
  claiming("claims", "no application", () => ({ appid: undefined, azp: undefined })),
  claiming("claims", "an application that is no id", () => ({ appid: "me", azp: "me" })),
  claiming("claims", "applications in a list", () => ({ appid: [CALLER], azp: [CALLER] })),
  claiming("claims", "two applications", ({ claims }) =>
    claims["ver"] === "1.0" ? { azp: US_BY_ID } : { appid: US_BY_ID },
  ),
  claiming("claims", "roles as one text", () => ({ roles: ROLES[0] })),
  claiming("claims", "roles as numbers", () => ({ roles: [7] })),
  claiming("claims", "scp as a list", () => ({ scp: ROLES })),
  claiming("claims", "oid that is no id", () => ({ oid: "../" })),
  written("claims", "tid twice", (header, payload) => [
    header,
    payload.replace("{", `{"tid":"${OTHER_TENANT}",`),
  ]),
  written("claims", "roles twice", (header, payload) => [
    header,
    payload.replace("{", '{"roles":["Admin"],'),
  ]),
];

/** A flaw must be found where it is, or the row would prove nothing about it. */
const FOUND: Readonly<Record<Flaw, readonly TokenRefusal[]>> = {
  form: ["token-malformed", "token-too-long"],
  header: ["token-header", "token-key-unknown", "token-malformed", "token-claims"],
  signature: ["token-signature", "token-malformed", "token-header", "token-key-unknown"],
  issuer: ["token-issuer", "token-claims"],
  audience: ["token-audience", "token-claims"],
  time: ["token-time", "token-claims"],
  claims: ["token-claims", "token-malformed"],
};

describe.each([
  ["1.0", US],
  ["2.0", US_BY_ID],
])("[R102] tokens of Entra's version %s issuer", (version, audience) => {
  let world: World;
  let issuer: Issuer;
  const rows = [...NEGATIVES, ...ENTRA_NEGATIVES];
  beforeAll(async () => {
    world = await openWorld();
    issuer = await issuerOf(world, audience);
  });

  test("a genuine one is taken, and read", async () => {
    expect(await world.verifier.verify(await tokenFrom(world, audience))).toEqual({
      ok: true,
      claims: {
        oid: CALLER,
        appId: CALLER,
        tenantId: TENANT,
        audience,
        roles: ROLES,
        scopes: [],
        version,
      },
    });
  });

  test("so is one that the rows below begin with, and one just within five minutes", async () => {
    const { header, claims, nowSeconds, signText } = issuer;
    for (const change of [
      {},
      { exp: nowSeconds - 299 },
      { nbf: nowSeconds + 300, iat: nowSeconds + 300 },
    ]) {
      const token = await signText(
        JSON.stringify(header),
        JSON.stringify({ ...claims, ...change }),
      );
      expect(await world.verifier.verify(token)).toMatchObject({ ok: true });
    }
    const token = await signText(
      JSON.stringify({ ...header, typ: "at+jwt" }),
      JSON.stringify(claims),
    );
    expect(await world.verifier.verify(token)).toMatchObject({ ok: true });
  });

  test("there are more than sixty ways to be refused", () => {
    expect(new Set(rows.map(({ what }) => what)).size).toBe(rows.length);
    expect(rows.length).toBeGreaterThan(140);
  });

  test.each(rows)("refused: $flaw, $what", async ({ flaw, token }) => {
    const verdict = await world.verifier.verify(await token(issuer));
    expect(verdict).toEqual({ ok: false, refusal: expect.any(String) });
    expect(FOUND[flaw]).toContain(verdict.ok ? "taken" : verdict.refusal);
  });

  test("an audience, an application or a role that a route asks for must be there", async () => {
    const token = await tokenFrom(world, audience);
    const ask = (requirement: { audience?: string; appId?: string; role?: string }) =>
      world.verifier.verify(token, requirement);
    expect(await ask({ appId: CALLER.toUpperCase(), role: "Presence.Events" })).toMatchObject({
      ok: true,
    });
    expect(await ask({ appId: GRAPH_NOTIFICATIONS_APP_ID })).toEqual({
      ok: false,
      refusal: "token-application",
    });
    const other = audience === US ? US_BY_ID : US;
    expect(await ask({ audience })).toMatchObject({ ok: true });
    expect(await ask({ audience: other })).toEqual({ ok: false, refusal: "token-audience" });
    expect(await ask({ role: "Presence" })).toEqual({ ok: false, refusal: "token-role" });
    expect(await ask({ role: "" })).toEqual({ ok: false, refusal: "token-role" });
  });

  test("a person's token says what it may do", async () => {
    const { header, claims, signText } = issuer;
    const person = { ...claims, roles: undefined, scp: "Presence.Read  Presence.Write" };
    const token = await signText(JSON.stringify(header), JSON.stringify(person));
    expect(await world.verifier.verify(token)).toMatchObject({
      ok: true,
      claims: { roles: [], scopes: ["Presence.Read", "Presence.Write"] },
    });
  });
});

test("[R102] whatever text comes, it is refused and nothing is thrown, and Entra is asked at most twice", async () => {
  const world = await openWorld();
  const genuine = await tokenFrom(world, US);
  const texts = [
    "",
    ".",
    "..",
    "a.b.c",
    "e30.e30.e30",
    "\u0000",
    "null",
    genuine.repeat(9),
    `${genuine}.`,
  ];
  for (const text of texts) expect(await world.verifier.verify(text)).toMatchObject({ ok: false });
  for (let n = 0; n < 5_000; n += 1) {
    const forged = forge(Buffer.from(genuine), createDice(n)).toString("latin1");
    const verdict = await world.verifier.verify(forged);
    if (verdict.ok) expect.fail(`seed ${n} is taken: ${forged}`);
  }
  expect(await world.verifier.verify(genuine)).toMatchObject({ ok: true });
  expect(world.asked.length).toBeLessThanOrEqual(2);
});

test("[R103] a key that Entra begins to sign with is found, and one that it withdraws counts no more", async () => {
  const world = await openWorld();
  const old = await tokenFrom(world, US);
  expect(await world.verifier.verify(old)).toMatchObject({ ok: true });
  await world.entra.control.rotateSigningKey({ retireOld: true });
  expect(await world.verifier.verify(await tokenFrom(world, US))).toMatchObject({ ok: true });
  expect(await world.verifier.verify(old)).toEqual({ ok: false, refusal: "token-key-unknown" });
});

test("[R103] while Entra is down, its known keys count, and without any no token does", async () => {
  const [known, unknown] = [await openWorld(), await openWorld()];
  const [first, second] = [await tokenFrom(known, US), await tokenFrom(unknown, US)];
  expect(await known.verifier.verify(first)).toMatchObject({ ok: true });
  for (const { entra } of [known, unknown]) entra.control.setDown({ down: true });
  expect(await known.verifier.verify(first)).toMatchObject({ ok: true });
  expect(await unknown.verifier.verify(second)).toEqual({
    ok: false,
    refusal: "token-keys-unavailable",
  });
});
