import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import {
  AuthError,
  type AuthenticationResult,
  ConfidentialClientApplication,
  type Configuration,
} from "@azure/msal-node";
import { z } from "zod";
import { TEAMS } from "../../presence/identity.ts";
import { SystemError } from "../connector.ts";
import { type Credential, explain, isPublicAuthority } from "../credential.ts";
import type { Vault } from "./vault.ts";

/** The app registration through which accounts sign in. One of secret and certificate; a managed identity has neither. */
export type SubscriberAppOptions = {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret?: string;
  readonly certificatePath?: string;
  readonly authorityHost: string;
  /** `https://graph.microsoft.com/Presence.Read.All` */
  readonly scope: string;
  readonly vault: Vault;
  readonly nowMs: () => number;
  /** A cache could not be stored: the account must be connected anew after a restart, if Entra replaced its token. */
  readonly onUnstored: (error: unknown) => void;
};

/** An account that reads presence for us. */
export type Subscriber = {
  /** Entra object id, lower-case. */
  readonly id: string;
  readonly tenantId: string;
  /** Throws `entra-subscriber-signed-out` when only a new sign-in helps. */
  readonly credential: Credential;
};

/** Who has just signed in, before it is decided whether the account may stay. */
export type SignedIn = {
  readonly id: string;
  readonly tenantId: string;
  /** App roles of ours that were assigned to the account. */
  readonly roles: readonly string[];
  /** Stores the account; only then does it outlive the page. */
  keep(): Promise<Subscriber>;
};

export type SignInRequest = {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  /** Base64url of the SHA-256 of the verifier. */
  readonly challenge: string;
};

export const SUBSCRIBER_KIND = "subscriber";
const TIMEOUT_MS = 15_000;
/**
 * Graph keeps the token that a subscription was made or renewed with, and delivers nothing once it is over. So it
 * has to last until the next renewal, half an hour later. Microsoft: "Receive change notifications through webhooks".
 */
const TOKEN_LIFE_MS = 40 * 60_000;

const stored = z.object({ tenantId: z.string(), cache: z.string() });
const claims = z.object({
  oid: z.string(),
  tid: z.string(),
  roles: z.array(z.string()).nullish().catch(null),
});

/** What Entra and MSAL call a session that only its owner can begin again. */
const SIGNED_OUT: ReadonlySet<string> = new Set([
  "invalid_grant",
  "interaction_required",
  "consent_required",
  "login_required",
  "no_tokens_found",
  "refresh_token_expired",
  "no_account_found",
  "bad_token",
]);

/**
 * Signs subscriber accounts in and keeps them signed in. Each has a token cache of its own, which is sealed into the
 * engine's records whenever it changes.
 */
export class SubscriberApp {
  readonly #options: SubscriberAppOptions;
  /** One for all sign-ins that begin, so that a page asked for often does not become as many calls to Entra. */
  #asking: Promise<ConfidentialClientApplication> | null = null;
  /** Of each account the one that counts. What an earlier one is told late, by a refresh under way, is not stored. */
  readonly #caches = new Map<string, Cache>();

  constructor(options: SubscriberAppOptions) {
    this.#options = options;
  }

