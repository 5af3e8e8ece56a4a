import { createHash, randomBytes } from "node:crypto";
import { ConfidentialClientApplication, CryptoProvider } from "@azure/msal-node";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startEntra, type Entra } from "../../src/emulators/entra/entra.ts";
import { createTrustedTls } from "./graph-tenant.ts";

const TENANT = "5f0c6a3e-7a44-4a6f-9d5b-6f0b6f6d1c11";
const APP = "0b1d2c3e-0000-4000-8000-000000000001";
const OTHER_APP = "0b1d2c3e-0000-4000-8000-000000000002";
const SECRET = "of no value";
const REDIRECT = "https://lockstep.example/connect/teams";
const NADIA = { oid: "97c90b02-0000-4000-8000-00000000aaaa", upn: "nadia@contoso.example" };
const SCOPE = "Presence.Read.All openid profile offline_access";

let entra: Entra;

beforeAll(async () => {
  const registration = {
    secrets: [{ value: SECRET }],
    certificates: [],
    roles: [],
    redirectUris: [REDIRECT],
    registeredScopes: ["Presence.Read.All", "User.Read"],
  };
  entra = await startEntra({
    tenantId: TENANT,
    tls: await createTrustedTls(),
    apps: [
      { clientId: APP, ...registration },
      { clientId: OTHER_APP, ...registration },
    ],
    accounts: [
      { ...NADIA, name: "Nadia" },
      { oid: "97c90b02-0000-4000-8000-00000000bbbb", upn: "lars@contoso.example", name: "<Lars>" },
    ],
  });
});

afterAll(() => entra.close());

beforeEach(() => {
  entra.control.putAccount({ ...NADIA, name: "Nadia" });
  entra.control.setPresent({ account: null });
  entra.control.setConsentAnswer({ answer: "accept" });
  entra.control.withdrawConsent({ clientId: APP, oid: NADIA.oid });
});

type Fields = Readonly<Record<string, string>>;

const asking = {
  client_id: APP,
  response_type: "code",
  redirect_uri: REDIRECT,
  scope: SCOPE,
  state: "s t&te",
  login_hint: NADIA.upn,
};

/** Opens the sign-in page as a browser would, and stays on it: redirects are looked at, not followed. */
async function open(fields: Fields) {
  const query = new URLSearchParams(fields).toString();
  const answer = await fetch(`${entra.url}/${TENANT}/oauth2/v2.0/authorize?${query}`, {
    redirect: "manual",
  });
  const location = answer.headers.get("location");
  const back = location === null ? null : new URL(location);
  return { status: answer.status, text: await answer.text(), back, fields: back?.searchParams };
}

async function codeOf(fields: Fields = asking): Promise<string> {
  const { fields: sent } = await open(fields);
  const code = sent?.get("code");
  if (!code) throw new Error(`no code: ${sent?.toString()}`);
  return code;
}

