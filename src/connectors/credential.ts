import {
  ClientCertificateCredential,
  ClientSecretCredential,
  ManagedIdentityCredential,
} from "@azure/identity";
import type { SystemName } from "../presence/identity.ts";
import { SystemError } from "./connector.ts";

/** How the service proves who it is: the first of certificate, secret and managed identity that is given. */
export type CredentialOptions = {
  readonly tenantId: string;
  readonly clientId: string;
  /** A PEM file with the certificate and its private key. Read anew for every token, so it can be renewed. */
  readonly certificatePath?: string;
  readonly clientSecret?: string;
  /** Of a user-assigned managed identity; without it the system-assigned one is used. */
  readonly managedIdentityClientId?: string;
  /** `https://login.microsoftonline.com` unless the tenant lives elsewhere. HTTPS only. */
  readonly authorityHost?: string;
  /** Before the names of this app's settings, in what an error says is to be done: `READER_`. */
  readonly settingsPrefix?: string;
  readonly nowMs: () => number;
};

/** Who asks, and for what. The system is named so that the error says which one is cut off. */
type TokenRequest = {
  /** `https://graph.microsoft.com/.default` */
  readonly scope: string;
  readonly system: SystemName;
  readonly signal: AbortSignal;
};

/**
 * Access tokens of one application, one per scope, kept until 80 % of their life is over; then one request
 * fetches the next while the old one still serves. However many ask, at most one request is under way.
 * Throws `SystemError` with a code that begins with `entra-`, always `unavailable`: a secret is mended by
 * an administrator, and what was deferred must then go through without anybody choosing again.
 */
export type Credential = {
  token(request: TokenRequest): Promise<string>;
  /**
   * After a 401: a token that is not the refused one. Ask once per request, never in a loop. A managed
   * identity may give the same again: the library keeps its tokens for the whole process until they expire.
   */
  replacement(request: TokenRequest, refused: string): Promise<string>;
};

type Token = { readonly text: string; readonly refreshAtMs: number; readonly expiresAtMs: number };

/** One scope's token, and the request that will replace it. */
type Slot = { token: Token | null; flight: Promise<Token> | null; notBeforeMs: number };

const TOKEN_TIMEOUT_MS = 15_000;
const FRESH_SHARE = 0.8;
/** After a failed refresh the old token serves on; this long passes before the next attempt. */
const REFRESH_PAUSE_MS = 30_000;

export function createCredential(options: CredentialOptions): Credential {
  const slots = new Map<string, Slot>();

  function slotOf(scope: string): Slot {
    const slot = slots.get(scope) ?? { token: null, flight: null, notBeforeMs: 0 };
    slots.set(scope, slot);
    return slot;
  }

  function fly(slot: Slot, { scope, system }: TokenRequest): Promise<Token> {
    const landed = acquire(options, scope).then(
      (token) => {
        slot.token = token;
        return token;
      },
      (error: unknown) => {
        slot.notBeforeMs = options.nowMs() + REFRESH_PAUSE_MS;
        throw explain(error, system, options);
      },
    );
    slot.flight = landed.finally(() => {
      slot.flight = null;
    });
    return slot.flight;
  }

  return {
    async token(request) {
      const slot = slotOf(request.scope);
      const nowMs = options.nowMs();
      if (!slot.token || nowMs >= slot.token.expiresAtMs) {
        return (await unlessAborted(slot.flight ?? fly(slot, request), request)).text;
      }
      if (nowMs >= slot.token.refreshAtMs && nowMs >= slot.notBeforeMs && !slot.flight) {
        // The old token still serves; if this fails until it expires, the next caller hears why.
        fly(slot, request).catch(() => undefined);
      }
      return slot.token.text;
    },
    async replacement(request, refused) {
      const slot = slotOf(request.scope);
      if (slot.token && slot.token.text !== refused) return slot.token.text;
      return (await unlessAborted(slot.flight ?? fly(slot, request), request)).text;
    },
  };
}

/**
 * A new credential object for every token: each keeps a cache of its own that would hand out the very token
 * we want replaced.
 */
async function acquire(options: CredentialOptions, scope: string): Promise<Token> {
  const issued = await azureCredential(options).getToken(scope, {
    abortSignal: AbortSignal.timeout(TOKEN_TIMEOUT_MS),
  });
  const nowMs = options.nowMs();
  const lifeMs = issued.expiresOnTimestamp - nowMs;
  return {
    text: issued.token,
    refreshAtMs: nowMs + lifeMs * FRESH_SHARE,
    expiresAtMs: issued.expiresOnTimestamp,
  };
}

/** Instance discovery asks the public cloud about the authority; any other server would be unknown there. */
const PUBLIC_AUTHORITIES: ReadonlySet<string> = new Set([
  "login.microsoftonline.com",
  "login.windows.net",
  "login.microsoft.com",
  "login.microsoftonline.us",
  "login.partner.microsoftonline.cn",
  "login.chinacloudapi.cn",
]);

/** True unless the authority is one that Microsoft's own would not know, such as an emulator. */
export function isPublicAuthority(authorityHost: string): boolean {
  return PUBLIC_AUTHORITIES.has(new URL(authorityHost).hostname.toLowerCase());
}

