import { randomUUID } from "node:crypto";
import {
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  jwtVerify,
  SignJWT,
  type JWK,
  type JWTPayload,
} from "jose";

type Key = { readonly kid: string; readonly privateKey: CryptoKey; readonly publicJwk: JWK };

/**
 * The keys that sign access tokens. Entra rolls them over on its own schedule and keeps the previous
 * key published for a while, so a validator must look keys up by `kid` and never pin one.
 */
export type Signing = {
  sign(claims: JWTPayload): Promise<string>;
  /** Signs any two texts as they are, for those who test what a validator refuses. */
  signText(header: string, payload: string): Promise<string>;
  /** Gives the claims, or null when the signature or the lifetime does not hold. */
  read(token: string, nowMs: number): Promise<JWTPayload | null>;
  /** `retireOld` withdraws the earlier keys at once, as after a compromise. */
  rotate(retireOld: boolean): Promise<void>;
  jwks(): { readonly keys: readonly JWK[] };
};

export async function createSigning(): Promise<Signing> {
  let keys: readonly Key[] = [await createKey()];
  const jwks = () => ({ keys: keys.map((key) => key.publicJwk) });
  return {
    jwks,
    sign: (claims) => {
      const [{ kid, privateKey }] = keys as [Key];
      return new SignJWT(claims)
        .setProtectedHeader({ typ: "JWT", alg: "RS256", kid, x5t: kid })
        .sign(privateKey);
    },
    signText: async (header, payload) => {
      const [{ privateKey }] = keys as [Key];
      const signed = [header, payload]
        .map((text) => Buffer.from(text).toString("base64url"))
        .join(".");
      const bytes = Buffer.from(signed);
      const signature = await crypto.subtle.sign("RSASSA-PKCS1-v1_5", privateKey, bytes);
      return `${signed}.${Buffer.from(signature).toString("base64url")}`;
    },
    read: async (token, nowMs) => {
      try {
        const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: [...jwks().keys] }), {
          algorithms: ["RS256"],
          currentDate: new Date(nowMs),
        });
        return payload;
      } catch {
        return null;
      }
    },
    rotate: async (retireOld) => {
      keys = [await createKey(), ...(retireOld ? [] : keys)];
    },
  };
}

async function createKey(): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  const kid = randomUUID().replaceAll("-", "");
  const publicJwk = { ...(await exportJWK(publicKey)), kid, x5t: kid, use: "sig", alg: "RS256" };
  return { kid, privateKey, publicJwk };
}