  /** The accounts that were connected before, and the ids of those whose record cannot be opened. */
  async load(): Promise<{
    readonly subscribers: readonly Subscriber[];
    readonly unreadable: readonly string[];
  }> {
    const { entries, unreadable } = await this.#options.vault.all(SUBSCRIBER_KIND, stored);
    const subscribers = entries.map(({ id, value }) => this.#subscriber(id, value));
    return { subscribers, unreadable };
  }

  async forget(id: string): Promise<void> {
    const before = this.#caches.get(id);
    this.#caches.delete(id);
    await this.#orBack(id, before, this.#options.vault.forget(SUBSCRIBER_KIND, id));
  }

  /** Where to send the browser. */
  async signInUrl({ challenge, ...request }: SignInRequest): Promise<string> {
    const client = (this.#asking ??= this.#client(new Cache("")));
    const asked = client.then((one) =>
      one.getAuthCodeUrl({
        ...request,
        scopes: [this.#options.scope],
        codeChallenge: challenge,
        codeChallengeMethod: "S256",
        prompt: "select_account",
      }),
    );
    try {
      return await guarded(asked, this.#options);
    } catch (error) {
      this.#asking = null;
      throw error;
    }
  }

  /** Redeems the code that came back. MSAL compares the nonce with the one in the ID token. */
  async redeem(code: {
    readonly code: string;
    readonly redirectUri: string;
    readonly codeVerifier: string;
    readonly nonce: string;
  }): Promise<SignedIn> {
    const cache = new Cache("");
    const client = await this.#client(cache);
    const scopes = [this.#options.scope];
    const result = await guarded(client.acquireTokenByCode({ ...code, scopes }), this.#options);
    const { oid, tid, roles } = claims.parse(result.idTokenClaims);
    const id = oid.toLowerCase();
    const value = { tenantId: tid.toLowerCase(), cache: cache.text };
    return {
      id,
      tenantId: value.tenantId,
      roles: roles ?? [],
      keep: async () => {
        const before = this.#caches.get(id);
        const subscriber = this.#subscriber(id, value);
        await this.#orBack(id, before, this.#options.vault.keep(SUBSCRIBER_KIND, id, value));
        return subscriber;
      },
    };
  }

  /** What could not be stored has changed nothing. */
  async #orBack(id: string, before: Cache | undefined, stored: Promise<void>): Promise<void> {
    try {
      await stored;
    } catch (error) {
      if (before) this.#caches.set(id, before);
      else this.#caches.delete(id);
      throw error;
    }
  }

  #subscriber(id: string, { tenantId, cache: text }: z.output<typeof stored>): Subscriber {
    const { scope, vault, onUnstored } = this.#options;
    const cache: Cache = new Cache(text, async (changed) => {
      if (this.#caches.get(id) !== cache) return;
      try {
        await vault.keep(SUBSCRIBER_KIND, id, { tenantId, cache: changed });
      } catch (error) {
        onUnstored(error);
      }
    });
    this.#caches.set(id, cache);
    let known: Promise<ConfidentialClientApplication> | null = null;
    const acquired = async (forceRefresh: boolean): Promise<AuthenticationResult> => {
      const client = await (known ??= this.#client(cache));
      const [account] = await client.getTokenCache().getAllAccounts();
      if (!account) throw signedOut();
      return client.acquireTokenSilent({ account, scopes: [scope], forceRefresh });
    };
    const acquire = async (forceRefresh: boolean): Promise<AuthenticationResult> => {
      try {
        return await guarded(acquired(forceRefresh), this.#options);
      } catch (error) {
        // The next attempt reads the certificate anew: it may have been renewed.
        known = null;
        throw error;
      }
    };
    const credential: Credential = {
      token: async () => {
        const known = await acquire(false);
        if (this.#livesLong(known)) return known.accessToken;
        try {
          return (await acquire(true)).accessToken;
        } catch (error) {
          // What there is works for now, unless the account is signed out.
          if (error instanceof SystemError && error.retry === "rejected") throw error;
          return known.accessToken;
        }
      },
      replacement: async () => (await acquire(true)).accessToken,
    };
    return { id, tenantId, credential };
  }

  #livesLong({ expiresOn }: AuthenticationResult): boolean {
    return expiresOn !== null && expiresOn.getTime() - this.#options.nowMs() >= TOKEN_LIFE_MS;
  }

  async #client(cachePlugin: Cache): Promise<ConfidentialClientApplication> {
    const { authorityHost, tenantId, clientId } = this.#options;
    const auth: Configuration["auth"] = {
      clientId,
      authority: `${authorityHost}/${tenantId}`,
      ...(isPublicAuthority(authorityHost)
        ? {}
        : { knownAuthorities: [new URL(authorityHost).host] }),
      ...(await this.#proof()),
    };
    return new ConfidentialClientApplication({ auth, cache: { cachePlugin } });
  }

  async #proof(): Promise<Pick<Configuration["auth"], "clientSecret" | "clientCertificate">> {
    const { certificatePath, clientSecret } = this.#options;
    if (certificatePath === undefined) return clientSecret === undefined ? {} : { clientSecret };
    try {
      const pem = await readFile(certificatePath, "utf8");
      const [privateKey = ""] =
        /-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?-----END [A-Z ]*PRIVATE KEY-----/.exec(pem) ?? [];
      const thumbprintSha256 = new X509Certificate(pem).fingerprint256.replaceAll(":", "");
      return { clientCertificate: { thumbprintSha256, privateKey } };
    } catch (error) {
      throw explain(error, TEAMS, this.#options);
    }
  }
}

/** MSAL's token cache as text. MSAL reads it before each use, and tells when it has changed. */
class Cache {
  text: string;
  readonly #onChange: (text: string) => Promise<void>;

  constructor(text: string, onChange = async (_text: string): Promise<void> => undefined) {
    this.text = text;
    this.#onChange = onChange;
  }

  async beforeCacheAccess({ tokenCache }: CacheContext): Promise<void> {
    tokenCache.deserialize(this.text);
  }

  async afterCacheAccess({ tokenCache, cacheHasChanged }: CacheContext): Promise<void> {
    if (!cacheHasChanged) return;
    this.text = tokenCache.serialize();
    await this.#onChange(this.text);
  }
}

type CacheContext = {
  readonly cacheHasChanged: boolean;
  readonly tokenCache: { serialize(): string; deserialize(text: string): void };
};

/** MSAL waits for ever, and its errors may quote the request. */
async function guarded<Result>(
  flight: Promise<Result>,
  options: SubscriberAppOptions,
): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("no answer")), TIMEOUT_MS);
  try {
    return await Promise.race([flight, late]);
  } catch (error) {
    if (error instanceof SystemError) throw error;
    const isOver = error instanceof AuthError && SIGNED_OUT.has(error.errorCode);
    throw isOver ? signedOut(error) : explain(error, TEAMS, options);
  } finally {
    clearTimeout(timer);
  }
}

function signedOut(error?: AuthError): SystemError {
  const aadsts = /AADSTS(\d+)/.exec(error?.message ?? "")?.[0];
  return new SystemError({
    system: TEAMS,
    code: "entra-subscriber-signed-out",
    retry: "rejected",
    nextStep: "Open /connect/teams and sign in again with the subscriber account.",
    surelyNotApplied: true,
    ...(aadsts === undefined ? {} : { detail: aadsts }),
  });
}