function azureCredential(options: CredentialOptions) {
  const { tenantId, clientId, certificatePath, clientSecret, authorityHost } = options;
  const authority = authorityHost ? new URL(authorityHost) : null;
  const known = !authorityHost || isPublicAuthority(authorityHost);
  const settings = {
    ...(authority ? { authorityHost: authority.href.replace(/\/$/, "") } : {}),
    disableInstanceDiscovery: !known,
    retryOptions: { maxRetries: 1, retryDelayInMs: 500 },
  };
  if (certificatePath) {
    return new ClientCertificateCredential(tenantId, clientId, certificatePath, settings);
  }
  if (clientSecret) return new ClientSecretCredential(tenantId, clientId, clientSecret, settings);
  const { managedIdentityClientId } = options;
  return new ManagedIdentityCredential(
    managedIdentityClientId ? { clientId: managedIdentityClientId } : {},
  );
}

async function unlessAborted(flight: Promise<Token>, request: TokenRequest): Promise<Token> {
  const { signal, system } = request;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void =>
    reject(
      new SystemError({
        system,
        code: "entra-aborted",
        retry: "unavailable",
        nextStep: "Nothing: the caller stopped waiting for a token.",
        surelyNotApplied: true,
      }),
    );
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([flight, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

type Refusal = readonly [code: string, nextStep: string];

/** Microsoft: "Microsoft Entra authentication and authorization error codes". */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  7000215: [
    "entra-secret-wrong",
    "Set CLIENT_SECRET to the value of a client secret of this app (not to the secret's id).",
  ],
  7000222: [
    "entra-secret-expired",
    "Create a new client secret for the app and set CLIENT_SECRET, or move to a certificate.",
  ],
  700016: [
    "entra-app-unknown",
    "Check CLIENT_ID and TENANT_ID: the tenant has no such application, or nobody has consented to it.",
  ],
  700027: [
    "entra-certificate-unregistered",
    "Upload the certificate of CLIENT_CERTIFICATE_PATH to the app registration, under Certificates & secrets.",
  ],
  7000218: [
    "entra-credential-missing",
    "Set CLIENT_CERTIFICATE_PATH or CLIENT_SECRET: the app has to prove who it is.",
  ],
  90002: ["entra-tenant-unknown", "Check TENANT_ID and AUTHORITY_HOST: there is no such tenant."],
  900023: ["entra-tenant-unknown", "Check TENANT_ID: it is neither an id nor a domain name."],
  500011: [
    "entra-resource-unknown",
    "Check GRAPH_URL and DATAVERSE_URL: the tenant knows no resource of that address.",
  ],
  700024: ["entra-clock-wrong", "Set this computer's clock: the signed assertion is out of time."],
  53003: [
    "entra-conditional-access",
    "Let the app through the tenant's Conditional Access policy for workload identities.",
  ],
  7000112: ["entra-app-disabled", "Enable the enterprise application in the tenant."],
};

/** The library does not tell an unknown tenant from an authority that cannot be reached. */
const UNAVAILABLE: Refusal = [
  "entra-unavailable",
  "Wait; if it lasts, check TENANT_ID and AUTHORITY_HOST, that the host can be reached, and that its certificate is trusted (NODE_EXTRA_CA_CERTS).",
];

/** Codes that mean "try again": AADSTS90033, 90006, 90024, 90012. */
const TRANSIENT: ReadonlySet<string> = new Set(["90033", "90006", "90024", "90012"]);

/** The text of the library's error may quote the request; only the number in it leaves this function. */
export function explain(
  error: unknown,
  system: SystemName,
  options: Pick<CredentialOptions, "certificatePath" | "clientSecret" | "settingsPrefix">,
): SystemError {
  const text = error instanceof Error ? error.message : "";
  const aadsts = /AADSTS(\d+)/.exec(text)?.[1];
  const [code, nextStep] = refusalOf(error, aadsts, options);
  return new SystemError({
    system,
    code,
    retry: "unavailable",
    nextStep: nextStep.replaceAll("CLIENT_", `${options.settingsPrefix ?? ""}CLIENT_`),
    surelyNotApplied: true,
    ...(aadsts ? { detail: `AADSTS${aadsts}` } : {}),
  });
}

function refusalOf(
  error: unknown,
  aadsts: string | undefined,
  options: Pick<CredentialOptions, "certificatePath" | "clientSecret">,
): Refusal {
  if (aadsts !== undefined) {
    if (TRANSIENT.has(aadsts)) return UNAVAILABLE;
    const other = `Look AADSTS${aadsts} up in Microsoft's list of sign-in error codes.`;
    return REFUSALS[aadsts] ?? ["entra-refused", other];
  }
  const { certificatePath, clientSecret } = options;
  if (certificatePath && isAboutTheFile(error)) {
    return [
      "entra-certificate-unreadable",
      "Make CLIENT_CERTIFICATE_PATH name a readable PEM file that holds the certificate and its key.",
    ];
  }
  if (!certificatePath && !clientSecret && nameOf(error) === "CredentialUnavailableError") {
    return [
      "entra-managed-identity-missing",
      "Assign a managed identity to this host, or set CLIENT_CERTIFICATE_PATH or CLIENT_SECRET.",
    ];
  }
  return UNAVAILABLE;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}

function isAboutTheFile(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? String(error.code) : "";
  return (
    /^(ENOENT|EACCES|EISDIR|EPERM|ERR_OSSL|ERR_CRYPTO)/.test(code) || /PEM/i.test(error.message)
  );
}
