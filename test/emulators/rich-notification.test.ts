import {
  constants,
  createDecipheriv,
  createHash,
  createHmac,
  privateDecrypt,
  X509Certificate,
} from "node:crypto";
import { createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import { generate } from "selfsigned";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { GraphTenant, TENANT_ID, WRITER } from "./graph-tenant.ts";
import { openEndpoint, type NotificationEndpoint } from "./notification-endpoint.ts";
import { Subscriber } from "./subscriber.ts";

const CHANGE_TRACKING = "0bf30f3b-4a52-48df-9a82-234910c4a086";
const RSA = { keyType: "rsa", keySize: 2048, algorithm: "sha256" } as const;

type Pems = { readonly cert: string; readonly private: string };
type Content = {
  readonly data: string;
  readonly dataSignature: string;
  readonly dataKey: string;
  readonly encryptionCertificateId: string;
  readonly encryptionCertificateThumbprint: string;
};

let tenant: GraphTenant;
let endpoint: NotificationEndpoint;
let subscriber: Subscriber;
let pems: Pems;

beforeAll(async () => {
  tenant = await GraphTenant.start();
  endpoint = await openEndpoint();
  subscriber = new Subscriber(tenant);
  pems = await generate([{ name: "commonName", value: "lockstep" }], RSA);
});

afterEach(() => {
  tenant.graph.control.removeSubscription();
  tenant.graph.control.setPush({
    tokenVersion: "2.0",
    tokenIssuer: "emulated",
    tokenFault: "none",
  });
  endpoint.forget();
});

afterAll(() => Promise.all([tenant.close(), endpoint.close()]));

const derOf = ({ cert }: Pems) => new X509Certificate(cert).raw.toString("base64");

async function watch() {
  const userId = tenant.addUser();
  const { id } = await subscriber.subscribe(endpoint.url, [userId], {
    includeResourceData: true,
    encryptionCertificate: derOf(pems),
    encryptionCertificateId: "first",
  });
  return { id, userId };
}

async function notified(userId: string, availability: "Busy" | "Away" = "Busy") {
  endpoint.forget();
  tenant.graph.control.setClient({ userId, availability });
  await tenant.graph.control.deliveriesSettled();
  const [posted] = endpoint.posted;
  if (!posted) throw new Error("nothing was posted");
  const content = posted.value[0]?.["encryptedContent"] as Content;
  return { ...posted, content, tokens: posted.validationTokens ?? [] };
}

function keyOf({ dataKey }: Content, { private: key }: Pems): Buffer {
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  return privateDecrypt({ key, padding, oaepHash: "sha1" }, Buffer.from(dataKey, "base64"));
}

function isSigned({ data, dataSignature }: Content, key: Buffer): boolean {
  const signature = createHmac("sha256", key).update(Buffer.from(data, "base64")).digest("base64");
  return signature === dataSignature;
}

function decrypt({ data }: Content, key: Buffer): unknown {
  const decipher = createDecipheriv("aes-256-cbc", key, key.subarray(0, 16));
  const text = decipher.update(data, "base64", "utf8") + decipher.final("utf8");
  return JSON.parse(text);
}

describe("a rich notification", () => {
  it("carries the presence, signed and encrypted for the subscriber's certificate", async () => {
    const { userId } = await watch();
    const { content } = await notified(userId);
    const key = keyOf(content, pems);
    expect(key).toHaveLength(32);
    expect(isSigned(content, key)).toBe(true);
    expect(decrypt(content, key)).toEqual({
      "@odata.id": `users/${userId}/presence`,
      "@odata.type": "#microsoft.graph.presence",
      id: userId,
      availability: "Busy",
      activity: "Busy",
    });
    expect(content.encryptionCertificateId).toBe("first");
    expect(content.encryptionCertificateThumbprint.toLowerCase()).toBe(
      createHash("sha1").update(new X509Certificate(pems.cert).raw).digest("hex"),
    );
    const again = await notified(userId, "Away");
    expect(keyOf(again.content, pems)).not.toEqual(key);
  });

  it("is for the new certificate after a PATCH has brought it", async () => {
    const { id, userId } = await watch();
    const next = await generate([{ name: "commonName", value: "lockstep" }], RSA);
    const change = { encryptionCertificate: derOf(next), encryptionCertificateId: "second" };
    expect((await subscriber.call("PATCH", `/subscriptions/${id}`, change)).status).toBe(200);
    const { content } = await notified(userId);
    expect(content.encryptionCertificateId).toBe("second");
    expect(decrypt(content, keyOf(content, next))).toMatchObject({ id: userId });
  });

  const versions = [
    ["1.0", "appid"],
    ["2.0", "azp"],
  ] as const;
  it.each(versions)("proves its sender with a v%s token, in %s", async (version, claim) => {
    tenant.graph.control.setPush({ tokenVersion: version });
    const { userId } = await watch();
    const { tokens } = await notified(userId);
    expect(tokens).toHaveLength(1);
    const keys = createRemoteJWKSet(new URL(`${tenant.entra.url}/common/discovery/v2.0/keys`));
    const { payload } = await jwtVerify(tokens[0] ?? "", keys, {
      issuer: tenant.entra.issuer(version),
      audience: WRITER,
    });
    expect(payload).toMatchObject({ [claim]: CHANGE_TRACKING, tid: TENANT_ID, ver: version });
  });

  it.each([
    ["1.0", `https://sts.windows.net/${TENANT_ID}/`],
    ["2.0", `https://login.microsoftonline.com/${TENANT_ID}/v2.0`],
  ] as const)("can name Microsoft's own v%s issuer", async (tokenVersion, issuer) => {
    tenant.graph.control.setPush({ tokenVersion, tokenIssuer: "published" });
    const { userId } = await watch();
    const { tokens } = await notified(userId);
    expect(decodeJwt(tokens[0] ?? "").iss).toBe(issuer);
  });

  it("can come without tokens, as when Graph gets none", async () => {
    tenant.graph.control.setPush({ tokenFault: "null" });
    const { userId } = await watch();
    expect((await notified(userId)).validationTokens).toBeNull();
  });

  it.each(["expired", "wrongAudience", "wrongTenant", "foreignKey"] as const)(
    "can come with a token that is no proof: %s",
    async (tokenFault) => {
      tenant.graph.control.setPush({ tokenFault });
      const { userId } = await watch();
      const { tokens } = await notified(userId);
      const keys = createRemoteJWKSet(new URL(`${tenant.entra.url}/common/discovery/v2.0/keys`));
      const options = { issuer: tenant.entra.issuer("2.0"), audience: WRITER };
      await expect(jwtVerify(tokens[0] ?? "", keys, options)).rejects.toThrow();
    },
  );

  it("can come from somebody who is not Graph", async () => {
    tenant.graph.control.setPush({ tokenFault: "wrongCaller" });
    const { userId } = await watch();
    const { tokens } = await notified(userId);
    expect(decodeJwt(tokens[0] ?? "")["azp"]).not.toBe(CHANGE_TRACKING);
  });

  it("can be spoilt in each of its parts, once", async () => {
    const { id, userId } = await watch();
    const spoil = async (part: Parameters<typeof tenant.graph.control.spoilNotifications>[0]) => {
      tenant.graph.control.spoilNotifications(part);
      tenant.graph.control.sendNotification({ subscriptionId: id, userId });
      endpoint.forget();
      await tenant.graph.control.deliveriesSettled();
      const item = endpoint.posted[0]?.value[0];
      return { item, content: item?.["encryptedContent"] as Content };
    };
    for (const part of ["data", "dataSignature"] as const) {
      const { content } = await spoil({ part });
      expect(isSigned(content, keyOf(content, pems))).toBe(false);
    }
    const { content: locked } = await spoil({ part: "dataKey" });
    expect(() => keyOf(locked, pems)).toThrow();
    const { content: unknown } = await spoil({ part: "certificateId" });
    expect(unknown.encryptionCertificateId).not.toBe("first");
    for (const part of ["clientState", "subscriptionId", "tenantId"] as const) {
      const { item } = await spoil({ part });
      const intact = { clientState: "secret of the subscription", subscriptionId: id };
      expect(item?.[part]).not.toBe({ ...intact, tenantId: TENANT_ID }[part]);
    }
    const { content } = await notified(userId);
    expect(isSigned(content, keyOf(content, pems))).toBe(true);
  });
});
