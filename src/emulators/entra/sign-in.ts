import { randomUUID } from "node:crypto";
import type { EmulatorRequest, EmulatorResponse } from "../listener.ts";
import type { Accounts, EntraAccount } from "./account.ts";
import type { EntraApp } from "./app.ts";
import { delegatedRefusals } from "./delegated-refusal.ts";
import type { Issued } from "./issued.ts";
import { describe, refusals, type Refusal } from "./refusal.ts";
import { DEFAULT_PERMISSION, parseScopes } from "./scope.ts";
import { askConsent, pickAccount, sendBack, showRefusal } from "./sign-in-page.ts";

export type SignInContext = {
  readonly tenantId: string;
  readonly nowMs: number;
  readonly findApp: (clientId: string) => EntraApp | undefined;
  readonly accounts: Accounts;
  readonly issued: Issued;
};

type Asked = {
  readonly app: EntraApp;
  readonly redirectUri: string;
  readonly mode: "query" | "fragment" | "form_post";
  readonly query: URLSearchParams;
  readonly url: URL;
};

const PROMPTS = ["login", "none", "consent", "select_account"];

/**
 * The authorization endpoint of the code flow ("Microsoft identity platform and OAuth 2.0 authorization
 * code flow"). Nobody types a password: whoever is present, or whom `login_hint` names, is signed in;
 * otherwise a page lists the accounts. What is wrong before the redirect URI is known to be the app's own
 * is shown on a page and never redirected.
 */
export function answerSignIn(request: EmulatorRequest, context: SignInContext): EmulatorResponse {
  const query = new URLSearchParams([
    ...request.url.searchParams,
    ...new URLSearchParams(request.method === "POST" ? request.body.toString("utf8") : ""),
  ]);
  const clientId = query.get("client_id");
  if (!clientId) return showRefusal(refusals.missing("client_id"));
  const app = context.findApp(clientId);
  if (!app) return showRefusal(refusals.unknownApp(clientId, context.tenantId));
  const redirectUri = query.get("redirect_uri");
  if (!redirectUri) return showRefusal(refusals.missing("redirect_uri"));
  if (!app.redirectUris?.includes(redirectUri)) {
    return showRefusal(delegatedRefusals.redirectMismatch(redirectUri, clientId));
  }
  const mode = readMode(query.get("response_mode"));
  const asked: Asked = { app, redirectUri, mode: mode ?? "query", query, url: request.url };
  const wrong = mode
    ? refuseParameters(query)
    : delegatedRefusals.badParameter("The response_mode is not supported.");
  return wrong ? sendRefusal(asked, wrong) : signIn(asked, context);
}

function readMode(mode: string | null): Asked["mode"] | null {
  if (mode === null) return "query";
  return mode === "query" || mode === "fragment" || mode === "form_post" ? mode : null;
}

function refuseParameters(query: URLSearchParams): Refusal | null {
  const responseType = query.get("response_type");
  if (!responseType) return refusals.missing("response_type");
  if (responseType !== "code") return delegatedRefusals.unsupportedResponseType(responseType);
  const scope = query.get("scope");
  if (!scope?.trim()) return refusals.missing("scope");
  const prompt = query.get("prompt");
  if (prompt !== null && !PROMPTS.includes(prompt)) {
    return delegatedRefusals.badParameter(`The prompt '${prompt}' is not supported.`);
  }
  const challenge = query.get("code_challenge");
  const method = query.get("code_challenge_method");
  if (challenge !== null && (challenge.length < 43 || challenge.length > 128)) {
    return delegatedRefusals.badChallengeSize();
  }
  if (method !== null && method !== "S256" && method !== "plain") {
    return delegatedRefusals.badParameter("The code_challenge_method is not supported.");
  }
  const scopes = parseScopes(scope);
  return "code" in scopes ? scopes : null;
}

