import { createPrivateKey, type KeyObject, randomUUID, X509Certificate } from "node:crypto";
import { generate } from "selfsigned";
import { z } from "zod";
import type { Vault } from "./vault.ts";

/** What a subscription is given so that Graph can encrypt for us. Microsoft: "subscription resource type". */
export type EncryptionCertificate = {
  readonly encryptionCertificate: string;
  readonly encryptionCertificateId: string;
};

export type NotificationKeysOptions = {
  readonly vault: Vault;
  readonly nowMs: () => number;
};

export const KEY_KIND = "notification-key";
const DAY_MS = 86_400_000;
const RENEWED_AFTER_MS = 30 * DAY_MS;
const VALID_MS = 90 * DAY_MS;

const stored = z.object({
  createdAtMs: z.number(),
  certificatePem: z.string(),
  privateKeyPem: z.string(),
});
type Generation = {
  readonly id: string;
  readonly createdAtMs: number;
  readonly certificate: string;
  readonly privateKey: KeyObject;
};

/**
 * The certificates that rich notifications are encrypted for: made by us and replaced every 30 days. The one
 * before stays, because a subscription names it until it is renewed, and what Graph could not deliver is
 * repeated for hours. RSA 2048.
 */
export class NotificationKeys {
  readonly #options: NotificationKeysOptions;
  #generations: readonly Generation[] = [];
  #making: Promise<void> | null = null;

  constructor(options: NotificationKeysOptions) {
    this.#options = options;
  }

  /** What was kept by an earlier process. */
  async load(): Promise<void> {
    const { entries } = await this.#options.vault.all(KEY_KIND, stored);
    this.#generations = entries
      .map(({ id, value }) => generationOf(id, value))
      .toSorted((a, b) => b.createdAtMs - a.createdAtMs);
  }

  /** The certificate for a subscription that is made or renewed now; a new one when the last has had its time. */
  async current(): Promise<EncryptionCertificate> {
    if (this.#isOver(this.#generations[0])) {
      this.#making ??= this.#replace().finally(() => {
        this.#making = null;
      });
      await this.#making;
    }
    const [newest] = this.#generations;
    if (!newest) throw new Error("a certificate was made and is not there");
    return { encryptionCertificate: newest.certificate, encryptionCertificateId: newest.id };
  }

  /** The private key of the certificate that a notification names; `null` if it is none of the last two. */
  privateKey(encryptionCertificateId: string): KeyObject | null {
    return this.#generations.find(({ id }) => id === encryptionCertificateId)?.privateKey ?? null;
  }

  #isOver(generation: Generation | undefined): boolean {
    if (!generation) return true;
    return Math.abs(this.#options.nowMs() - generation.createdAtMs) >= RENEWED_AFTER_MS;
  }

  async #replace(): Promise<void> {
    const { vault, nowMs } = this.#options;
    const createdAtMs = nowMs();
    const pems = await generate([{ name: "commonName", value: "Lockstep notifications" }], {
      keyType: "rsa",
      keySize: 2048,
      algorithm: "sha256",
      notBeforeDate: new Date(createdAtMs - DAY_MS),
      notAfterDate: new Date(createdAtMs + VALID_MS),
    });
    const id = randomUUID();
    const value = { createdAtMs, certificatePem: pems.cert, privateKeyPem: pems.private };
    await vault.keep(KEY_KIND, id, value);
    const [previous, ...over] = this.#generations;
    this.#generations = [generationOf(id, value), ...(previous ? [previous] : [])];
    for (const one of over) await vault.forget(KEY_KIND, one.id);
  }
}

function generationOf(id: string, value: z.output<typeof stored>): Generation {
  const { createdAtMs, certificatePem, privateKeyPem } = value;
  return {
    id,
    createdAtMs,
    certificate: new X509Certificate(certificatePem).raw.toString("base64"),
    privateKey: createPrivateKey(privateKeyPem),
  };
}
