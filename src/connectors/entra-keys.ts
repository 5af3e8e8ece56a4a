import { createLocalJWKSet, type JWTVerifyGetKey } from "jose";
import { z } from "zod";

/** The part of `fetch` that is used; undici's and Node's both fit. */
export type FetchKeys = (
  url: string,
  options: { readonly redirect: "error"; readonly signal: AbortSignal },
) => Promise<{
  readonly ok: boolean;
  readonly body: AsyncIterable<Uint8Array> | null;
}>;

/** The public keys that a tenant signs with, and the tenant's id. */
type TenantKeys = {
  /** GUID, lower-case; Entra writes it into every token, even if the tenant is configured by its domain. */
  readonly tenantId: string;
  readonly find: JWTVerifyGetKey;
  readonly has: (kid: string) => boolean;
};

export type EntraKeys = {
  /** The keys now known, fetched if there are none. `null`: there are none, and none can be had. */
  current(): Promise<TenantKeys | null>;
  /** The keys after looking for one that is not known, unless that was done a moment ago. */
  lookFor(kid: string): Promise<TenantKeys | null>;
};

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const FETCH_TIMEOUT_MS = 10_000;
const MAX_BYTES = 512 * 1024;
/** Microsoft: "Signing key rollover"; a key is announced at least a day before it signs, except after a theft. */
const STALE_AFTER_MS = 24 * 3_600_000;
/** A stranger can name any number of keys; Entra is asked for one of them this often at most. */
const LOOK_AGAIN_MS = 5 * 60_000;
const RETRY_MS = 10_000;

const keySet = z.object({ keys: z.array(z.unknown()) });
const rsaKey = z.looseObject({
  kid: z.string().min(1),
  kty: z.literal("RSA"),
  n: z.string(),
  e: z.string(),
});
const discovery = z.object({ issuer: z.string() });

/**
 * Keeps a tenant's signing keys. They are fetched when first needed, once a day, and when a token names one that
 * is not known, at most every five minutes; whoever asks meanwhile waits for the same request. While Entra does
 * not answer, the keys that are known serve on. Never rejects.
 */
export function createEntraKeys(options: {
  /** `https://login.microsoftonline.com`, without a final slash. */
  readonly authority: string;
  /** A GUID or a domain name of the tenant. */
  readonly tenant: string;
  readonly nowMs: () => number;
  readonly fetch: FetchKeys;
}): EntraKeys {
  const { authority, tenant, nowMs } = options;
  let keys: TenantKeys | null = null;
  let flight: Promise<void> | null = null;
  let staleAtMs = -Infinity;
  let lookedForAtMs = -Infinity;

  async function load(): Promise<void> {
    try {
      const [tenantId, set] = await Promise.all([
        tenantIdOf(tenant, authority, options.fetch),
        get(`${authority}/${tenant}/discovery/v2.0/keys`, keySet, options.fetch),
      ]);
      // A key of another kind beside them, which has other members, costs nobody the ones that we can use.
      const usable = set.keys.flatMap((key) => rsaKey.safeParse(key).data ?? []);
      const kids = new Set(usable.map(({ kid }) => kid));
      keys = { tenantId, find: createLocalJWKSet({ keys: usable }), has: (kid) => kids.has(kid) };
      staleAtMs = nowMs() + STALE_AFTER_MS;
    } catch {
      staleAtMs = nowMs() + RETRY_MS;
    }
  }

  function refresh(): Promise<void> {
    flight ??= load().finally(() => {
      flight = null;
    });
    return flight;
  }

  return {
    async current() {
      if (flight || nowMs() >= staleAtMs) {
        const refreshed = refresh();
        // Keys that are merely old serve while they are fetched anew.
        if (!keys) await refreshed;
      }
      return keys;
    },
    async lookFor(kid) {
      if (nowMs() - lookedForAtMs >= LOOK_AGAIN_MS) {
        lookedForAtMs = nowMs();
        await refresh();
      } else if (flight) await flight;
      return keys?.has(kid) ? keys : null;
    },
  };
}

async function tenantIdOf(tenant: string, authority: string, fetch: FetchKeys): Promise<string> {
  if (GUID.test(tenant)) return tenant;
  const url = `${authority}/${tenant}/v2.0/.well-known/openid-configuration`;
  const { issuer } = await get(url, discovery, fetch);
  const [, id] = new URL(issuer).pathname.split("/");
  if (id === undefined || !GUID.test(id)) throw new Error("the tenant has no id");
  return id;
}

async function get<Shape>(url: string, shape: z.ZodType<Shape>, fetch: FetchKeys): Promise<Shape> {
  const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS);
  const answer = await fetch(url, { redirect: "error", signal });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error("far too long");
    chunks.push(chunk);
  }
  if (!answer.ok) throw new Error("not answered");
  return shape.parse(JSON.parse(Buffer.concat(chunks).toString("utf8")));
}