function signIn(asked: Asked, context: SignInContext): EmulatorResponse {
  const { query, url } = asked;
  const { accounts } = context;
  const prompt = query.get("prompt");
  const clicked = query.get("sign_in_as");
  if (clicked === "nobody") return sendRefusal(asked, delegatedRefusals.consentDeclined());
  // select_account and login want a person's hand, even when the name is known.
  const hint = prompt === "select_account" || prompt === "login" ? null : query.get("login_hint");
  const account = [clicked, accounts.present, hint]
    .flatMap((key) => (key === null ? [] : [accounts.find(key)]))
    .find((found) => found !== undefined);
  if (!account) {
    if (prompt === "none") return sendRefusal(asked, delegatedRefusals.nobodySignedIn());
    return pickAccount(url, accounts.all());
  }
  if (account.enabled === false) return showRefusal(delegatedRefusals.disabledAccount());
  return consent(asked, account, context) ?? grant(asked, account, context);
}

/** Null when every permission is consented to. */
function consent(
  asked: Asked,
  account: EntraAccount,
  { accounts }: SignInContext,
): EmulatorResponse | null {
  const { app, query, url } = asked;
  const scopes = parseScopes(query.get("scope") ?? "");
  if ("code" in scopes) return sendRefusal(asked, scopes);
  const prompt = query.get("prompt");
  const given = accounts.consentsOf(app.clientId, account.oid);
  const wanted = scopes.permissions.flatMap((permission) =>
    permission === DEFAULT_PERMISSION ? (app.registeredScopes ?? []) : [permission],
  );
  const missing = wanted.filter(
    (permission) => !given.has(permission) && !app.delegatedScopes?.includes(permission),
  );
  if (missing.length === 0 && prompt !== "consent") return null;
  if (prompt === "none") {
    const refused = delegatedRefusals.consentMissing(app.clientId, "consent_required");
    return sendRefusal(asked, refused);
  }
  const clicked = query.get("consent");
  const answer = clicked === "accept" || clicked === "decline" ? clicked : accounts.consentAnswer;
  switch (answer) {
    case "ask":
      return askConsent(url, account, wanted);
    case "decline":
      return sendRefusal(asked, delegatedRefusals.consentDeclined());
    case "blocked":
      return sendRefusal(asked, delegatedRefusals.consentNeedsAdministrator());
    case "accept":
      accounts.consent(app.clientId, account.oid, wanted);
      return null;
  }
}

function grant(
  asked: Asked,
  account: EntraAccount,
  { issued, nowMs, tenantId }: SignInContext,
): EmulatorResponse {
  const { app, query, redirectUri } = asked;
  const challenge = query.get("code_challenge");
  const code = issued.addCode({
    clientId: app.clientId,
    oid: account.oid,
    nonce: query.get("nonce"),
    redirectUri,
    scope: query.get("scope") ?? "",
    challenge:
      challenge === null
        ? null
        : {
            value: challenge,
            method: query.get("code_challenge_method") === "S256" ? "S256" : "plain",
          },
    issuedAtMs: nowMs,
  });
  const clientInfo: Record<string, string> = {};
  if (query.get("client_info") === "1") {
    clientInfo["client_info"] = encodeClientInfo(account.oid, tenantId);
  }
  return answer(asked, { code, ...clientInfo, session_state: randomUUID() });
}

/** The words by which MSAL knows an account again: object id and tenant. */
export function encodeClientInfo(oid: string, tenantId: string): string {
  return Buffer.from(JSON.stringify({ uid: oid, utid: tenantId })).toString("base64url");
}

function sendRefusal(asked: Asked, refused: Refusal): EmulatorResponse {
  return answer(asked, { error: refused.error, error_description: describe(refused) });
}

function answer(
  { redirectUri, mode, query }: Asked,
  fields: Readonly<Record<string, string>>,
): EmulatorResponse {
  const state = query.get("state");
  return sendBack(redirectUri, mode, { ...fields, ...(state === null ? {} : { state }) });
}
