import { createHmac, timingSafeEqual } from "node:crypto";
import type { SystemName } from "../../presence/identity.ts";

/** A partner, and the keys it may sign with: two while one replaces the other. */
export type Partner = { readonly name: SystemName; readonly keys: readonly Uint8Array[] };

/** For the log only; the sender learns nothing but that it was refused. */
export type SignatureRefusal =
  | "signature-header-missing"
  | "signature-header-repeated"
  | "signature-id-malformed"
  | "signature-timestamp-malformed"
  | "signature-timestamp-outside-window"
  | "signature-too-many"
  | "signature-mismatch";

/** What the three Standard Webhooks headers claim, well formed and recent, but not yet verified. */
export type SignatureClaim = {
  /** The sender's idempotency key. */
  readonly id: string;
  /** Unix seconds, as text: exactly what was signed. */
  readonly timestamp: string;
  /** The `v1` signatures, Base64. */
  readonly signatures: readonly string[];
};

export type ClaimResult =
  | { readonly ok: true; readonly claim: SignatureClaim }
  | { readonly ok: false; readonly refusal: SignatureRefusal };

const WINDOW_SECONDS = 300;
const MAX_SIGNATURES = 10;
const HEADERS = ["webhook-id", "webhook-timestamp", "webhook-signature"] as const;

/**
 * Reads the claim from header lines (lower-case names); costs no cryptography, so it can be made before the
 * body is read. An id with a full stop is refused, because `id.timestamp.body` would then have two readings.
 * Rules: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function readClaim(
  headers: readonly (readonly [name: string, value: string])[],
  nowMs: number,
): ClaimResult {
  const refuse = (refusal: SignatureRefusal): ClaimResult => ({ ok: false, refusal });
  const sent = HEADERS.map((name) => headers.filter(([candidate]) => candidate === name));
  if (sent.some((lines) => lines.length === 0)) return refuse("signature-header-missing");
  if (sent.some((lines) => lines.length > 1)) return refuse("signature-header-repeated");
  const [id = "", timestamp = "", signature = ""] = sent.map((lines) => lines[0]?.[1] ?? "");
  if (!/^[\x21-\x2d\x2f-\x7e]{1,256}$/.test(id)) return refuse("signature-id-malformed");
  if (!/^[1-9]\d{0,11}$/.test(timestamp)) return refuse("signature-timestamp-malformed");
  const ageSeconds = Math.floor(nowMs / 1000) - Number(timestamp);
  if (Math.abs(ageSeconds) > WINDOW_SECONDS) return refuse("signature-timestamp-outside-window");
  const offered = signature.split(" ", MAX_SIGNATURES + 1);
  if (offered.length > MAX_SIGNATURES) return refuse("signature-too-many");
  const ours = offered.filter((item) => item.startsWith("v1,"));
  return { ok: true, claim: { id, timestamp, signatures: ours.map((item) => item.slice(3)) } };
}

/**
 * The partner whose key signed exactly these bytes under this claim, or `null`. The bytes are never decoded
 * first, since two bodies may decode to the same text. Every key is tried, whichever matches, in a time that
 * tells nothing about the keys.
 */
export function findSigner(
  claim: SignatureClaim,
  body: Uint8Array,
  partners: readonly Partner[],
): Partner | null {
  const offered = claim.signatures.map((signature) => Buffer.from(signature));
  let signer: Partner | null = null;
  for (const partner of partners) {
    for (const key of partner.keys) {
      const hmac = createHmac("sha256", key).update(`${claim.id}.${claim.timestamp}.`).update(body);
      const expected = Buffer.from(hmac.digest("base64"));
      for (const signature of offered) {
        const isEqual =
          signature.length === expected.length && timingSafeEqual(signature, expected);
        if (isEqual) signer = partner;
      }
    }
  }
  return signer;
}
