import { refusal } from "./refusal.ts";

/** The refusals of sign-ins and of what follows from them; texts and codes as on the page of error codes. */
export const delegatedRefusals = {
  redirectMismatch: (redirectUri: string, appId: string) =>
    refusal(
      50011,
      400,
      "invalid_request",
      `The redirect URI '${redirectUri}' specified in the request does not match the redirect URIs configured for the application '${appId}'.`,
    ),
  unsupportedResponseType: (responseType: string) =>
    refusal(
      70005,
      400,
      "unsupported_response_type",
      `The app returned an unsupported response type: '${responseType}'.`,
    ),
  badParameter: (what: string) => refusal(90023, 400, "invalid_request", what),
  badChallengeSize: () =>
    refusal(501491, 400, "invalid_request", "Invalid size of Code_Challenge parameter."),
  severalResources: () =>
    refusal(
      28000,
      400,
      "invalid_request",
      "Provided value for the input parameter scope is not valid because it contains more than one resource.",
    ),
  nobodySignedIn: () =>
    refusal(
      50058,
      400,
      "login_required",
      "A silent sign-in request was sent but no user is signed in.",
    ),
  disabledAccount: () => refusal(50057, 400, "invalid_grant", "The user account is disabled."),
  // The sign-in page redirects with one OAuth error, and the token endpoint answers with another.
  consentMissing: (appId: string, error: "consent_required" | "invalid_grant") => ({
    ...refusal(
      65001,
      400,
      error,
      `The user or administrator has not consented to use the application with ID '${appId}'. Send an interactive authorization request for this user and resource.`,
    ),
    suberror: "consent_required",
  }),
  consentDeclined: () =>
    refusal(65004, 400, "access_denied", "User declined to consent to access the app."),
  // The page of codes names 90094; that it comes back as access_denied is taken from reports.
  consentNeedsAdministrator: () =>
    refusal(90094, 400, "access_denied", "An administrator must grant the permissions."),
  malformedGrant: () =>
    refusal(70000, 400, "invalid_grant", "Provided grant is invalid or malformed."),
  grantOfOtherApp: () =>
    refusal(
      700005,
      400,
      "invalid_grant",
      "Provided Authorization Code is intended to use against other tenant or application, thus rejected.",
    ),
  usedCode: () =>
    refusal(
      54005,
      400,
      "invalid_grant",
      "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
    ),
  expiredCode: () =>
    refusal(
      70008,
      400,
      "invalid_grant",
      "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.",
    ),
  otherRedirectUri: (sent: string, expected: string) =>
    refusal(
      500112,
      400,
      "invalid_client",
      `The reply address '${sent}' does not match the reply address '${expected}' provided when requesting Authorization code.`,
    ),
  missingVerifier: () =>
    refusal(
      50148,
      400,
      "invalid_grant",
      "The code_verifier does not match the code_challenge supplied in the authorization request for PKCE.",
    ),
  wrongVerifier: () =>
    refusal(
      501481,
      400,
      "invalid_grant",
      "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    ),
  revokedRefreshToken: (validFrom: string) => ({
    ...refusal(
      50173,
      400,
      "invalid_grant",
      `The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password. The grant was issued before '${validFrom}' and the TokensValidFrom date (before which tokens are not valid) for this user is '${validFrom}'.`,
    ),
    suberror: "bad_token",
  }),
  expiredRefreshToken: (issuedAt: string) => ({
    ...refusal(
      700082,
      400,
      "invalid_grant",
      `The refresh token has expired due to inactivity. The token was issued on ${issuedAt} and was inactive for 90.00:00:00.`,
    ),
    suberror: "token_expired",
  }),
  secondFactorMissing: () => ({
    ...refusal(
      50076,
      400,
      "invalid_grant",
      "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access the resource.",
    ),
    suberror: "basic_action",
  }),
};
