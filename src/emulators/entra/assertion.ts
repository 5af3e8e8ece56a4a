import { createHash, X509Certificate } from "node:crypto";
import { compactVerify, decodeJwt, decodeProtectedHeader, type JWTPayload } from "jose";
import { refusals, type Refusal } from "./refusal.ts";

export const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/**
 * Checks a client assertion as the page "Microsoft identity platform application authentication
 * certificate credentials" describes it; null when it proves that the app holds a registered
 * certificate. PS256 with an SHA-256 thumbprint is today's form, RS256 with SHA-1 is still widely sent.
 */
export async function refuseAssertion(
  assertion: string,
  app: {
    readonly clientId: string;
    readonly certificates: readonly string[];
    readonly isOwnAudience: (audience: string) => boolean;
    readonly nowMs: number;
  },
): Promise<Refusal | null> {
  const parts = decode(assertion);
  if (parts === null) return refusals.malformedAssertion("It could not be decoded.");
  const { thumbprint, claims } = parts;
  if (claims.iss !== app.clientId || claims.sub !== app.clientId) {
    return refusals.assertionNamesOtherApp();
  }
  const certificate = app.certificates.find((pem) => thumbprintsOf(pem).includes(thumbprint));
  if (certificate === undefined) {
    return refusals.badAssertionSignature(
      `The key was not found., Thumbprint of key used by client: '${thumbprint}'`,
    );
  }
  if (!(await isSignedBy(assertion, certificate))) {
    return refusals.badAssertionSignature("The client assertion failed signature validation.");
  }
  if (Date.parse(new X509Certificate(certificate).validTo) < app.nowMs) {
    return refusals.badAssertionSignature("The key used is expired.");
  }
  if (!audiencesOf(claims).some((audience) => app.isOwnAudience(audience))) {
    return refusals.assertionForOtherAudience();
  }
  if (!isTimely(claims, app.nowMs)) return refusals.assertionOutOfTime();
  if (!claims.jti) return refusals.malformedAssertion("The 'jti' claim is missing.");
  return null;
}

function decode(assertion: string): { thumbprint: string; claims: JWTPayload } | null {
  try {
    const header = decodeProtectedHeader(assertion);
    const sha256: unknown = header["x5t#S256"];
    const thumbprint = typeof sha256 === "string" ? sha256 : (header.x5t ?? "");
    return { thumbprint, claims: decodeJwt(assertion) };
  } catch {
    return null;
  }
}

function thumbprintsOf(pem: string): readonly string[] {
  const der = new X509Certificate(pem).raw;
  return ["sha256", "sha1"].map((hash) => createHash(hash).update(der).digest("base64url"));
}

async function isSignedBy(assertion: string, pem: string): Promise<boolean> {
  try {
    const { publicKey } = new X509Certificate(pem);
    await compactVerify(assertion, publicKey, { algorithms: ["PS256", "RS256"] });
    return true;
  } catch {
    return false;
  }
}

function audiencesOf({ aud }: JWTPayload): readonly string[] {
  return typeof aud === "string" ? [aud] : (aud ?? []);
}

// Entra forgives five minutes of clock difference, in both directions.
const SKEW_SECONDS = 300;

function isTimely({ exp, nbf }: JWTPayload, nowMs: number): boolean {
  const now = nowMs / 1000;
  return exp !== undefined && exp > now - SKEW_SECONDS && (nbf ?? now) <= now + SKEW_SECONDS;
}
