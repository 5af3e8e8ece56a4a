import {
  constants,
  createCipheriv,
  createHash,
  createHmac,
  publicEncrypt,
  randomBytes,
  X509Certificate,
} from "node:crypto";

/** "changeNotificationEncryptedContent": everything base64 but the thumbprint. */
export type EncryptedContent = {
  readonly data: string;
  readonly dataSignature: string;
  readonly dataKey: string;
  readonly encryptionCertificateId: string;
  readonly encryptionCertificateThumbprint: string;
};

const IV_BYTES = 16;

/**
 * Encrypts a resource for a subscriber ("Set up change notifications that include resource data"): a key
 * of 32 bytes for this item only, AES-256-CBC with the first 16 bytes of the key as the initialization
 * vector, HMAC-SHA256 over the encrypted bytes, and the key itself by RSA-OAEP with SHA-1.
 */
export function encryptFor(
  certificate: { readonly id: string; readonly derBase64: string },
  resource: unknown,
): EncryptedContent {
  const x509 = new X509Certificate(Buffer.from(certificate.derBase64, "base64"));
  const key = randomBytes(32);
  const cipher = createCipheriv("aes-256-cbc", key, key.subarray(0, IV_BYTES));
  const data = Buffer.concat([cipher.update(JSON.stringify(resource), "utf8"), cipher.final()]);
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  return {
    data: data.toString("base64"),
    dataSignature: createHmac("sha256", key).update(data).digest("base64"),
    dataKey: publicEncrypt({ key: x509.publicKey, padding, oaepHash: "sha1" }, key).toString(
      "base64",
    ),
    encryptionCertificateId: certificate.id,
    encryptionCertificateThumbprint: createHash("sha1")
      .update(x509.raw)
      .digest("hex")
      .toUpperCase(),
  };
}
