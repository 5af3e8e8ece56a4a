import type { Config } from "./config.ts";
import { createCredential, type Credential } from "./connectors/credential.ts";
import { createEntraTokenVerifier, type EntraTokenVerifier } from "./connectors/entra-token.ts";

/** The one way to sign in that the configuration names, for the service and its commands alike. */
export function credentialOf(config: Config, nowMs: () => number): Credential {
  const { credential, tenantId, authorityHost } = config;
  const common = { tenantId, authorityHost, nowMs, clientId: credential.clientId };
  if (credential.kind === "certificate") {
    return createCredential({ ...common, certificatePath: credential.path });
  }
  if (credential.kind === "secret") {
    return createCredential({ ...common, clientSecret: credential.secret });
  }
  const { clientId, userAssigned } = credential;
  return createCredential(userAssigned ? { ...common, managedIdentityClientId: clientId } : common);
}

/** Those of the app that signs people in: a managed identity signs nobody in. */
export function proofOf(credential: Config["credential"]): {
  readonly clientId: string;
  readonly clientSecret?: string;
  readonly certificatePath?: string;
} {
  const { clientId } = credential;
  if (credential.kind === "certificate") return { clientId, certificatePath: credential.path };
  return credential.kind === "secret"
    ? { clientId, clientSecret: credential.secret }
    : { clientId };
}

/** The way to sign in of a second registration that only reads. */
export function readerOf(
  { tenantId, authorityHost }: Config,
  reader: NonNullable<Config["reader"]>,
  nowMs: () => number,
): Credential {
  const settingsPrefix = "READER_";
  const proof = proofOf(reader);
  return createCredential({ ...proof, tenantId, authorityHost, settingsPrefix, nowMs });
}

/** What judges the tokens that others show us: one for all of them, so that Entra's keys are fetched once. */
export function tokensOf(config: Config, nowMs: () => number): EntraTokenVerifier {
  const { authorityHost, tenantId, apiAudience, credential, publicUrl } = config;
  const { clientId } = credential;
  // A tab of Teams must name its app by an App ID URI with the tab's own host in it.
  const ofTab = publicUrl === null ? [] : [`api://${new URL(publicUrl).host}/${clientId}`];
  const audiences = [apiAudience, clientId, ...ofTab];
  return createEntraTokenVerifier({ authorityHost, tenantId, audiences, nowMs, fetch });
}
