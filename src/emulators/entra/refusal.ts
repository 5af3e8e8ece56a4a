import { randomUUID } from "node:crypto";
import type { EmulatorResponse } from "../listener.ts";

/**
 * A refused token request. The code is what callers branch on; its text, the OAuth error and the
 * status are those of the page "Microsoft Entra authentication and authorization error codes".
 */
export type Refusal = {
  readonly code: number;
  readonly error: string;
  readonly status: number;
  readonly text: string;
  /** What kind of interaction would help, for the refusals that a person can cure. */
  readonly suberror?: string;
};

export function refusal(code: number, status: number, error: string, text: string): Refusal {
  return { code, status, error, text };
}

export const refusals = {
  badSecret: (appId: string) =>
    refusal(
      7000215,
      401,
      "invalid_client",
      `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${appId}'.`,
    ),
  expiredSecret: (appId: string) =>
    refusal(
      7000222,
      401,
      "invalid_client",
      `The provided client secret keys for app '${appId}' are expired. Create new keys for the app, or consider using certificate credentials for added security.`,
    ),
  unknownApp: (appId: string, tenant: string) =>
    refusal(
      700016,
      400,
      "unauthorized_client",
      `Application with identifier '${appId}' was not found in the directory '${tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
    ),
  noCredential: () =>
    refusal(
      7000218,
      401,
      "invalid_client",
      "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
  unknownTenant: (tenant: string, error: "invalid_request" | "invalid_tenant") =>
    refusal(
      90002,
      400,
      error,
      `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`,
    ),
  badAssertionSignature: (reason: string) =>
    refusal(
      700027,
      401,
      "invalid_client",
      `The certificate with identifier used to sign the client assertion is not registered on application. [Reason - ${reason}]`,
    ),
  assertionNamesOtherApp: () =>
    refusal(
      700021,
      401,
      "invalid_client",
      "Client assertion application identifier doesn't match 'client_id' parameter.",
    ),
  assertionForOtherAudience: () =>
    refusal(
      700023,
      401,
      "invalid_client",
      "Client assertion audience claim does not match Realm issuer.",
    ),
  assertionOutOfTime: () =>
    refusal(
      700024,
      401,
      "invalid_client",
      "Client assertion is not within its valid time range. Check the expiry time of the assertion.",
    ),
  malformedAssertion: (what: string) =>
    refusal(50027, 400, "invalid_client", `JWT token is invalid or malformed. ${what}`),
  missing: (parameter: string) =>
    refusal(
      900144,
      400,
      "invalid_request",
      `The request body must contain the following parameter: '${parameter}'.`,
    ),
  unsupportedGrant: (grant: string) =>
    refusal(
      70003,
      400,
      "unsupported_grant_type",
      `The app requested an unsupported grant type '${grant}'.`,
    ),
  scopeWithoutDefault: (scope: string) =>
    refusal(
      1002012,
      400,
      "invalid_scope",
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
    ),
  down: () =>
    refusal(
      90033,
      503,
      "temporarily_unavailable",
      "A transient error has occurred. Please try again.",
    ),
};

/** Builds the error body that Entra sends: the ids and the time appear both in it and in its text. */
export function answerRefusal(
  refused: Refusal,
  context: { readonly url: string; readonly nowMs: number; readonly correlationId?: string | null },
): EmulatorResponse {
  const { code, error, status, suberror } = refused;
  const trace_id = randomUUID();
  const correlation_id = context.correlationId ?? randomUUID();
  const timestamp = `${new Date(context.nowMs).toISOString().slice(0, 19).replace("T", " ")}Z`;
  return {
    status,
    headers: { "cache-control": "no-store, no-cache", pragma: "no-cache" },
    json: {
      error,
      error_description: `${describe(refused)} Trace ID: ${trace_id} Correlation ID: ${correlation_id} Timestamp: ${timestamp}`,
      error_codes: [code],
      timestamp,
      trace_id,
      correlation_id,
      error_uri: `${context.url}/error?code=${code}`,
      ...(suberror === undefined ? {} : { suberror }),
    },
  };
}

/** The text as callers and people see it, with the code in front. */
export function describe({ code, text }: Refusal): string {
  return `AADSTS${code}: ${text}`;
}
