import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createCredential, type Credential } from "../../src/connectors/credential.ts";
import { listen } from "../../src/emulators/listener.ts";
import type { Tenant } from "../../src/emulators/tenant.ts";
import { TEAMS } from "../../src/presence/identity.ts";
import { certificateCredential, openTenant, secretCredential } from "./bench.ts";
import { failureOf, patience } from "./contract.ts";

const SCOPE = "https://graph.microsoft.com/.default";
const request = () => ({ scope: SCOPE, system: TEAMS, signal: patience() });

describe("the credential", () => {
  let tenant: Tenant;
  beforeAll(async () => {
    tenant = await openTenant();
  });
  afterAll(() => tenant.close());
  const issued = (): number => tenant.entra.control.tokenRequests().issued;
  const appWith = (change: Partial<{ clientId: string; clientSecret: string; tenantId: string }>) =>
    createCredential({
      tenantId: tenant.tenantId,
      clientId: tenant.clientId,
      clientSecret: tenant.clientSecret,
      authorityHost: tenant.entra.url,
      nowMs: Date.now,
      ...change,
    });

  test("a certificate and a secret both get a token that is good", async () => {
    const { credential, remove } = await certificateCredential(tenant);
    for (const one of [credential, secretCredential(tenant)]) {
      const verified = await tenant.entra.verify(await one.token(request()));
      expect(verified).toMatchObject({ ok: true, appId: tenant.clientId });
    }
    await remove();
  });

  test("a hundred callers share one request, and later ones its token", async () => {
    const before = issued();
    const credential = secretCredential(tenant);
    const tokens = await Promise.all(
      Array.from({ length: 100 }, () => credential.token(request())),
    );
    expect(new Set([...tokens, await credential.token(request())]).size).toBe(1);
    expect(issued()).toBe(before + 1);
  });

  test("at 80 % of its life a token is replaced once, while it goes on serving", async () => {
    let offsetMs = 0;
    const credential = createCredential({
      tenantId: tenant.tenantId,
      clientId: tenant.clientId,
      clientSecret: tenant.clientSecret,
      authorityHost: tenant.entra.url,
      nowMs: () => Date.now() + offsetMs,
    });
    const first = await credential.token(request());
    const before = issued();
    offsetMs = 3599 * 0.79 * 1000;
    expect(await credential.token(request())).toBe(first);
    expect(issued()).toBe(before);
    offsetMs = 3599 * 0.81 * 1000;
    const during = await Promise.all([credential.token(request()), credential.token(request())]);
    expect(during).toEqual([first, first]);
    await expect.poll(() => credential.token(request())).not.toBe(first);
    expect(issued()).toBe(before + 1);
  });

  test("while Entra is down, a token serves until it expires, and then the error says so", async () => {
    let offsetMs = 0;
    const credential = createCredential({
      tenantId: tenant.tenantId,
      clientId: tenant.clientId,
      clientSecret: tenant.clientSecret,
      authorityHost: tenant.entra.url,
      nowMs: () => Date.now() + offsetMs,
    });
    const first = await credential.token(request());
    tenant.entra.control.setDown({ down: true });
    try {
      offsetMs = 3599 * 0.9 * 1000;
      expect(await credential.token(request())).toBe(first);
      offsetMs = 3600 * 1000;
      const error = await failureOf(credential.token(request()));
      expect(error).toMatchObject({ code: "entra-unavailable", retry: "unavailable" });
    } finally {
      tenant.entra.control.setDown({ down: false });
    }
  });

  test("however many callers had a token refused, it is replaced once", async () => {
    const credential = secretCredential(tenant);
    const refused = await credential.token(request());
    const before = issued();
    const tokens = await Promise.all(
      Array.from({ length: 10 }, () => credential.replacement(request(), refused)),
    );
    expect(new Set(tokens).size).toBe(1);
    expect(tokens).not.toContain(refused);
    expect(issued()).toBe(before + 1);
    expect(await credential.replacement(request(), refused)).toBe(tokens[0]);
  });

  test.each<[string, () => Credential | Promise<Credential>]>([
    ["entra-secret-wrong", () => appWith({ clientSecret: "hunter2-but-wrong" })],
    ["entra-app-unknown", () => appWith({ clientId: "00000000-0000-4000-8000-00000000dead" })],
    ["entra-unavailable", () => appWith({ tenantId: "00000000-0000-4000-8000-00000000beef" })],
    [
      "entra-secret-expired",
      () => {
        const clientId = "00000000-0000-4000-8000-000000000e0e";
        const secrets = [{ value: "worn out", expired: true }];
        tenant.entra.control.putApp({ clientId, secrets, certificates: [], roles: [] });
        return appWith({ clientId, clientSecret: "worn out" });
      },
    ],
    [
      "entra-certificate-unregistered",
      async () => {
        const clientId = "00000000-0000-4000-8000-000000000c0c";
        tenant.entra.control.putApp({ clientId, secrets: [], certificates: [], roles: [] });
        return (await certificateCredential({ ...tenant, clientId })).credential;
      },
    ],
    [
      "entra-certificate-unreadable",
      () =>
        createCredential({
          tenantId: tenant.tenantId,
          clientId: tenant.clientId,
          certificatePath: "/nowhere/app.pem",
          authorityHost: tenant.entra.url,
          nowMs: Date.now,
        }),
    ],
    [
      "entra-unavailable",
      () =>
        createCredential({
          tenantId: tenant.tenantId,
          clientId: tenant.clientId,
          clientSecret: "any",
          authorityHost: "https://localhost:9",
          nowMs: Date.now,
        }),
    ],
  ])("%s is told by its code, with the next step, and betrays nothing", async (code, open) => {
    const error = await failureOf((await open()).token(request()));
    expect(error).toMatchObject({ code, retry: "unavailable", surelyNotApplied: true });
    expect(error.nextStep).toMatch(/^[A-Z].*\.$/);
    const said = `${error.message} ${String(error.cause)} ${error.detail}`;
    expect(said).not.toMatch(/hunter2|worn out|BEGIN/);
  });

  test("without certificate and secret it is the host's managed identity", async () => {
    const endpoint = await listen(({ url, headers }) => {
      const resource = url.searchParams.get("resource");
      const access_token = `${String(headers["x-identity-header"])} ${resource}`;
      const expires_on = Math.floor(Date.now() / 1000) + 3600;
      return { status: 200, json: { access_token, expires_on, resource, token_type: "Bearer" } };
    }, {});
    vi.stubEnv("IDENTITY_ENDPOINT", `${endpoint.url}/msi/token`);
    vi.stubEnv("IDENTITY_HEADER", "header");
    try {
      const { tenantId, clientId } = tenant;
      const credential = createCredential({ tenantId, clientId, nowMs: Date.now });
      const token = await credential.token(request());
      expect(token).toBe("header https://graph.microsoft.com");
    } finally {
      vi.unstubAllEnvs();
      await endpoint.close();
    }
  });

  test("a caller who stops waiting does not stop the others", async () => {
    const credential = secretCredential(tenant);
    const left = credential.token({ ...request(), signal: AbortSignal.abort() });
    const stayed = credential.token(request());
    expect((await failureOf(left)).code).toBe("entra-aborted");
    expect(await stayed).toMatch(/^ey/);
  });
});
