import type { Config } from "./config.ts";
import { createCredential, type Credential } from "./connectors/credential.ts";

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
