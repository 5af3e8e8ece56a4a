import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { openContent } from "../../src/connectors/teams/encrypted-content.ts";
import { decodeDelivery, type Notification } from "../../src/connectors/teams/notification.ts";
import {
  type EncryptionCertificate,
  NotificationKeys,
} from "../../src/connectors/teams/notification-keys.ts";
import { createSealing } from "../../src/connectors/teams/sealing.ts";
import { createVault } from "../../src/connectors/teams/vault.ts";
import { encryptFor } from "./graph-crypto.ts";
import { Kept } from "./kept.ts";
import "../fuzz/same-cases.ts";

const REP = "6b5a5cf0-9a5e-4b57-9a2a-7f5d4b9a0001";
const OTHER = "6b5a5cf0-9a5e-4b57-9a2a-7f5d4b9a0002";
const SUBSCRIPTION = "7f105c7d-2dc5-4530-97cd-4e7ae6534c07";
const TENANT = "84bd8158-6d4d-4958-8b9f-9d6445542f95";

/** The form that Microsoft published in 2024 for notifications without content. */
const BASIC = {
  subscriptionId: SUBSCRIPTION,
  clientState: "secret",
  changeType: "updated",
  resource: `communications/presences?$filter=id+in+(%27${REP}%27)`,
  subscriptionExpirationDateTime: "2024-04-19T23:58:00.4569264",
  resourceData: {
    "@odata.type": "#Microsoft.Graph.presence",
    "@odata.id": `users/${REP}/presence`,
    id: REP,
  },
  tenantId: TENANT,
};

const decode = (json: unknown) => decodeDelivery(Buffer.from(JSON.stringify(json)));
function only(item: unknown): Notification | undefined {
  const decoded = decode({ value: [item] });
  return "fault" in decoded ? undefined : decoded.notifications[0];
}

describe("[R130] a notification is decoded", () => {
  const change = {
    kind: "change",
    subscriptionId: SUBSCRIPTION,
    clientState: "secret",
    tenantId: TENANT,
    user: REP,
    encrypted: null,
  };

  test("in the published form", () => {
    expect(only(BASIC)).toEqual(change);
  });

  test.each([
    [
      "ids in capitals",
      { subscriptionId: SUBSCRIPTION.toUpperCase(), resourceData: { id: REP.toUpperCase() } },
      {},
    ],
    ["organizationId instead of tenantId", { tenantId: undefined, organizationId: TENANT }, {}],
    ["no tenant at all", { tenantId: null }, { tenantId: null }],
    ["a tenant that is no GUID", { tenantId: "contoso" }, { tenantId: null }],
    ["no secret", { clientState: undefined }, { clientState: null }],
    [
      "only the resource names her",
      { resourceData: null, resource: `communications/presences/${REP}` },
      {},
    ],
    ["only a filter with her alone names her", { resourceData: undefined }, {}],
  ])("with %s", (_what, given, expected) => {
    expect(only({ ...BASIC, ...given })).toEqual({ ...change, ...expected });
  });

  test("never from a filter that names several people", () => {
    const resource = `communications/presences?$filter=id in ('${REP}','${OTHER}')`;
    expect(only({ ...BASIC, resourceData: null, resource })).toBeUndefined();
  });

  test.each(["reauthorizationRequired", "subscriptionRemoved", "missed"])(
    "as the lifecycle event %s, and as unknown if we have no word for it",
    (lifecycleEvent) => {
      const { changeType: _, resource: __, resourceData: ___, ...rest } = BASIC;
      expect(only({ ...rest, lifecycleEvent })).toMatchObject({
        kind: "lifecycle",
        says: lifecycleEvent,
      });
      expect(only({ ...rest, lifecycleEvent: `${lifecycleEvent}2` })).toMatchObject({
        says: "unknown",
      });
    },
  );

  test("with all its siblings, whatever stands between them", () => {
    const decoded = decode({
      value: [BASIC, null, 7, {}, { ...BASIC, resourceData: { id: OTHER } }],
    });
    expect(decoded).toMatchObject({ malformed: 3, tokens: [] });
    expect("fault" in decoded ? [] : decoded.notifications).toMatchObject([
      { user: REP },
      { user: OTHER },
    ]);
  });

  test("with the tokens that vouch for it, and without them when Graph had none", () => {
    expect(decode({ value: [], validationTokens: ["a.b.c"] })).toMatchObject({ tokens: ["a.b.c"] });
    expect(decode({ value: [], validationTokens: null })).toMatchObject({ tokens: [] });
  });

  test.each([
    ["no JSON", "{"],
    ["nothing", ""],
    ["an array", "[]"],
    ["no value", "{}"],
    ["depth", `{"value":${"[".repeat(5_000)}${"]".repeat(5_000)}}`],
  ])("or refused as a whole: %s", (_what, text) => {
    expect(decodeDelivery(Buffer.from(text))).toHaveProperty("fault");
  });
});

