import { createHash } from "node:crypto";
import type { Accounts, EntraAccount } from "./account.ts";
import type { EntraApp } from "./app.ts";
import { delegatedRefusals } from "./delegated-refusal.ts";
import { refuseCredential, type Registry } from "./grant.ts";
import type { Delegation, Issued } from "./issued.ts";
import { refusals, type Refusal } from "./refusal.ts";
import { DEFAULT_PERMISSION, parseScopes, type AskedScopes } from "./scope.ts";

/** A sign-in that became tokens: for whom, for which resource, with which permissions. */
export type DelegatedGrant = {
  readonly app: EntraApp;
  readonly account: EntraAccount;
  readonly scopes: AskedScopes;
  /** What the token says in `scp`. */
  readonly permissions: readonly string[];
  /** The scope as it was first asked for: a refresh token goes on with it. */
  readonly scope: string;
  readonly nonce: string | null;
};

type Context = Registry & { readonly accounts: Accounts; readonly issued: Issued };

// "Authorization code flow": codes live about 10 minutes. "Refresh tokens": 90 days without use.
const CODE_LIFETIME_MS = 10 * 60_000;
const REFRESH_LIFETIME_MS = 90 * 86_400_000;

export const DELEGATED_GRANTS: readonly string[] = ["authorization_code", "refresh_token"];

/** Decides a request to redeem an authorization code or a refresh token. */
export async function decideDelegatedGrant(
  fields: ReadonlyMap<string, string>,
  context: Context,
): Promise<DelegatedGrant | Refusal> {
  const clientId = fields.get("client_id");
  if (!clientId) return refusals.missing("client_id");
  const app = context.findApp(clientId);
  if (!app) return refusals.unknownApp(clientId, context.tenantId);
  const refused = await refuseCredential(app, fields.get("client_secret"), fields, context);
  if (refused) return refused;
  return fields.get("grant_type") === "refresh_token"
    ? redeemRefreshToken(app, fields, context)
    : redeemCode(app, fields, context);
}

function redeemCode(
  app: EntraApp,
  fields: ReadonlyMap<string, string>,
  context: Context,
): DelegatedGrant | Refusal {
  const word = fields.get("code");
  if (!word) return refusals.missing("code");
  const code = context.issued.code(word);
  if (!code) return delegatedRefusals.malformedGrant();
  if (code.clientId !== app.clientId) return delegatedRefusals.grantOfOtherApp();
  if (code.redeemed) return delegatedRefusals.usedCode();
  if (code.issuedAtMs + CODE_LIFETIME_MS <= context.nowMs) return delegatedRefusals.expiredCode();
  const redirectUri = fields.get("redirect_uri");
  if (!redirectUri) return refusals.missing("redirect_uri");
  if (redirectUri !== code.redirectUri) {
    return delegatedRefusals.otherRedirectUri(redirectUri, code.redirectUri);
  }
  const refused = refuseVerifier(code.challenge, fields.get("code_verifier"));
  if (refused) return refused;
  const granted = delegate(app, code, fields.get("scope") || code.scope, context);
  if ("account" in granted) code.redeemed = true;
  return granted;
}

function refuseVerifier(
  challenge: { readonly value: string; readonly method: "S256" | "plain" } | null,
  verifier: string | undefined,
): Refusal | null {
  if (challenge === null) return null;
  if (!verifier) return delegatedRefusals.missingVerifier();
  const hashed =
    challenge.method === "S256"
      ? createHash("sha256").update(verifier).digest("base64url")
      : verifier;
  return hashed === challenge.value ? null : delegatedRefusals.wrongVerifier();
}

/**
 * A refresh token stays good after its use: each answer brings a newer one, and "Refresh tokens in the
 * Microsoft identity platform" says that the old one is not revoked by that.
 */
function redeemRefreshToken(
  app: EntraApp,
  fields: ReadonlyMap<string, string>,
  context: Context,
): DelegatedGrant | Refusal {
  const word = fields.get("refresh_token");
  if (!word) return refusals.missing("refresh_token");
  const token = context.issued.refreshToken(word);
  if (!token) return delegatedRefusals.malformedGrant();
  if (token.clientId !== app.clientId) return delegatedRefusals.grantOfOtherApp();
  const issuedAt = new Date(token.issuedAtMs).toISOString();
  switch (token.revocation) {
    case "revoked":
      return delegatedRefusals.revokedRefreshToken(issuedAt);
    case "expired":
      return delegatedRefusals.expiredRefreshToken(issuedAt);
    case "secondFactor":
      return delegatedRefusals.secondFactorMissing();
    case "consent":
      return delegatedRefusals.consentMissing(app.clientId, "invalid_grant");
    case null:
  }
  if (token.issuedAtMs + REFRESH_LIFETIME_MS <= context.nowMs) {
    return delegatedRefusals.expiredRefreshToken(issuedAt);
  }
  return delegate(app, { ...token, nonce: null }, fields.get("scope") || token.scope, context);
}

function delegate(
  app: EntraApp,
  { oid, nonce }: Delegation,
  scope: string,
  { accounts }: Context,
): DelegatedGrant | Refusal {
  const account = accounts.find(oid);
  if (!account || account.enabled === false) return delegatedRefusals.disabledAccount();
  const scopes = parseScopes(scope);
  if ("code" in scopes) return scopes;
  const consented = new Set([
    ...(app.delegatedScopes ?? []),
    ...accounts.consentsOf(app.clientId, oid),
  ]);
  const asked = scopes.permissions.filter((permission) => permission !== DEFAULT_PERMISSION);
  const isDefault = asked.length < scopes.permissions.length;
  if (asked.some((permission) => !consented.has(permission))) {
    return delegatedRefusals.consentMissing(app.clientId, "invalid_grant");
  }
  const permissions = isDefault ? [...consented] : asked;
  if (isDefault && permissions.length === 0) {
    return delegatedRefusals.consentMissing(app.clientId, "invalid_grant");
  }
  return { app, account, scopes, permissions, scope, nonce };
}
