import { randomBytes } from "node:crypto";
import {
  DEFAULT_QUOTA,
  type Kind,
  type KeptIntegration,
  NAME,
  type Permission,
  type Quota,
} from "./integration.ts";

/** A new secret as Standard Webhooks writes one: 32 random bytes. */
const newSecret = (): string => `whsec_${randomBytes(32).toString("base64")}`;

/** How long the old secret serves on after a rotation, unless said otherwise. */
export const OVERLAP_MS = 24 * 3_600_000;

export type Binding = {
  readonly appId: string | null;
  readonly permissions: readonly Permission[];
  readonly kinds: readonly Kind[];
  readonly reps: readonly string[] | null;
  readonly quota: Partial<Quota>;
};

/** Names are sources of causes: none may be that of a system, or look like an application that is not registered. */
export const isName = (name: string): boolean =>
  NAME.test(name) && name !== "teams" && name !== "dynamics" && !name.startsWith("app-");

/**
 * A new integration. One that comes as an Entra application needs no secret of ours. `before` is one of the same name that
 * was revoked: what was done with it stays known.
 */
export function created(
  binding: Binding,
  nowMs: number,
  before: KeptIntegration | null = null,
): KeptIntegration {
  const { appId, permissions, kinds, reps, quota } = binding;
  return {
    secrets: appId === null ? [{ secret: newSecret(), untilMs: null }] : [],
    appId: appId?.toLowerCase() ?? null,
    permissions: [...permissions],
    kinds: [...kinds],
    reps: reps?.map((id) => id.toLowerCase()) ?? null,
    quota: { ...DEFAULT_QUOTA, ...quota },
    revokedAtMs: null,
    acts: [...(before?.acts ?? []), { atMs: nowMs, what: "created" }],
  };
}

/** A new secret beside the newest old one, which ends after `overlapMs`; an older one ends now. */
export function rotated(of: KeptIntegration, overlapMs: number, nowMs: number): KeptIntegration {
  const newest = of.secrets.at(-1);
  const old = newest ? [{ secret: newest.secret, untilMs: nowMs + overlapMs }] : [];
  const secrets = [...old, { secret: newSecret(), untilMs: null }];
  return { ...of, secrets, acts: [...of.acts, { atMs: nowMs, what: "rotated" }] };
}

/** It is kept, so that what it did can still be named; its secrets are not. */
export const revoked = (of: KeptIntegration, nowMs: number): KeptIntegration => ({
  ...of,
  secrets: [],
  revokedAtMs: of.revokedAtMs ?? nowMs,
  acts: [...of.acts, { atMs: nowMs, what: "revoked" }],
});
