import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

/** Keeps secrets of ours unreadable where they are stored. */
export type Sealing = {
  /** `about` is bound to it: what was sealed about one thing cannot be passed off as another. */
  seal(plain: string, about: string): string;
  /** `null` if it was not sealed with one of our keys, or about something else. */
  open(sealed: string, about: string): string | null;
};

const FORMAT = "v1";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * AES-256-GCM with a new random nonce each time. The first key seals; every key opens, so that one can replace
 * the other without anybody signing in again. Keys are 32 bytes.
 */
export function createSealing(keys: readonly [Buffer, ...Buffer[]]): Sealing {
  return {
    seal(plain, about) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", keys[0], nonce);
      cipher.setAAD(Buffer.from(about));
      const sealed = [nonce, cipher.update(plain, "utf8"), cipher.final(), cipher.getAuthTag()];
      return `${FORMAT}.${Buffer.concat(sealed).toString("base64url")}`;
    },
    open(sealed, about) {
      const [format, text = "", ...more] = sealed.split(".");
      const bytes = Buffer.from(text, "base64url");
      if (format !== FORMAT || more.length > 0) return null;
      // One seal, one spelling: bits that a lenient decoder would overlook are not overlooked.
      if (bytes.toString("base64url") !== text) return null;
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return null;
      for (const key of keys) {
        const plain = openWith(key, bytes, about);
        if (plain !== null) return plain;
      }
      return null;
    },
  };
}

function openWith(key: Buffer, bytes: Buffer, about: string): string | null {
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(about));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    const plain = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
    return Buffer.concat([plain, decipher.final()]).toString("utf8");
  } catch {
    return null;
  }
}
