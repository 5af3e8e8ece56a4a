import { createHash, createPrivateKey, randomUUID, X509Certificate } from "node:crypto";
import { ClientCertificateCredential, ClientSecretCredential } from "@azure/identity";
import { decodeJwt, SignJWT } from "jose";
import { generate } from "selfsigned";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEntra, type Entra } from "../../src/emulators/entra/entra.ts";
import { createTrustedTls } from "./graph-tenant.ts";

const TENANT = "5f0c6a3e-7a44-4a6f-9d5b-6f0b6f6d1c11";
const APP = "0b1d2c3e-0000-4000-8000-000000000001";
const ROLES = ["Presence.ReadWrite.All"];
const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

let entra: Entra;
let certificate: { cert: string; private: string };
let stranger: { cert: string; private: string };

beforeAll(async () => {
  const tls = await createTrustedTls();
  const subject = [{ name: "commonName", value: "lockstep" }];
  const rsa = { keyType: "rsa", keySize: 2048, algorithm: "sha256" } as const;
  certificate = await generate(subject, rsa);
  stranger = await generate(subject, rsa);
  entra = await startEntra({
    tenantId: TENANT,
    tls,
    apps: [
      {
        clientId: APP,
        secrets: [{ value: "new" }, { value: "old", expired: true }],
        certificates: [certificate.cert],
        roles: ROLES,
      },
    ],
  });
});

afterAll(() => entra.close());

type Body = Record<string, unknown> & {
  readonly access_token: string;
  readonly error_description: string;
};

async function post(
  fields: Readonly<Record<string, string>>,
  { tenant = TENANT, path = "oauth2/v2.0/token", multipart = false } = {},
): Promise<{ status: number; body: Body }> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  const answer = await fetch(`${entra.url}/${tenant}/${path}`, {
    method: "POST",
    body: multipart ? form : new URLSearchParams(fields),
  });
  return { status: answer.status, body: (await answer.json()) as Body };
}

const bySecret = {
  grant_type: "client_credentials",
  client_id: APP,
  client_secret: "new",
  scope: "https://graph.microsoft.com/.default",
};

type Doctored = {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly alg?: "PS256" | "RS256";
  readonly signer?: { cert: string; private: string };
  readonly thumbprintOf?: { cert: string };
};

async function assertion({
  claims,
  alg = "PS256",
  signer,
  thumbprintOf,
}: Doctored = {}): Promise<string> {
  const { private: key } = signer ?? certificate;
  const der = new X509Certificate((thumbprintOf ?? signer ?? certificate).cert).raw;
  const print = (hash: string) => createHash(hash).update(der).digest("base64url");
  const now = Math.floor(Date.now() / 1000);
  const names = alg === "PS256" ? { "x5t#S256": print("sha256") } : { x5t: print("sha1") };
  return new SignJWT({
    aud: `${entra.url}/${TENANT}/oauth2/v2.0/token`,
    iss: APP,
    sub: APP,
    jti: randomUUID(),
    nbf: now,
    exp: now + 300,
    ...claims,
  })
    .setProtectedHeader({ alg, typ: "JWT", ...names })
    .sign(createPrivateKey(key));
}

async function byAssertion(doctored?: Doctored) {
  const { client_secret: _, ...rest } = bySecret;
  return post({
    ...rest,
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: await assertion(doctored),
  });
}

describe("Microsoft's own client library", () => {
  const options = () => ({ authorityHost: entra.url, disableInstanceDiscovery: true });

  it("gets a token with a client secret", async () => {
    const credential = new ClientSecretCredential(TENANT, APP, "new", options());
    const { token } = await credential.getToken("https://graph.microsoft.com/.default");
    expect(await entra.verify(token)).toEqual({
      ok: true,
      appId: APP,
      roles: ROLES,
      tenantId: TENANT,
      audience: "https://graph.microsoft.com",
    });
  });

  it("gets a token with a certificate", async () => {
    const pem = { certificate: `${certificate.private}\n${certificate.cert}` };
    const credential = new ClientCertificateCredential(TENANT, APP, pem, options());
    const { token } = await credential.getToken("https://org.crm.dynamics.com/.default");
    expect(await entra.verify(token)).toMatchObject({
      ok: true,
      audience: "https://org.crm.dynamics.com",
    });
  });

  it("reports the error code of a wrong secret", async () => {
    const credential = new ClientSecretCredential(TENANT, APP, "wrong", options());
    await expect(credential.getToken("https://graph.microsoft.com/.default")).rejects.toThrow(
      "AADSTS7000215",
    );
  });
});