test("[R129] nothing makes it throw, and what it keeps is what it counted", () => {
  const item = fc.oneof(
    fc.anything(),
    fc.record(
      Object.fromEntries(
        Object.entries(BASIC).map(([name, value]) => [
          name,
          fc.oneof(fc.constant(value), fc.anything()),
        ]),
      ),
      { requiredKeys: [] },
    ),
  );
  const body = fc.oneof(
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc
      .record({ value: fc.array(item), validationTokens: fc.anything() }, { requiredKeys: [] })
      .map((json) => Buffer.from(JSON.stringify(json, (_key, one: unknown) => plain(one)))),
  );
  fc.assert(
    fc.property(body, (bytes) => {
      const decoded = decodeDelivery(bytes);
      if ("fault" in decoded) return;
      const { value } = JSON.parse(bytes.toString("utf8")) as { value: unknown[] };
      expect(decoded.notifications.length + decoded.malformed).toBe(value.length);
    }),
    { numRuns: 2_000 },
  );
});

/** JSON has no word for these. */
const plain = (value: unknown): unknown => (typeof value === "bigint" ? String(value) : value);

describe("[R132] encrypted content", () => {
  let keys: NotificationKeys;
  let certificate: EncryptionCertificate;
  beforeAll(async () => {
    const vault = createVault(new Kept(), createSealing([randomBytes(32)]));
    keys = new NotificationKeys({ vault, nowMs: Date.now });
    certificate = await keys.current();
  });
  const open = (sent: ReturnType<typeof encryptFor>) => {
    const key = keys.privateKey(sent.encryptionCertificateId);
    if (!key) throw new Error("it names no certificate of ours");
    return openContent(sent, key);
  };

  test("is opened as Graph closes it", () => {
    const presence = { "@odata.id": `users/${REP}/presence`, id: REP, availability: "Busy" };
    expect(open(encryptFor(certificate, presence))).toEqual({ ok: true, user: REP });
  });

  test("is not touched when its signature does not fit, not even to find that it is no JSON", () => {
    const sent = encryptFor(certificate, "no JSON");
    const spoilt = Buffer.from(sent.dataSignature, "base64");
    spoilt[0] = (spoilt[0] ?? 0) ^ 1;
    const refused = { ok: false, reason: "signature" };
    expect(open({ ...sent, dataSignature: spoilt.toString("base64") })).toEqual(refused);
    expect(open({ ...sent, dataSignature: sent.dataSignature.slice(0, 20) })).toEqual(refused);
    expect(open({ ...sent, dataSignature: "" })).toEqual(refused);
    expect(open(sent)).toEqual({ ok: false, reason: "content" });
  });

  test("fails without a throw when any part is wrong", () => {
    const good = encryptFor(certificate, { id: REP });
    expect(open({ ...good, dataKey: good.data })).toEqual({ ok: false, reason: "key" });
    expect(open({ ...good, data: "" })).toMatchObject({ ok: false });
    expect(open(encryptFor(certificate, { id: REP }, { keyBytes: 16 }))).toEqual({
      ok: false,
      reason: "key",
    });
    expect(open(encryptFor(certificate, { id: REP }, { iv: Buffer.alloc(16) }))).toEqual({
      ok: false,
      reason: "content",
    });
    expect(open(encryptFor(certificate, { availability: "Busy" }))).toEqual({
      ok: false,
      reason: "content",
    });
  });
});
