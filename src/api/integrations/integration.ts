import { z } from "zod";
import { type RepIdentity, type SystemName, systemName } from "../../presence/identity.ts";

/** What an integration may say: a call, a status, a shift; `override` lets a status end calls of others. */
export const KINDS = ["hold", "status", "shift", "override"] as const;
export type Kind = (typeof KINDS)[number];

export const PERMISSIONS = ["read", "write"] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** How much one integration may ask for; a bulk call counts once for each of its items. */
export type Quota = {
  readonly requestsPerMinute: number;
  readonly burst: number;
  readonly holdsPerRep: number;
  readonly shifts: number;
  readonly subscriptions: number;
  readonly streams: number;
};

/** Room for a thousand calls that begin within ten seconds, and for their ends in the next moment. */
export const DEFAULT_QUOTA: Quota = {
  requestsPerMinute: 6_000,
  burst: 2_000,
  holdsPerRep: 20,
  shifts: 50_000,
  subscriptions: 20,
  streams: 5,
};

/** The kind of the records in which integrations are kept; a record's id is the integration's name. */
export const INTEGRATION_RECORD = "integration";

const quota = z.object({
  requestsPerMinute: z.number().positive(),
  burst: z.number().positive(),
  holdsPerRep: z.int().min(1),
  shifts: z.int().min(0),
  subscriptions: z.int().min(0),
  streams: z.int().min(0),
});

const ACTS = ["created", "rotated", "revoked"] as const;

const kept = z.object({
  /** `whsec_…`; one that is being replaced ends at `untilMs`. */
  secrets: z.array(z.object({ secret: z.string(), untilMs: z.number().nullable() })).max(2),
  /** The Entra application that may act as this integration. */
  appId: z.string().nullable(),
  permissions: z.array(z.enum(PERMISSIONS)),
  kinds: z.array(z.enum(KINDS)),
  /** Either id of each rep, lower-case; `null`: everybody. */
  reps: z.array(z.string()).nullable(),
  quota,
  revokedAtMs: z.number().nullable(),
  /** What administrators did with it, oldest first. */
  acts: z.array(z.object({ atMs: z.number(), what: z.enum(ACTS) })).default([]),
});
/** An integration as it is kept. Its secrets are in it: they sign, so they cannot be kept as hashes. */
export type KeptIntegration = z.infer<typeof kept>;

/** Somebody who may use the API, and what it is bound to. Its name is the source of all that it says. */
export type Integration = {
  readonly name: SystemName;
  readonly keys: readonly Uint8Array[];
  readonly appId: string | null;
  readonly permissions: ReadonlySet<Permission>;
  readonly kinds: ReadonlySet<Kind>;
  readonly reps: ReadonlySet<string> | null;
  readonly quota: Quota;
  readonly revoked: boolean;
};

export const NAME = /^[a-z][a-z0-9-]{0,31}$/;

export const keyOf = (secret: string): Buffer =>
  Buffer.from(secret.replace(/^whsec_/, ""), "base64");

/** `null` for a record that cannot be read: whoever it is for gets in no more. */
export function integrationOf(name: string, body: unknown, nowMs: number): Integration | null {
  const read = kept.safeParse(body);
  if (!read.success || !NAME.test(name)) return null;
  const { secrets, appId, permissions, kinds, reps, revokedAtMs } = read.data;
  const live = secrets.filter(({ untilMs }) => untilMs === null || untilMs > nowMs);
  const revoked = revokedAtMs !== null;
  return {
    name: systemName(name),
    keys: revoked ? [] : live.map(({ secret }) => keyOf(secret)),
    appId,
    permissions: new Set(permissions),
    kinds: new Set(kinds),
    reps: reps === null ? null : new Set(reps),
    quota: read.data.quota,
    revoked,
  };
}

export const readKept = (body: unknown): KeptIntegration | null =>
  kept.safeParse(body).data ?? null;

/** One that is bound to nobody and nothing in particular. */
export function unbound(name: SystemName, keys: readonly Uint8Array[]): Integration {
  return {
    name,
    keys,
    appId: null,
    permissions: new Set(PERMISSIONS),
    kinds: new Set(KINDS),
    reps: null,
    quota: DEFAULT_QUOTA,
    revoked: false,
  };
}

/** True when the rep is one of those whom the integration may see and touch. */
export function covers({ reps }: Integration, identity: RepIdentity): boolean {
  if (reps === null) return true;
  return [identity.rep, identity.systemUserId, identity.teamsUserId].some((id) => reps.has(id));
}
