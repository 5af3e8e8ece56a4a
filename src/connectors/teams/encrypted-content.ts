import {
  constants,
  createDecipheriv,
  createHmac,
  type KeyObject,
  privateDecrypt,
  timingSafeEqual,
} from "node:crypto";
import { z } from "zod";
import { type TeamsUserId, teamsUserId } from "../../presence/identity.ts";
import type { EncryptedContent } from "./notification.ts";

export type Opened =
  | { readonly ok: true; readonly user: TeamsUserId }
  | { readonly ok: false; readonly reason: "key" | "signature" | "content" };

const KEY_BYTES = 32;
const content = z.object({ id: z.string().min(1).max(128) });

/**
 * Opens the encrypted part of a rich notification with the private key of the certificate that it names. Pure,
 * and never throws. Microsoft: "Set up change notifications that include resource data".
 *
 * 1. The key of this one item is unwrapped: RSA-OAEP with SHA-1, 32 bytes.
 * 2. The HMAC-SHA256 of the encrypted bytes is compared in constant time before anything is decrypted.
 * 3. AES-256-CBC; the initialization vector is the first half of the key.
 *
 * Only whom it is about is taken from it: what she shows is read.
 */
export function openContent(encrypted: EncryptedContent, privateKey: KeyObject): Opened {
  let key: Buffer;
  try {
    const wrapped = Buffer.from(encrypted.dataKey, "base64");
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    key = privateDecrypt({ key: privateKey, padding, oaepHash: "sha1" }, wrapped);
  } catch {
    return { ok: false, reason: "key" };
  }
  if (key.length !== KEY_BYTES) return { ok: false, reason: "key" };
  const data = Buffer.from(encrypted.data, "base64");
  const signature = Buffer.from(encrypted.dataSignature, "base64");
  const expected = createHmac("sha256", key).update(data).digest();
  if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
    return { ok: false, reason: "signature" };
  }
  try {
    const decipher = createDecipheriv("aes-256-cbc", key, key.subarray(0, 16));
    const text = Buffer.concat([decipher.update(data), decipher.final()]).toString("utf8");
    return { ok: true, user: teamsUserId(content.parse(JSON.parse(text)).id) };
  } catch {
    return { ok: false, reason: "content" };
  }
}
