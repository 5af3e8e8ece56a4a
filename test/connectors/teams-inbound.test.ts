import { randomBytes } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Handshake } from "../../src/connectors/teams/handshake.ts";
import {
  createTeamsInbound,
  type TeamsInboundOptions,
} from "../../src/connectors/teams/inbound.ts";
import {
  type EncryptionCertificate,
  NotificationKeys,
} from "../../src/connectors/teams/notification-keys.ts";
import { createSealing } from "../../src/connectors/teams/sealing.ts";
import { createVault } from "../../src/connectors/teams/vault.ts";
import { ask, type RawAnswer, request, type Running, start } from "../http/raw-http.ts";
import { encryptFor } from "./graph-crypto.ts";
import { Kept } from "./kept.ts";

const REP = "6b5a5cf0-9a5e-4b57-9a2a-7f5d4b9a0001";
const OTHER = "6b5a5cf0-9a5e-4b57-9a2a-7f5d4b9a0002";
const OURS = { id: "7f105c7d-2dc5-4530-97cd-4e7ae6534c07", clientState: "s".repeat(43) };
const TENANT = "84bd8158-6d4d-4958-8b9f-9d6445542f95";
const BASIC = {
  subscriptionId: OURS.id,
  clientState: OURS.clientState,
  changeType: "updated",
  resource: `communications/presences/${REP}`,
  resourceData: { "@odata.type": "#microsoft.graph.presence", id: REP },
  tenantId: TENANT,
};

/** What the route left behind: people announced, lifecycle events, and what was counted. */
let left: { announced: string[]; lifecycle: string[]; counts: string[] };
let handshake: Handshake;
let running: Running | undefined;
let keys: NotificationKeys;
let certificate: EncryptionCertificate;

beforeAll(async () => {
  const vault = createVault(new Kept(), createSealing([randomBytes(32)]));
  keys = new NotificationKeys({ vault, nowMs: Date.now });
  certificate = await keys.current();
});
beforeEach(() => {
  left = { announced: [], lifecycle: [], counts: [] };
  handshake = new Handshake();
});
afterEach(async () => {
  await running?.stop();
});

async function serve(change: Partial<TeamsInboundOptions> = {}): Promise<number> {
  const routes = createTeamsInbound({
    handshake,
    secretOf: (id) => (id === OURS.id ? { clientState: OURS.clientState, tenantId: TENANT } : null),
    privateKey: (id) => keys.privateKey(id),
    verifyToken: async (token) => token === "good",
    announced: (_id, user) => left.announced.push(user),
    lifecycle: (_id, says) => left.lifecycle.push(says),
    count: (result) => left.counts.push(result),
    ...change,
  });
  running = await start(() => routes);
  return running.port;
}

const deliver = async (
  port: number,
  json: unknown,
  path = "/webhooks/graph",
): Promise<RawAnswer> => {
  const body = Buffer.isBuffer(json) ? json : Buffer.from(JSON.stringify(json));
  const answer = await ask(port, request(`POST ${path}`, {}, body));
  // The answer leaves before the work begins; a few turns later that is done as well.
  for (let turn = 0; turn < 10; turn += 1) await nextTurn();
  return answer;
};

const shake = (port: number, token: string, path = "/webhooks/graph"): Promise<RawAnswer> =>
  ask(
    port,
    request(`POST ${path}?validationToken=${token}`, {
      "content-type": "text/plain; charset=utf-8",
    }),
  );

describe("[R128] a validation token", () => {
  const TOKEN =
    "Validation: Testing client application reachability for subscription Request-Id: 1a";

  test("is given back decoded, as plain text, on both URLs, while a call of ours is under way", async () => {
    const port = await serve();
    await handshake.during(async () => {
      for (const path of ["/webhooks/graph", "/webhooks/graph/lifecycle"]) {
        for (const sent of [encodeURIComponent(TOKEN), TOKEN.replaceAll(" ", "+")]) {
          const answer = await shake(port, sent, path);
          expect([answer.status, answer.body]).toEqual([200, TOKEN]);
          expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
          expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
        }
      }
    });
  });

  test("is given back to nobody before and after", async () => {
    const port = await serve();
    const before = await shake(port, "stranger");
    await handshake.during(async () => undefined);
    await handshake.during(() => Promise.reject(new Error("refused"))).catch(() => undefined);
    const after = await shake(port, "stranger");
    expect([before.status, after.status]).toEqual([400, 400]);
    expect(`${before.text}${after.text}`).not.toContain("stranger");
  });

  test("opens no tag in a browser, and is not given back when it is no token", async () => {
    const port = await serve();
    await handshake.during(async () => {
      const hostile = await shake(port, encodeURIComponent("<script>alert(1)</script>&\"'"));
      expect(hostile.body).toBe("&lt;script&gt;alert(1)&lt;/script&gt;&\"'");
      expect((await shake(port, "a".repeat(2049))).status).toBe(400);
      expect((await shake(port, "")).status).toBe(400);
      expect((await shake(port, "a".repeat(2048))).status).toBe(200);
    });
  });
});

