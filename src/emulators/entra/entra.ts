import { randomUUID } from "node:crypto";
import { listen, type EmulatorRequest, type EmulatorResponse } from "../listener.ts";
import type { LoopbackTls } from "../tls.ts";
import type { EntraApp } from "./app.ts";
import { answerControl } from "./command.ts";
import { createEntraControl, type EntraControl, type EntraState } from "./control.ts";
import { answerDiscovery, issuerOf, type TokenVersion } from "./discovery.ts";
import { readForm } from "./form.ts";
import { decideGrant, type Granted } from "./grant.ts";
import { answerRefusal, refusals, type Refusal } from "./refusal.ts";
import { createSigning } from "./signing.ts";

export type EntraOptions = {
  readonly tenantId: string;
  readonly apps: readonly EntraApp[];
  readonly tls?: LoopbackTls;
  readonly port?: number;
  readonly nowMs?: () => number;
};

type Verified = {
  readonly ok: true;
  readonly appId: string;
  readonly roles: string[];
  readonly tenantId: string;
  readonly audience: string;
};

export type Entra = {
  readonly url: string;
  issuer(version: TokenVersion): string;
  /** Checks signature, lifetime and issuer. Whether the audience is theirs, resources decide alone. */
  readonly verify: (token: string) => Promise<Verified | { readonly ok: false }>;
  readonly control: EntraControl;
  close(): Promise<void>;
};

const TOKEN_PATHS = new Map([
  ["/oauth2/token", "v1"],
  ["/oauth2/v2.0/token", "v2"],
] as const);

// What Entra gives most apps; it varies between 60 and 90 minutes ("Access tokens: Token lifetime").
const TOKEN_LIFETIME_SECONDS = 3599;

/**
 * An emulator of Microsoft Entra ID for one tenant, for what a daemon needs: discovery, signing keys,
 * and access tokens by the client-credentials flow, with a secret or a certificate. It signs nobody in.
 */
export async function startEntra(options: EntraOptions): Promise<Entra> {
  const { tenantId, nowMs = Date.now } = options;
  const state: EntraState = {
    apps: new Map(options.apps.map((app) => [app.clientId.toLowerCase(), app])),
    signing: await createSigning(),
    tokenLifetimeSeconds: TOKEN_LIFETIME_SECONDS,
    down: false,
    tokenRequests: 0,
    tokensIssued: 0,
  };
  const control = createEntraControl(state);
  const listener = await listen(answer, options);
  const { url } = listener;
  const issuers = new Set([issuerOf(url, tenantId, "1.0"), issuerOf(url, tenantId, "2.0")]);

  async function answer(request: EmulatorRequest): Promise<EmulatorResponse> {
    const controlled = await answerControl(control, request);
    if (controlled) return controlled;
    const correlationId = request.url.searchParams.get("client-request-id");
    const refuse = (refusal: Refusal) =>
      answerRefusal(refusal, { url, nowMs: nowMs(), correlationId });
    const [, tenant = "", path = ""] = /^\/([^/]+)(\/.*)$/.exec(request.url.pathname) ?? [];
    const isDiscovery = request.method === "GET" || request.method === "HEAD";
    const dialect = TOKEN_PATHS.get(path.toLowerCase() as "/oauth2/token");
    const asksForToken = request.method === "POST" && dialect !== undefined;
    if (asksForToken) state.tokenRequests += 1;
    if (state.down) return refuse(refusals.down());
    const isOurs = tenant.toLowerCase() === tenantId.toLowerCase();
    if (isDiscovery && !isOurs && tenant !== "common" && path !== "") {
      return refuse(refusals.unknownTenant(tenant, "invalid_tenant"));
    }
    const document = isDiscovery && answerDiscovery(path, { url, tenant, signing: state.signing });
    if (document) return document;
    if (!asksForToken) return { status: 404, text: "" };
    if (!isOurs) return refuse(refusals.unknownTenant(tenant, "invalid_request"));
    const decision = await decideGrant(
      { fields: await readForm(request), authorization: request.headers.authorization, dialect },
      {
        tenantId,
        nowMs: nowMs(),
        findApp: (clientId) => state.apps.get(clientId.toLowerCase()),
        isOwnAudience,
      },
    );
    return "audience" in decision ? issue(decision, dialect) : refuse(decision);
  }

  /** Microsoft asks for the token endpoint as `aud`, yet takes any spelling of it, and the issuer too. */
  function isOwnAudience(audience: string): boolean {
    const { hostname, port, pathname } = URL.parse(audience) ?? {};
    const isHere =
      port === new URL(url).port && ["localhost", "127.0.0.1"].includes(hostname ?? "");
    const path = pathname?.toLowerCase().replace(/\/$/, "");
    const endpoints = ["", "/v2.0", ...TOKEN_PATHS.keys()];
    return isHere && endpoints.some((endpoint) => path === `/${tenantId.toLowerCase()}${endpoint}`);
  }

  async function issue(
    { app, audience }: Granted,
    dialect: "v1" | "v2",
  ): Promise<EmulatorResponse> {
    const issuedAt = Math.floor(nowMs() / 1000);
    const expiresAt = issuedAt + state.tokenLifetimeSeconds;
    // A resource named by a bare id has opted for v2 tokens; URIs such as Graph's get v1 tokens.
    const version: TokenVersion = /^[0-9a-f-]{36}$/i.test(audience) ? "2.0" : "1.0";
    const access_token = await state.signing.sign({
      aud: audience,
      iss: issuerOf(url, tenantId, version),
      iat: issuedAt,
      nbf: issuedAt,
      exp: expiresAt,
      ...(version === "2.0"
        ? { azp: app.clientId, azpacr: "1" }
        : { appid: app.clientId, appidacr: "1" }),
      idtyp: "app",
      oid: app.clientId,
      sub: app.clientId,
      tid: tenantId,
      roles: [...app.roles],
      uti: randomUUID(),
      ver: version,
    });
    state.tokensIssued += 1;
    const lifetime = state.tokenLifetimeSeconds;
    const v1 = { expires_on: `${expiresAt}`, not_before: `${issuedAt}`, resource: audience };
    return {
      status: 200,
      headers: { "cache-control": "no-store, no-cache", pragma: "no-cache" },
      json:
        dialect === "v1"
          ? {
              token_type: "Bearer",
              expires_in: `${lifetime}`,
              ext_expires_in: `${lifetime}`,
              ...v1,
              access_token,
            }
          : { token_type: "Bearer", expires_in: lifetime, ext_expires_in: lifetime, access_token },
    };
  }

  async function verify(token: string): Promise<Verified | { readonly ok: false }> {
    const claims = await state.signing.read(token, nowMs());
    if (!claims || !issuers.has(claims.iss ?? "")) return { ok: false };
    const { aud, appid, azp, roles } = claims;
    const appId = appid ?? azp;
    if (typeof appId !== "string" || typeof aud !== "string") return { ok: false };
    return { ok: true, appId, roles: (roles ?? []) as string[], tenantId, audience: aud };
  }

  return {
    url,
    issuer: (version) => issuerOf(url, tenantId, version),
    verify,
    control,
    close: () => listener.close(),
  };
}