async function redeem(fields: Fields) {
  const answer = await fetch(`${entra.url}/${TENANT}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({ client_id: APP, client_secret: SECRET, ...fields }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, string> };
}

const byCode = (code: string, more: Fields = {}) =>
  redeem({ grant_type: "authorization_code", code, redirect_uri: REDIRECT, ...more });
const byRefreshToken = (refresh_token: string, more: Fields = {}) =>
  redeem({ grant_type: "refresh_token", refresh_token, ...more });

async function refreshTokenOf(): Promise<string> {
  const { body } = await byCode(await codeOf());
  return body["refresh_token"] ?? "";
}

describe("MSAL Node", () => {
  const client = (tenant = TENANT) =>
    new ConfidentialClientApplication({
      auth: {
        clientId: APP,
        clientSecret: SECRET,
        authority: `${entra.url}/${tenant}`,
        knownAuthorities: [new URL(entra.url).host],
      },
    });

  it.each([
    ["its own tenant", TENANT],
    ["whichever tenant she belongs to", "organizations"],
  ])(
    "signs a person in to %s with PKCE and nonce, and refreshes silently",
    async (_what, tenant) => {
      const msal = client(tenant);
      const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
      const url = await msal.getAuthCodeUrl({
        scopes: ["https://graph.microsoft.com/Presence.Read.All"],
        redirectUri: REDIRECT,
        codeChallenge: challenge,
        codeChallengeMethod: "S256",
        state: "ours",
        nonce: "once",
        loginHint: NADIA.upn,
      });
      const answer = await fetch(url, { redirect: "manual" });
      const back = new URL(answer.headers.get("location") ?? "");
      expect(back.searchParams.get("state")).toBe("ours");
      const request = {
        code: back.searchParams.get("code") ?? "",
        scopes: ["https://graph.microsoft.com/Presence.Read.All"],
        redirectUri: REDIRECT,
        codeVerifier: verifier,
        nonce: "once",
      };
      const signedIn = await msal.acquireTokenByCode(request);
      const { account } = signedIn;
      expect(account).toMatchObject({
        username: NADIA.upn,
        localAccountId: NADIA.oid,
        tenantId: TENANT,
      });
      if (!account) throw new Error("unreachable");
      const cached = await msal.acquireTokenSilent({ account, scopes: request.scopes });
      expect(cached).toMatchObject({ fromCache: true, accessToken: signedIn.accessToken });
      const fresh = await msal.acquireTokenSilent({
        account,
        scopes: request.scopes,
        forceRefresh: true,
      });
      expect(fresh.accessToken).not.toBe(signedIn.accessToken);
      expect(await entra.verify(fresh.accessToken)).toMatchObject({
        ok: true,
        appId: APP,
        audience: "https://graph.microsoft.com",
        user: { oid: NADIA.oid, upn: NADIA.upn, scopes: ["Presence.Read.All"] },
      });
    },
  );

  it("learns from a revoked refresh token that somebody has to sign in again", async () => {
    const msal = client();
    const refreshToken = await refreshTokenOf();
    expect(entra.control.revokeRefreshTokens({ oid: NADIA.oid }).revoked).toBeGreaterThan(0);
    await expect(
      msal.acquireTokenByRefreshToken({ refreshToken, scopes: ["Presence.Read.All"] }),
    ).rejects.toMatchObject({
      errorCode: "invalid_grant",
      errorMessage: expect.stringContaining("AADSTS50173"),
    });
  });
});

describe("the sign-in page", () => {
  it("sends the state back beside the code, and a token tells who signed in", async () => {
    const { status, back, fields } = await open({ ...asking, nonce: "n", client_info: "1" });
    expect(status).toBe(302);
    expect(back?.href.startsWith(`${REDIRECT}?`)).toBe(true);
    expect(fields?.get("state")).toBe("s t&te");
    const { status: redeemed, body } = await byCode(fields?.get("code") ?? "", {
      client_info: "1",
    });
    expect(redeemed).toBe(200);
    expect(decodeJwt(body["id_token"] ?? "")).toMatchObject({
      aud: APP,
      iss: entra.issuer("2.0"),
      nonce: "n",
      oid: NADIA.oid,
      preferred_username: NADIA.upn,
      tid: TENANT,
    });
    expect(decodeJwt(body["access_token"] ?? "")).toMatchObject({
      scp: "Presence.Read.All",
      oid: NADIA.oid,
      tid: TENANT,
      upn: NADIA.upn,
    });
    expect(JSON.parse(Buffer.from(body["client_info"] ?? "", "base64url").toString())).toEqual({
      uid: NADIA.oid,
      utid: TENANT,
    });
    expect(body["scope"]?.split(" ")).toContain("Presence.Read.All");
  });

  it("lists the accounts when nobody is known, and a click on one signs her in", async () => {
    const { login_hint: _, ...unknown } = asking;
    const { status, text } = await open(unknown);
    expect(status).toBe(200);
    expect(text).toContain("&#60;Lars&#62;");
    const links = [...text.matchAll(/href="([^"]+)"/g)].map(([, href = ""]) =>
      href.replaceAll("&#38;", "&").replaceAll("&#39;", "'"),
    );
    expect(links).toHaveLength(3);
    const clicked = await fetch(new URL(links[0] ?? "", entra.url), { redirect: "manual" });
    expect(new URL(clicked.headers.get("location") ?? "").searchParams.get("code")).toBeTruthy();
    const cancelled = await fetch(new URL(links[2] ?? "", entra.url), { redirect: "manual" });
    const { searchParams } = new URL(cancelled.headers.get("location") ?? "");
    expect(searchParams.get("error")).toBe("access_denied");
    expect(searchParams.get("state")).toBe("s t&te");
  });

  it("asks again for select_account, and takes whoever sits at the browser", async () => {
    const chooses = { ...asking, prompt: "select_account" };
    expect(await open(chooses)).toMatchObject({ status: 200, back: null });
    entra.control.setPresent({ account: "lars@contoso.example" });
    const { body } = await byCode(await codeOf(chooses));
    expect(decodeJwt(body["id_token"] ?? "")["preferred_username"]).toBe("lars@contoso.example");
  });

  it("asks for what the registration lists when .default is asked for", async () => {
    const scope = "https://graph.microsoft.com/.default";
    const silent = await open({ ...asking, scope, prompt: "none" });
    expect(silent.fields?.get("error")).toBe("consent_required");
    const { body } = await byCode(await codeOf({ ...asking, scope }));
    expect(decodeJwt(body["access_token"] ?? "")["scp"]).toBe("Presence.Read.All User.Read");
  });

  it("can post the answer as a form, or put it behind the #", async () => {
    const { text } = await open({ ...asking, response_mode: "form_post" });
    expect(text).toContain(`action="${REDIRECT}"`);
    expect(text).toMatch(/name="code" value="[^"]+"/);
    const { back } = await open({ ...asking, response_mode: "fragment" });
    expect(new URLSearchParams(back?.hash.slice(1)).get("code")).toBeTruthy();
  });

  const shown: readonly (readonly [string, number, Fields])[] = [
    ["a foreign redirect URI", 50011, { ...asking, redirect_uri: `${REDIRECT}/` }],
    ["an unknown app", 700016, { ...asking, client_id: TENANT }],
    ["no app", 900144, { ...asking, client_id: "" }],
    ["no redirect URI", 900144, { ...asking, redirect_uri: "" }],
  ];
  it.each(shown)("shows %s as AADSTS%i, and redirects nowhere", async (_what, code, fields) => {
    const { status, text, back } = await open(fields);
    expect({ status, back }).toEqual({ status: 400, back: null });
    expect(text).toContain(`AADSTS${code}`);
  });

  const returned: readonly (readonly [string, string, number, Fields])[] = [
    ["another response type", "unsupported_response_type", 70005, { response_type: "token" }],
    ["no scope", "invalid_request", 900144, { scope: "" }],
    [
      "two resources",
      "invalid_request",
      28000,
      { scope: "https://a.example/X https://b.example/Y" },
    ],
    ["an unknown prompt", "invalid_request", 90023, { prompt: "please" }],
    ["a short challenge", "invalid_request", 501491, { code_challenge: "short" }],
    ["a silent sign-in of nobody", "login_required", 50058, { prompt: "none", login_hint: "x" }],
    ["a silent sign-in without consent", "consent_required", 65001, { prompt: "none" }],
  ];
  it.each(returned)("returns %s as %s, AADSTS%i", async (_what, error, code, fields) => {
    const { fields: sent } = await open({ ...asking, ...fields });
    expect(sent?.get("error")).toBe(error);
    expect(sent?.get("error_description")).toMatch(new RegExp(`^AADSTS${code}: `));
    expect(sent?.get("state")).toBe("s t&te");
  });

  it("returns access_denied when consent is declined, or is not hers to give", async () => {
    for (const [answer, code] of [
      ["decline", 65004],
      ["blocked", 90094],
    ] as const) {
      entra.control.setConsentAnswer({ answer });
      const { fields } = await open(asking);
      expect(fields?.get("error")).toBe("access_denied");
      expect(fields?.get("error_description")).toContain(`AADSTS${code}`);
    }
    entra.control.setConsentAnswer({ answer: "ask" });
    const { status, text } = await open(asking);
    expect(status).toBe(200);
    expect(text).toContain("Presence.Read.All");
  });

  it("does not let a disabled account in", async () => {
    entra.control.putAccount({ ...NADIA, name: "Nadia", enabled: false });
    expect(await open(asking)).toMatchObject({
      status: 400,
      text: expect.stringContaining("AADSTS50057"),
    });
  });
});

describe("an authorization code", () => {
  const verifier = randomBytes(32).toString("base64url");
  const challenged = {
    ...asking,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  };

  it("is good once", async () => {
    const code = await codeOf();
    expect(await byCode(code)).toMatchObject({ status: 200 });
    expect(await byCode(code)).toMatchObject({
      status: 400,
      body: { error: "invalid_grant", error_codes: [54005] },
    });
  });

  it("needs the verifier of its challenge, and survives a wrong one", async () => {
    const code = await codeOf(challenged);
    expect((await byCode(code)).body).toMatchObject({ error_codes: [50148] });
    const wrong = await byCode(code, { code_verifier: "a".repeat(43) });
    expect(wrong.body).toMatchObject({ error: "invalid_grant", error_codes: [501481] });
    expect(await byCode(code, { code_verifier: verifier })).toMatchObject({ status: 200 });
  });

  it("belongs to its app, its redirect URI and its ten minutes", async () => {
    const code = await codeOf();
    expect((await byCode(code, { client_id: OTHER_APP })).body).toMatchObject({
      error_codes: [700005],
    });
    expect((await byCode(code, { redirect_uri: `${REDIRECT}/x` })).body).toMatchObject({
      error_codes: [500112],
    });
    expect((await byCode(code, { client_secret: "wrong" })).body).toMatchObject({
      error: "invalid_client",
    });
    entra.control.advance({ ms: 10 * 60_000 });
    expect((await byCode(code)).body).toMatchObject({ error_codes: [70008] });
    expect((await byCode("made up")).body).toMatchObject({ error_codes: [70000] });
  });

  it("brings no refresh token unless offline_access was asked for", async () => {
    const { body } = await byCode(await codeOf({ ...asking, scope: "Presence.Read.All" }));
    expect(body["access_token"]).toBeTruthy();
    expect(body["refresh_token"]).toBeUndefined();
    expect(body["id_token"]).toBeUndefined();
  });
});

describe("a refresh token", () => {
  it("is replaced with each use, and the old one stays good", async () => {
    const first = await refreshTokenOf();
    const { status, body } = await byRefreshToken(first);
    expect(status).toBe(200);
    expect(body["refresh_token"]).not.toBe(first);
    expect(await byRefreshToken(first)).toMatchObject({ status: 200 });
    expect(await byRefreshToken(body["refresh_token"] ?? "")).toMatchObject({ status: 200 });
  });

  it("gives every consented permission for .default, and none that is not", async () => {
    const token = await refreshTokenOf();
    const { body } = await byRefreshToken(token, { scope: "https://graph.microsoft.com/.default" });
    expect(decodeJwt(body["access_token"] ?? "")["scp"]).toBe("Presence.Read.All");
    expect((await byRefreshToken(token, { scope: "Mail.Read" })).body).toMatchObject({
      error: "invalid_grant",
      error_codes: [65001],
      suberror: "consent_required",
    });
  });

  const reasons = [
    ["revoked", 50173],
    ["expired", 700082],
    ["secondFactor", 50076],
    ["consent", 65001],
  ] as const;
  it.each(reasons)("that is %s answers AADSTS%i", async (as, code) => {
    const token = await refreshTokenOf();
    entra.control.revokeRefreshTokens({ oid: NADIA.oid, as });
    expect(await byRefreshToken(token)).toMatchObject({
      status: 400,
      body: { error: "invalid_grant", error_codes: [code] },
    });
    expect(await byRefreshToken(await refreshTokenOf())).toMatchObject({ status: 200 });
  });

  it("ends after 90 days without use, with its account, and belongs to its app", async () => {
    const token = await refreshTokenOf();
    expect((await byRefreshToken(token, { client_id: OTHER_APP })).body).toMatchObject({
      error_codes: [700005],
    });
    entra.control.putAccount({ ...NADIA, name: "Nadia", enabled: false });
    expect((await byRefreshToken(token)).body).toMatchObject({ error_codes: [50057] });
    entra.control.putAccount({ ...NADIA, name: "Nadia" });
    entra.control.advance({ ms: 90 * 86_400_000 });
    expect((await byRefreshToken(token)).body).toMatchObject({ error_codes: [700082] });
  });
});
