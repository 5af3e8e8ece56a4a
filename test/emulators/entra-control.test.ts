import { randomUUID } from "node:crypto";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEntra, type Entra } from "../../src/emulators/entra/entra.ts";
import { createTrustedTls } from "./graph-tenant.ts";

const TENANT = "5f0c6a3e-7a44-4a6f-9d5b-6f0b6f6d1c11";
const APP = "0b1d2c3e-0000-4000-8000-000000000001";

let entra: Entra;

beforeAll(async () => {
  const tls = await createTrustedTls();
  const apps = [{ clientId: APP, secrets: [{ value: "new" }], certificates: [], roles: [] }];
  entra = await startEntra({ tenantId: TENANT, tls, apps });
});

afterAll(() => entra.close());

const bySecret = {
  grant_type: "client_credentials",
  client_id: APP,
  client_secret: "new",
  scope: "https://graph.microsoft.com/.default",
};

type Body = Record<string, unknown> & { readonly access_token: string };

async function post(fields: Readonly<Record<string, string>>, server = entra) {
  const answer = await fetch(`${server.url}/${TENANT}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams(fields),
  });
  return { status: answer.status, body: (await answer.json()) as Body };
}

describe("discovery", () => {
  it("describes both versions of the tenant, and where the keys are", async () => {
    for (const [path, issuer] of [
      ["", entra.issuer("1.0")],
      ["/v2.0", entra.issuer("2.0")],
    ] as const) {
      const document = await fetch(
        `${entra.url}/${TENANT}${path}/.well-known/openid-configuration`,
      );
      const { jwks_uri, ...rest } = (await document.json()) as { jwks_uri: string };
      expect(rest).toMatchObject({ issuer, token_endpoint: expect.stringContaining(TENANT) });
      expect(await (await fetch(jwks_uri)).json()).toMatchObject({
        keys: [{ kty: "RSA", use: "sig" }],
      });
    }
  });

  it("answers GET and HEAD for the common tenant, and instance discovery", async () => {
    const common = `${entra.url}/common/v2.0/.well-known/openid-configuration`;
    expect((await fetch(common, { method: "HEAD" })).status).toBe(200);
    expect(await (await fetch(common)).json()).toMatchObject({
      issuer: `${entra.url}/{tenantid}/v2.0`,
    });
    const instance = await fetch(`${entra.url}/common/discovery/instance?api-version=1.1`);
    expect(await instance.json()).toMatchObject({
      metadata: [{ aliases: [new URL(entra.url).host] }],
    });
  });

  it("refuses an unknown tenant as Entra does", async () => {
    const answer = await fetch(
      `${entra.url}/${randomUUID()}/v2.0/.well-known/openid-configuration`,
    );
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: "invalid_tenant", error_codes: [90002] });
  });
});

describe("the controls of Entra", () => {
  it("keep old tokens valid through a key roll-over, unless the old key is retired", async () => {
    const { body } = await post(bySecret);
    await entra.control.rotateSigningKey();
    expect(await entra.verify(body.access_token)).toMatchObject({ ok: true });
    expect(await entra.verify((await post(bySecret)).body.access_token)).toMatchObject({
      ok: true,
    });
    await entra.control.rotateSigningKey({ retireOld: true });
    expect(await entra.verify(body.access_token)).toEqual({ ok: false });
  });

  it("count token requests and set their lifetime, also over HTTPS", async () => {
    const call = async (name: string, body: unknown) => {
      const init = { method: "POST", body: JSON.stringify(body) };
      return (await fetch(`${entra.url}/control/${name}`, init)).json();
    };
    await call("setTokenLifetime", { seconds: 60 });
    const before = (await call("tokenRequests", {})) as { requests: number; issued: number };
    expect((await post(bySecret)).body["expires_in"]).toBe(60);
    await post({ ...bySecret, client_secret: "wrong" });
    expect(await call("tokenRequests", {})).toEqual({
      requests: before.requests + 2,
      issued: before.issued + 1,
    });
    entra.control.setTokenLifetime({ seconds: 3599 });
  });

  it("take Entra down until told otherwise", async () => {
    entra.control.setDown({ down: true });
    expect(await post(bySecret)).toMatchObject({
      status: 503,
      body: { error: "temporarily_unavailable" },
    });
    entra.control.setDown({ down: false });
    expect(await post(bySecret)).toMatchObject({ status: 200 });
  });

  it("replace an app's credentials and roles", async () => {
    const clientId = randomUUID();
    entra.control.putApp({ clientId, secrets: [{ value: "s" }], certificates: [], roles: ["A.B"] });
    const { body } = await post({ ...bySecret, client_id: clientId, client_secret: "s" });
    expect(await entra.verify(body.access_token)).toMatchObject({
      appId: clientId,
      roles: ["A.B"],
    });
  });

  it("refuse a misspelt name or field instead of ignoring it", async () => {
    const init = { method: "POST", body: JSON.stringify({ dwon: true }) };
    expect((await fetch(`${entra.url}/control/setDown`, init)).status).toBe(400);
    expect((await fetch(`${entra.url}/control/setDwon`, init)).status).toBe(404);
  });
});

it("does not verify a token that has expired, was changed, or came from elsewhere", async () => {
  let nowMs = Date.now();
  const other = await startEntra({
    tenantId: TENANT,
    nowMs: () => nowMs,
    apps: [{ clientId: APP, secrets: [{ value: "new" }], certificates: [], roles: [] }],
  });
  const { access_token } = (await post(bySecret, other)).body;
  expect(await other.verify(access_token)).toMatchObject({ ok: true });
  expect(await entra.verify(access_token)).toEqual({ ok: false });
  const [header, , signature] = access_token.split(".");
  const forged = Buffer.from(JSON.stringify({ ...decodeJwt(access_token), roles: ["All"] }));
  expect(await other.verify(`${header}.${forged.toString("base64url")}.${signature}`)).toEqual({
    ok: false,
  });
  nowMs += 3_600_000;
  expect(await other.verify(access_token)).toEqual({ ok: false });
  await other.close();
});
