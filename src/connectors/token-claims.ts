import { z } from "zod";

const claims = z.object({ roles: z.array(z.string()).catch([]) });

/**
 * The application roles that an access token of our own carries, or `null` when it cannot be looked into. For saying
 * what is missing, never for letting anybody in: the signature is not checked. Microsoft calls Graph's tokens opaque,
 * so nothing else may rest on this.
 */
export function appRolesIn(token: string): readonly string[] | null {
  const [, payload = ""] = token.split(".");
  try {
    const json: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    return claims.safeParse(json).data?.roles ?? null;
  } catch {
    return null;
  }
}