describe("[R129] whatever comes is answered 202", () => {
  test.each<readonly [string, unknown]>([
    ["a notification", { value: [BASIC] }],
    ["one of a stranger", { value: [{ ...BASIC, clientState: "wrong" }] }],
    ["no JSON", Buffer.from("{")],
    ["nothing", Buffer.from(" ")],
  ])("%s", async (_what, json) => {
    const answer = await deliver(await serve(), json);
    expect([answer.status, answer.body]).toEqual([202, ""]);
  });

  test("before a token is verified, however long that takes", async () => {
    const verdict = Promise.withResolvers<boolean>();
    const port = await serve({ verifyToken: () => verdict.promise });
    const rich = { ...BASIC, encryptedContent: encryptFor(certificate, { id: REP }) };
    const answer = await deliver(port, { value: [rich], validationTokens: ["good"] });
    expect([answer.status, left.counts]).toEqual([202, []]);
    verdict.resolve(true);
    await nextTurn();
    expect(left.announced).toEqual([REP]);
  });

  test("beyond what may wait as well: it is counted and dropped", async () => {
    const verdict = Promise.withResolvers<boolean>();
    const port = await serve({ verifyToken: () => verdict.promise });
    const rich = { ...BASIC, encryptedContent: encryptFor(certificate, { id: REP }) };
    const filler = "x".repeat(1_000_000);
    const statuses = new Set<number>();
    for (let count = 0; count < 18; count += 1) {
      const answer = await deliver(port, { value: [rich], validationTokens: ["good"], filler });
      statuses.add(answer.status);
    }
    expect([...statuses]).toEqual([202]);
    expect(left.counts).toEqual(["overload", "overload"]);
    verdict.resolve(true);
  });
});

describe("[R130] a notification counts", () => {
  test("if subscription, secret and tenant are ours: each of a delivery for itself", async () => {
    const unknown = "00000000-2dc5-4530-97cd-4e7ae6534c07";
    await deliver(await serve(), {
      value: [
        BASIC,
        { ...BASIC, subscriptionId: unknown },
        { ...BASIC, clientState: `${OURS.clientState}x` },
        { ...BASIC, clientState: "" },
        { ...BASIC, clientState: undefined },
        { ...BASIC, tenantId: unknown },
        "no notification",
        { ...BASIC, tenantId: undefined, resourceData: { id: OTHER } },
      ],
    });
    expect(left.announced).toEqual([REP, OTHER]);
    expect(left.counts.toSorted()).toEqual(
      [
        "change",
        "change",
        "malformed",
        "other-tenant",
        "unknown-subscription",
        "wrong-client-state",
        "wrong-client-state",
        "wrong-client-state",
      ].toSorted(),
    );
  });

  test("on either URL, changes and lifecycle events alike", async () => {
    const port = await serve();
    const { resourceData: _, changeType: __, ...rest } = BASIC;
    const value = [BASIC, { ...rest, lifecycleEvent: "missed" }];
    await deliver(port, { value });
    await deliver(port, { value }, "/webhooks/graph/lifecycle");
    expect([left.announced, left.lifecycle]).toEqual([
      [REP, REP],
      ["missed", "missed"],
    ]);
  });
});

describe("[R132] encrypted content", () => {
  const rich = (user: string) => ({
    ...BASIC,
    encryptedContent: encryptFor(certificate, { id: user }),
  });

  test("names her, if every token is of Graph", async () => {
    const value = [{ ...rich(OTHER), resourceData: null, resource: "" }];
    await deliver(await serve(), { value, validationTokens: ["good", "good"] });
    expect(left.announced).toEqual([OTHER]);
  });

  test("discards the whole delivery if one token of many is not", async () => {
    const validationTokens = [...Array.from({ length: 99 }, () => "good"), "bad"];
    await deliver(await serve(), { value: [rich(REP), BASIC], validationTokens });
    expect([left.announced, left.counts]).toEqual([[], ["bad-token"]]);
  });

  test("stays closed without a token, and the rest is a hint like any other", async () => {
    const nameless = { ...rich(OTHER), resourceData: null, resource: "" };
    for (const validationTokens of [null, [], undefined]) {
      await deliver(await serve(), { value: [rich(REP), nameless], validationTokens });
      await running?.stop();
    }
    expect(left.announced).toEqual([REP, REP, REP]);
    expect(left.counts.filter((result) => result === "unopenable")).toHaveLength(3);
  });

  test("whose signature does not fit is no hint", async () => {
    const [good, other] = [rich(REP), rich(OTHER)];
    const { dataSignature } = other.encryptedContent;
    const value = [{ ...good, encryptedContent: { ...good.encryptedContent, dataSignature } }];
    await deliver(await serve(), { value, validationTokens: ["good"] });
    expect([left.announced, left.counts]).toEqual([[], ["unopenable"]]);
  });

  test("for a certificate that we have not stays closed, and the rest is a hint", async () => {
    const good = rich(REP);
    const foreign = { ...good.encryptedContent, encryptionCertificateId: "none of ours" };
    const named = { ...good, encryptedContent: foreign };
    const nameless = { ...named, resourceData: null, resource: "" };
    await deliver(await serve(), { value: [named, nameless], validationTokens: ["good"] });
    expect([left.announced, left.counts]).toEqual([[REP], ["change", "unopenable"]]);
  });
});
