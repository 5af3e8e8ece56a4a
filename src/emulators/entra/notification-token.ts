import { randomUUID } from "node:crypto";
import type { JWTPayload } from "jose";
import { issuerOf } from "./discovery.ts";
import { createSigning, type Signing } from "./signing.ts";

/** A token by which a sender of notifications proves who it is, and how it shall be wrong if it shall. */
export type NotificationToken = {
  /** The audience: the application that is notified. */
  readonly appId: string;
  readonly version: "1.0" | "2.0";
  /** "published" names Microsoft's own issuers. */
  readonly issuer: "emulated" | "published";
  readonly fault:
    | "none"
    | "expired"
    | "wrongCaller"
    | "wrongAudience"
    | "wrongTenant"
    | "foreignKey";
};

/** "Microsoft Graph Change Tracking", the only caller that notifications come from. */
const CHANGE_TRACKING = "0bf30f3b-4a52-48df-9a82-234910c4a086";
const LIFETIME_SECONDS = 3599;

/** Signs a validation token ("Set up change notifications that include resource data"). */
export async function signNotificationToken(
  token: NotificationToken,
  context: {
    readonly url: string;
    readonly tenantId: string;
    readonly nowMs: number;
    readonly signing: Signing;
  },
): Promise<string> {
  const { fault, version, appId } = token;
  const tenantId = fault === "wrongTenant" ? randomUUID() : context.tenantId;
  const caller = fault === "wrongCaller" ? randomUUID() : CHANGE_TRACKING;
  const iat = Math.floor(context.nowMs / 1000) - (fault === "expired" ? 2 * LIFETIME_SECONDS : 0);
  const claims: JWTPayload = {
    aud: fault === "wrongAudience" ? randomUUID() : appId,
    iss:
      token.issuer === "emulated"
        ? issuerOf(context.url, tenantId, version)
        : publishedIssuer(tenantId, version),
    iat,
    nbf: iat,
    exp: iat + LIFETIME_SECONDS,
    ...(version === "2.0" ? { azp: caller, azpacr: "2" } : { appid: caller, appidacr: "2" }),
    oid: CHANGE_TRACKING,
    sub: CHANGE_TRACKING,
    tid: tenantId,
    uti: randomUUID(),
    ver: version,
  };
  const signing = fault === "foreignKey" ? await createSigning() : context.signing;
  return signing.sign(claims);
}

function publishedIssuer(tenantId: string, version: "1.0" | "2.0"): string {
  return version === "2.0"
    ? `https://login.microsoftonline.com/${tenantId}/v2.0`
    : `https://sts.windows.net/${tenantId}/`;
}
