import { randomUUID } from "node:crypto";
import { generate } from "selfsigned";

/** A certificate, the key that belongs to it, and what a client must trust to accept it; all PEM. */
export type LoopbackTls = {
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
};

const DAY_MS = 86_400_000;

/**
 * Makes a throw-away, self-signed certificate for `localhost`, `127.0.0.1` and `::1`, valid for 30
 * days around `nowMs`. A client trusts the emulators when `NODE_EXTRA_CA_CERTS` names a file that
 * holds `caPem`.
 */
export async function createLoopbackTls(nowMs: number): Promise<LoopbackTls> {
  // OpenSSL looks trusted certificates up by their subject: two of one name would hide one another.
  const subject = [{ name: "commonName", value: `localhost ${randomUUID()}` }];
  const pems = await generate(subject, {
    keyType: "ec",
    algorithm: "sha256",
    notBeforeDate: new Date(nowMs - DAY_MS),
    notAfterDate: new Date(nowMs + 30 * DAY_MS),
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", digitalSignature: true, keyCertSign: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
          { type: 7, ip: "::1" },
        ],
      },
    ],
  });
  return { caPem: pems.cert, certPem: pems.cert, keyPem: pems.private };
}
