import { randomUUID } from "node:crypto";
import { ManagedIdentityCredential } from "@azure/identity";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startEntra, type Entra } from "../../src/emulators/entra/entra.ts";
import {
  startManagedIdentity,
  type ManagedIdentity,
} from "../../src/emulators/entra/managed-identity.ts";

const TENANT = "5f0c6a3e-7a44-4a6f-9d5b-6f0b6f6d1c11";
const IDENTITY = "0b1d2c3e-0000-4000-8000-00000000000f";
const RESOURCE = "https://graph.microsoft.com";
const VARIABLES = ["IDENTITY_ENDPOINT", "IDENTITY_HEADER", "AZURE_POD_IDENTITY_AUTHORITY_HOST"];

let entra: Entra;
let identity: ManagedIdentity;

beforeAll(async () => {
  const app = { clientId: IDENTITY, secrets: [], certificates: [], roles: ["Presence.Read.All"] };
  entra = await startEntra({ tenantId: TENANT, apps: [app] });
  identity = await startManagedIdentity({ clientId: IDENTITY, issue: entra.issueForWorkload });
});

afterEach(() => {
  for (const name of VARIABLES) Reflect.deleteProperty(process.env, name);
});

afterAll(() => Promise.all([entra.close(), identity.close()]));

async function ask(url: string, headers: Readonly<Record<string, string>>) {
  const answer = await fetch(url, { headers });
  return { status: answer.status, body: (await answer.json()) as Record<string, string> };
}

const appService = (query: string, headers: Readonly<Record<string, string>> = {}) =>
  ask(`${identity.endpoint}?api-version=2019-08-01&${query}`, headers);
const imds = (query: string, headers: Readonly<Record<string, string>> = { metadata: "true" }) =>
  ask(
    `${identity.imdsUrl}/metadata/identity/oauth2/token?api-version=2018-02-01&${query}`,
    headers,
  );

describe("Microsoft's own client library", () => {
  const verified = { ok: true, appId: IDENTITY, roles: ["Presence.Read.All"], audience: RESOURCE };

  it("gets a token as on App Service", async () => {
    process.env["IDENTITY_ENDPOINT"] = identity.endpoint;
    process.env["IDENTITY_HEADER"] = identity.header;
    const { token } = await new ManagedIdentityCredential().getToken(`${RESOURCE}/.default`);
    expect(await entra.verify(token)).toMatchObject(verified);
  });

  it("gets a token as on a virtual machine", async () => {
    process.env["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = identity.imdsUrl;
    const { token } = await new ManagedIdentityCredential().getToken(`${RESOURCE}/.default`);
    expect(await entra.verify(token)).toMatchObject(verified);
  });
});

describe("the endpoint of a managed identity", () => {
  const header = () => ({ "x-identity-header": identity.header });

  it("gives a token with its expiry in seconds since 1970", async () => {
    for (const { status, body } of [
      await appService(`resource=${RESOURCE}`, header()),
      await imds(`resource=${RESOURCE}&client_id=${IDENTITY}`),
    ]) {
      expect(status).toBe(200);
      expect(body).toMatchObject({ token_type: "Bearer", resource: RESOURCE });
      expect(Number(body["expires_on"]) * 1000).toBeGreaterThan(Date.now());
      expect(await entra.verify(body["access_token"] ?? "")).toMatchObject({ appId: IDENTITY });
    }
  });

  it("refuses who has not the header, no resource, and another identity", async () => {
    expect((await appService(`resource=${RESOURCE}`)).status).toBe(401);
    for (const { status, body } of [
      await imds(`resource=${RESOURCE}`, {}),
      await imds(`resource=${RESOURCE}`, { metadata: "true", "x-forwarded-for": "10.0.0.1" }),
      await imds(""),
      await appService(`resource=${RESOURCE}&client_id=${randomUUID()}`, header()),
    ]) {
      expect({ status, error: body["error"] }).toEqual({ status: 400, error: "invalid_request" });
    }
  });

  it("fails as often as it is told to", async () => {
    identity.control.failNext({ status: 429 });
    expect((await imds(`resource=${RESOURCE}`)).status).toBe(429);
    expect((await imds(`resource=${RESOURCE}`)).status).toBe(200);
  });
});
