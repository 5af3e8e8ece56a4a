import { z } from "zod";
import { CONSENT_ANSWERS, type Accounts } from "./account.ts";
import type { EntraApp } from "./app.ts";
import { command } from "./command.ts";
import { REVOCATIONS, type Issued } from "./issued.ts";
import type { Signing } from "./signing.ts";

/** What the controls change and the endpoints obey. */
export type EntraState = {
  readonly apps: Map<string, EntraApp>;
  readonly signing: Signing;
  readonly accounts: Accounts;
  readonly issued: Issued;
  /** How far this server's clock was moved. */
  offsetMs: number;
  tokenLifetimeSeconds: number;
  down: boolean;
  tokenRequests: number;
  tokensIssued: number;
};

const app = z.strictObject({
  clientId: z.string(),
  secrets: z.array(z.strictObject({ value: z.string(), expired: z.boolean().optional() })),
  certificates: z.array(z.string()),
  roles: z.array(z.string()),
  redirectUris: z.array(z.string()).optional(),
  registeredScopes: z.array(z.string()).optional(),
  delegatedScopes: z.array(z.string()).optional(),
});

const who = { oid: z.string() };

export type EntraControl = ReturnType<typeof createEntraControl>;

export function createEntraControl(state: EntraState) {
  return {
    /** New tokens get a new key; old ones stay valid unless `retireOld`. */
    rotateSigningKey: command(
      z.strictObject({ retireOld: z.boolean().default(false) }),
      ({ retireOld }) => state.signing.rotate(retireOld),
    ),
    setTokenLifetime: command(z.strictObject({ seconds: z.number().positive() }), ({ seconds }) => {
      state.tokenLifetimeSeconds = seconds;
    }),
    /** Every endpoint answers 503 until `down` is false again. */
    setDown: command(z.strictObject({ down: z.boolean() }), ({ down }) => {
      state.down = down;
    }),
    /** Registers an app, or replaces its credentials and roles: tokens already issued keep the old roles. */
    putApp: command(app, (registered) => {
      state.apps.set(registered.clientId.toLowerCase(), registered);
    }),
    /** A token of any header and claims, texts of JSON as a rule, by the key that signs just now. */
    signText: command(
      z.strictObject({ header: z.string(), payload: z.string() }),
      ({ header, payload }) => state.signing.signText(header, payload),
    ),
    /** Registers one more address where a sign-in may end. */
    addRedirectUri: command(
      z.strictObject({ clientId: z.string(), redirectUri: z.string() }),
      ({ clientId, redirectUri }) => {
        const known = state.apps.get(clientId.toLowerCase());
        if (!known) throw new Error(`there is no app ${clientId}`);
        const redirectUris = [...(known.redirectUris ?? []), redirectUri];
        state.apps.set(clientId.toLowerCase(), { ...known, redirectUris });
      },
    ),
    /** Adds somebody who can sign in, or changes her: `enabled: false` blocks sign-in and refresh. */
    putAccount: command(
      z.strictObject({
        ...who,
        upn: z.string(),
        name: z.string(),
        enabled: z.boolean().optional(),
        appRoles: z.array(z.string()).optional(),
      }),
      (account) => state.accounts.put(account),
    ),
    accounts: command(z.strictObject({}), () => state.accounts.all()),
    /** Puts a person at the browser: sign-ins take her without a question. Null: a page asks. */
    setPresent: command(z.strictObject({ account: z.string().nullable() }), ({ account }) => {
      if (account !== null && !state.accounts.find(account)) {
        throw new Error(`there is no account ${account}`);
      }
      state.accounts.present = account;
    }),
    /** What the person does when permissions are asked for that nobody has consented to. */
    setConsentAnswer: command(z.strictObject({ answer: z.enum(CONSENT_ANSWERS) }), ({ answer }) => {
      state.accounts.consentAnswer = answer;
    }),
    withdrawConsent: command(
      z.strictObject({ clientId: z.string(), ...who }),
      ({ clientId, oid }) => state.accounts.withdrawConsent(clientId, oid),
    ),
    /** Makes the refresh tokens of one account, or of all, useless for this reason. */
    revokeRefreshTokens: command(
      z.strictObject({ oid: z.string().optional(), as: z.enum(REVOCATIONS).default("revoked") }),
      ({ oid, as }) => ({ revoked: state.issued.revoke(oid, as) }),
    ),
    /** Moves this server's clock forward: tokens, codes and refresh tokens age. */
    advance: command(z.strictObject({ ms: z.number().nonnegative() }), ({ ms }) => {
      state.offsetMs += ms;
    }),
    tokenRequests: command(z.strictObject({}), () => ({
      requests: state.tokenRequests,
      issued: state.tokensIssued,
    })),
  };
}
