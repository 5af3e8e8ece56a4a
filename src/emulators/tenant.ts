import { generate } from "selfsigned";
import { type Dataverse, type DataverseOptions, startDataverse } from "./dataverse/dataverse.ts";
import { derivedGuid } from "./dataverse/roster.ts";
import type { EntraAccount } from "./entra/account.ts";
import { type Entra, startEntra } from "./entra/entra.ts";
import { type ManagedIdentity, startManagedIdentity } from "./entra/managed-identity.ts";
import { type Graph, startGraph } from "./graph/graph.ts";
import { namedPeople, type People } from "./people.ts";
import { createLoopbackTls, type LoopbackTls } from "./tls.ts";

export type TenantOptions = {
  readonly people?: People;
  readonly ports?: {
    readonly entra?: number;
    readonly graph?: number;
    readonly dataverse?: number;
  };
  readonly tls?: LoopbackTls;
  readonly nowMs?: () => number;
  /** Where the application's sign-ins may end. */
  readonly redirectUris?: readonly string[] | undefined;
  /** Accounts without a mailbox or a desk, for an application to subscribe with; 2 unless told. */
  readonly subscriberAccounts?: number | undefined;
  /** Signs every rep in whom routing knows, as on a day that has begun. */
  readonly signedIn?: boolean;
} & Pick<
  DataverseOptions,
  "projectionDelayMs" | "projectionRetryMs" | "webhookTimeoutMs" | "seed" | "settings"
>;

/** A company's cloud on loopback, and the credentials of the one application registered in it. */
export type Tenant = {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Certificate and private key in one PEM, as `CLIENT_CERTIFICATE_PATH` names a file of. */
  readonly clientCertificatePem: string;
  /** What a client must trust; for another process, a file for `NODE_EXTRA_CA_CERTS`. */
  readonly caPem: string;
  readonly entra: Entra;
  readonly graph: Graph;
  readonly dataverse: Dataverse;
  /** The application's credential where it runs in Azure. */
  readonly managedIdentity: ManagedIdentity;
  readonly people: People;
  /** The accounts made for the application; reps can sign in too. */
  readonly subscribers: readonly EntraAccount[];
  close(): Promise<void>;
};

const TENANT_ID = derivedGuid("tenant northharbor");
const CLIENT_ID = derivedGuid("application lockstep");
const CLIENT_SECRET = "emulated-secret-of-no-value";
const GRAPH_ROLES = [
  "Presence.Read.All",
  "Presence.ReadWrite.All",
  "User.ReadBasic.All",
  "GroupMember.Read.All",
] as const;
const GRAPH_SCOPES = ["Presence.Read.All", "User.Read"] as const;
/** Delegate lets the application ask CCaaS_GetPresence on behalf of a rep. */
const DATAVERSE_ROLES = ["Omnichannel Supervisor", "Delegate"] as const;

/** Starts Entra, Graph and Dataverse for the same people, each on its own loopback HTTPS port, and the endpoint of a managed identity. */
export async function startTenant(options: TenantOptions = {}): Promise<Tenant> {
  const { nowMs, ports } = options;
  const people = options.people ?? namedPeople();
  const tls = options.tls ?? (await createLoopbackTls(Date.now()));
  const certificate = await generate([{ name: "commonName", value: "lockstep" }], {
    keyType: "rsa",
    keySize: 2048,
    algorithm: "sha256",
  });
  const persons = people.users.flatMap((user) => {
    const { azureObjectId: id, applicationId, email, fullname, isDisabled = false } = user;
    if (id === null || applicationId !== undefined) return [];
    return [{ id, userPrincipalName: email, displayName: fullname, isDisabled }];
  });
  const subscribers = makeSubscribers(options.subscriberAccounts ?? 2);
  const entra = await startEntra({
    tenantId: TENANT_ID,
    apps: [
      {
        clientId: CLIENT_ID,
        secrets: [{ value: CLIENT_SECRET }],
        certificates: [certificate.cert],
        roles: GRAPH_ROLES,
        registeredScopes: GRAPH_SCOPES,
        redirectUris: options.redirectUris ?? [],
      },
    ],
    accounts: [
      ...subscribers,
      ...persons.map(({ id, userPrincipalName, displayName, isDisabled }) => ({
        oid: id,
        upn: userPrincipalName,
        name: displayName,
        enabled: !isDisabled,
      })),
    ],
    tls,
    nowMs,
    port: ports?.entra,
  });
  const verify = (token: string) => entra.verify(token);
  const managedIdentity = await startManagedIdentity({
    clientId: CLIENT_ID,
    issue: entra.issueForWorkload,
  });
  const graph = await startGraph({
    tenantId: TENANT_ID,
    users: persons,
    verify,
    mintToken: entra.mintNotificationToken,
    tls,
    nowMs,
    port: ports?.graph,
  });
  /** In a Teams call or meeting, as only Graph knows; whoever has no account there is in none. */
  const isReallyBusy = (userId: string): boolean => {
    try {
      const { sessions } = graph.control.state({ userId });
      return sessions.some(({ kind }) => kind === "call" || kind === "meeting");
    } catch {
      return false;
    }
  };
  const dataverse = await startDataverse({
    ...options,
    ...people,
    isReallyBusy,
    tenantId: TENANT_ID,
    verify,
    applicationUsers: [
      {
        appId: CLIENT_ID,
        systemUserId: derivedGuid("systemuser lockstep"),
        roles: DATAVERSE_ROLES,
      },
    ],
    tls,
    port: ports?.dataverse,
    authorizationUri: `${entra.url}/${TENANT_ID}/oauth2/authorize`,
  });
  if (options.signedIn) dataverse.control.loginAll();
  return {
    tenantId: TENANT_ID,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    clientCertificatePem: `${certificate.cert}\n${certificate.private}\n`,
    caPem: tls.caPem,
    entra,
    graph,
    dataverse,
    managedIdentity,
    people,
    subscribers,
    close: async () => {
      await Promise.all([entra.close(), graph.close(), dataverse.close(), managedIdentity.close()]);
    },
  };
}

function makeSubscribers(count: number): readonly EntraAccount[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `Presence reader ${index + 1}`;
    const upn = `presence.reader${index + 1}@northharbor.example`;
    return { oid: derivedGuid(`account ${upn}`), upn, name };
  });
}
