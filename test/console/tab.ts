import type { Tenant } from "../../src/emulators/tenant.ts";

const TEAMS_CLIENT = "1fec8e78-bce4-4aaf-ab1b-5451cc387264";

export type TabToken = {
  readonly objectId: string;
  /** Claims that differ from what Entra says of a person in Teams; `undefined` takes one away. */
  readonly claims?: Readonly<Record<string, unknown>>;
};

/** The token that Teams gets for the page of a tab (Microsoft: "Tabs single sign-on"). */
export async function tabToken(
  { entra, tenantId, clientId }: Tenant,
  { objectId, claims = {} }: TabToken,
): Promise<string> {
  const keys = await fetch(`${entra.url}/${tenantId}/discovery/v2.0/keys`);
  const { keys: found } = (await keys.json()) as {
    readonly keys: readonly { readonly kid: string }[];
  };
  const header = { alg: "RS256", typ: "JWT", kid: found.at(-1)?.kid };
  const now = Math.floor(Date.now() / 1_000);
  const payload = {
    aud: clientId,
    iss: `${entra.url}/${tenantId}/v2.0`,
    tid: tenantId,
    iat: now,
    nbf: now,
    exp: now + 3_600,
    oid: objectId,
    azp: TEAMS_CLIENT,
    scp: "access_as_user",
    ver: "2.0",
    ...claims,
  };
  const text = { header: JSON.stringify(header), payload: JSON.stringify(payload) };
  return entra.control.signText(text);
}
