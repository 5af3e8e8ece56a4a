import { constants, createCipheriv, createHmac, publicEncrypt, randomBytes } from "node:crypto";
import { X509Certificate } from "node:crypto";
import type { EncryptedContent } from "../../src/connectors/teams/notification.ts";
import type { EncryptionCertificate } from "../../src/connectors/teams/notification-keys.ts";

/** Encrypts as Microsoft publishes that Graph does: "Set up change notifications that include resource data". */
export function encryptFor(
  certificate: EncryptionCertificate,
  content: unknown,
  spoil: { readonly keyBytes?: number; readonly iv?: Buffer } = {},
): EncryptedContent {
  const der = Buffer.from(certificate.encryptionCertificate, "base64");
  const key = randomBytes(spoil.keyBytes ?? 32);
  const cipherKey = Buffer.concat([key, Buffer.alloc(32)]).subarray(0, 32);
  const cipher = createCipheriv("aes-256-cbc", cipherKey, spoil.iv ?? cipherKey.subarray(0, 16));
  const text = typeof content === "string" ? content : JSON.stringify(content);
  const data = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const dataKey = publicEncrypt({ key: new X509Certificate(der).publicKey, padding }, key);
  return {
    data: data.toString("base64"),
    dataSignature: createHmac("sha256", key).update(data).digest("base64"),
    dataKey: dataKey.toString("base64"),
    encryptionCertificateId: certificate.encryptionCertificateId,
  };
}