describe("a token request", () => {
  it("answers v2 with numbers and v1 with strings, also to a multipart form", async () => {
    const v2 = await post(bySecret);
    expect(v2).toMatchObject({ status: 200, body: { token_type: "Bearer", expires_in: 3599 } });
    const { scope: _, ...rest } = bySecret;
    const fields = { ...rest, resource: "https://org.crm.dynamics.com" };
    const v1 = await post(fields, { path: "oauth2/token", multipart: true });
    expect(v1).toMatchObject({
      status: 200,
      body: { token_type: "Bearer", expires_in: "3599", resource: "https://org.crm.dynamics.com" },
    });
    expect(v1.body["expires_on"]).toMatch(/^\d+$/);
    expect(decodeJwt(v1.body.access_token)).toMatchObject({
      aud: "https://org.crm.dynamics.com",
      iss: entra.issuer("1.0"),
      appid: APP,
      tid: TENANT,
      roles: ROLES,
      ver: "1.0",
    });
  });

  it("names the caller in azp and the v2 issuer when the resource is an app id", async () => {
    const { body } = await post({ ...bySecret, scope: `${APP}/.default` });
    expect(decodeJwt(body.access_token)).toMatchObject({
      azp: APP,
      iss: entra.issuer("2.0"),
      ver: "2.0",
    });
    expect(await entra.verify(body.access_token)).toMatchObject({ ok: true, appId: APP });
  });

  it.each(["PS256", "RS256"] as const)("accepts an assertion signed with %s", async (alg) => {
    expect(await byAssertion({ alg })).toMatchObject({ status: 200 });
  });

  it("accepts an assertion for the v1 endpoint at the v2 one", async () => {
    const claims = { aud: `${entra.url}/${TENANT}/oauth2/token` };
    expect(await byAssertion({ claims })).toMatchObject({ status: 200 });
  });
});

describe("a refused token request", () => {
  const without = (name: keyof typeof bySecret) => {
    const { [name]: _, ...rest } = bySecret;
    return rest;
  };
  const refused: readonly (readonly [
    number,
    string,
    number,
    string,
    () => ReturnType<typeof post>,
  ])[] = [
    [
      7000215,
      "a wrong secret",
      401,
      "invalid_client",
      () => post({ ...bySecret, client_secret: "wrong" }),
    ],
    [
      7000222,
      "an expired secret",
      401,
      "invalid_client",
      () => post({ ...bySecret, client_secret: "old" }),
    ],
    [
      700016,
      "an unknown app",
      400,
      "unauthorized_client",
      () => post({ ...bySecret, client_id: randomUUID() }),
    ],
    [7000218, "no credential", 401, "invalid_client", () => post(without("client_secret"))],
    [
      90002,
      "an unknown tenant",
      400,
      "invalid_request",
      () => post(bySecret, { tenant: randomUUID() }),
    ],
    [900144, "no grant type", 400, "invalid_request", () => post(without("grant_type"))],
    [900144, "no scope", 400, "invalid_request", () => post(without("scope"))],
    [
      70003,
      "another grant type",
      400,
      "unsupported_grant_type",
      () => post({ ...bySecret, grant_type: "password" }),
    ],
    [
      1002012,
      "a scope that names a permission",
      400,
      "invalid_scope",
      () => post({ ...bySecret, scope: "https://graph.microsoft.com/User.Read" }),
    ],
    [
      700027,
      "an unregistered certificate",
      401,
      "invalid_client",
      () => byAssertion({ signer: stranger }),
    ],
    [
      700027,
      "a stolen thumbprint",
      401,
      "invalid_client",
      () => byAssertion({ signer: stranger, thumbprintOf: certificate }),
    ],
    [
      700021,
      "an assertion of another app",
      401,
      "invalid_client",
      () => byAssertion({ claims: { iss: randomUUID() } }),
    ],
    [
      700023,
      "an assertion for another audience",
      401,
      "invalid_client",
      () => byAssertion({ claims: { aud: "https://login.example/token" } }),
    ],
    [
      700024,
      "an assertion that is over",
      401,
      "invalid_client",
      () => byAssertion({ claims: { exp: 1_000_000 } }),
    ],
    [
      50027,
      "an assertion without an id",
      400,
      "invalid_client",
      () => byAssertion({ claims: { jti: undefined } }),
    ],
  ];

  it.each(refused)("answers AADSTS%i to %s", async (code, _what, status, error, send) => {
    const { status: answered, body } = await send();
    expect(body.error_description).toMatch(
      new RegExp(`^AADSTS${code}: .+ Trace ID: .+ Correlation ID: .+ Timestamp: `),
    );
    expect({ answered, body }).toMatchObject({
      answered: status,
      body: {
        error,
        error_codes: [code],
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/),
        trace_id: expect.any(String),
        correlation_id: expect.any(String),
        error_uri: expect.stringContaining(String(code)),
      },
    });
  });
});
