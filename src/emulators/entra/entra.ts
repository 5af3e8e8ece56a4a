import { listen, type EmulatorRequest, type EmulatorResponse } from "../listener.ts";
import type { LoopbackTls } from "../tls.ts";
import { Accounts, type EntraAccount } from "./account.ts";
import type { EntraApp } from "./app.ts";
import { answerControl } from "./command.ts";
import { createEntraControl, type EntraControl, type EntraState } from "./control.ts";
import {
  answerDiscovery,
  isSharedTenant,
  issuerOf,
  SHARED_TENANTS,
  type TokenVersion,
} from "./discovery.ts";
import { readForm } from "./form.ts";
import { decideDelegatedGrant, DELEGATED_GRANTS } from "./delegated-grant.ts";
import { decideGrant } from "./grant.ts";
import { Issued } from "./issued.ts";
import { signNotificationToken, type NotificationToken } from "./notification-token.ts";
import { answerRefusal, refusals, type Refusal } from "./refusal.ts";
import { answerSignIn } from "./sign-in.ts";
import { createSigning } from "./signing.ts";
import { issueForApp, issueForUser } from "./token.ts";

export type EntraOptions = {
  readonly tenantId: string;
  readonly apps: readonly EntraApp[];
  /** Who can sign in; nobody unless given. */
  readonly accounts?: readonly EntraAccount[];
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
  /** The person for whom the application acts; absent when it acts for itself. */
  readonly user?: TokenUser;
};

/** What a delegated token says of its person, and for how much longer. */
export type TokenUser = {
  readonly oid: string;
  readonly upn: string;
  readonly scopes: readonly string[];
  readonly expiresInMs: number;
};

export type Entra = {
  readonly url: string;
  issuer(version: TokenVersion): string;
  /** Checks signature, lifetime and issuer. Whether the audience is theirs, resources decide alone. */
  readonly verify: (token: string) => Promise<Verified | { readonly ok: false }>;
  /** The answer to a workload that asks for a token of its managed identity, the app `clientId`. */
  readonly issueForWorkload: (clientId: string, resource: string) => Promise<EmulatorResponse>;
  /** Signs a token as Graph's change tracking gets it for the application it notifies. */
  readonly mintNotificationToken: (token: NotificationToken) => Promise<string>;
  readonly control: EntraControl;
  close(): Promise<void>;
};

const SIGN_IN_PATH = "/oauth2/v2.0/authorize";
const TOKEN_PATHS = new Map([
  ["/oauth2/token", "v1"],
  ["/oauth2/v2.0/token", "v2"],
] as const);

// What Entra gives most apps; it varies between 60 and 90 minutes ("Access tokens: Token lifetime").
const TOKEN_LIFETIME_SECONDS = 3599;

/**
 * An emulator of Microsoft Entra ID for one tenant, discovery, signing keys, access tokens for an
 * application by the client-credentials flow, and for a person by the authorization-code flow with
 * refresh tokens. Nobody types a password here, and nothing it protects is worth one.
 */
export async function startEntra(options: EntraOptions): Promise<Entra> {
  const { tenantId, nowMs: clock = Date.now } = options;
  const state: EntraState = {
    apps: new Map(options.apps.map((app) => [app.clientId.toLowerCase(), app])),
    signing: await createSigning(),
    tokenLifetimeSeconds: TOKEN_LIFETIME_SECONDS,
    accounts: new Accounts(options.accounts ?? []),
    issued: new Issued(),
    offsetMs: 0,
    down: false,
    tokenRequests: 0,
    tokensIssued: 0,
  };
  const nowMs = () => clock() + state.offsetMs;
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
    const isShared = isSharedTenant(tenant);
    if (isDiscovery && !isOurs && !isShared && path !== "") {
      return refuse(refusals.unknownTenant(tenant, "invalid_tenant"));
    }
    const registry = {
      tenantId,
      nowMs: nowMs(),
      findApp: (clientId: string) => state.apps.get(clientId.toLowerCase()),
      isOwnAudience,
      accounts: state.accounts,
      issued: state.issued,
    };
    if (path.toLowerCase() === SIGN_IN_PATH) return answerSignIn(request, registry);
    const document = isDiscovery && answerDiscovery(path, { url, tenant, signing: state.signing });
    if (document) return document;
    if (!asksForToken) return { status: 404, text: "" };
    const fields = await readForm(request);
    const isDelegated =
      dialect === "v2" && DELEGATED_GRANTS.includes(fields.get("grant_type") ?? "");
    // A person's own tenant is found by the person; an application has to name its tenant.
    if (!isOurs && !(isShared && isDelegated)) {
      return refuse(refusals.unknownTenant(tenant, "invalid_request"));
    }
    const issuing = { url, tenantId, nowMs: nowMs(), state };
    if (isDelegated) {
      const grant = await decideDelegatedGrant(fields, registry);
      if ("code" in grant) return refuse(grant);
      return issueForUser(grant, fields.get("client_info") === "1", issuing);
    }
    const { authorization } = request.headers;
    const decision = await decideGrant({ fields, authorization, dialect }, registry);
    return "audience" in decision ? issueForApp(decision, dialect, issuing) : refuse(decision);
  }

  /** Microsoft asks for the token endpoint as `aud`, yet takes any spelling of it, and the issuer too. */
  function isOwnAudience(audience: string): boolean {
    const { hostname, port, pathname } = URL.parse(audience) ?? {};
    const isHere =
      port === new URL(url).port && ["localhost", "127.0.0.1"].includes(hostname ?? "");
    const path = pathname?.toLowerCase().replace(/\/$/, "");
    const endpoints = ["", "/v2.0", ...TOKEN_PATHS.keys()];
    const tenants = [tenantId.toLowerCase(), ...SHARED_TENANTS];
    return (
      isHere &&
      tenants.some((tenant) => endpoints.some((endpoint) => path === `/${tenant}${endpoint}`))
    );
  }

  async function verify(token: string): Promise<Verified | { readonly ok: false }> {
    const claims = await state.signing.read(token, nowMs());
    if (!claims || !issuers.has(claims.iss ?? "")) return { ok: false };
    const { aud, appid, azp, roles, scp, oid, upn, exp = 0 } = claims;
    const appId = appid ?? azp;
    if (typeof appId !== "string" || typeof aud !== "string") return { ok: false };
    const verified = { ok: true, appId, roles: (roles ?? []) as string[], tenantId } as const;
    if (typeof scp !== "string") return { ...verified, audience: aud };
    const scopes = scp.split(" ");
    const expiresInMs = exp * 1000 - nowMs();
    return {
      ...verified,
      audience: aud,
      user: { oid: String(oid), upn: String(upn), scopes, expiresInMs },
    };
  }

  return {
    url,
    issuer: (version) => issuerOf(url, tenantId, version),
    verify,
    issueForWorkload: async (clientId, resource) => {
      const app = state.apps.get(clientId.toLowerCase());
      if (!app) return { status: 400, json: { error: "invalid_request" } };
      const issuing = { url, tenantId, nowMs: nowMs(), state };
      return issueForApp({ app, audience: resource }, "v1", issuing);
    },
    mintNotificationToken: (token) =>
      signNotificationToken(token, { url, tenantId, nowMs: nowMs(), signing: state.signing }),
    control,
    close: () => listener.close(),
  };
}
