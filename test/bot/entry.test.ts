import { request } from "node:http";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BotBench, buttonOf, textOf } from "./bench.ts";
import { APP_ID, type Forgery, ISSUER } from "./teams.ts";

let bench: BotBench;
beforeAll(async () => {
  bench = await BotBench.open();
});
afterAll(async () => {
  await bench.close();
});

const nowMs = (): number => bench.crew.clock.nowMs();
const seconds = (from: number): number => Math.floor(nowMs() / 1000) + from;
const help = () => bench.activity("manager", "personal", { type: "message", text: "help" });

/** Claims and headers that Teams would not send, each alone enough to be refused. */
const FORGERIES: readonly (readonly [string, () => Forgery])[] = [
  ["another issuer", () => ({ claims: { iss: "https://evil.example" } })],
  ["the issuer with a slash", () => ({ claims: { iss: `${ISSUER}/` } })],
  ["the issuer in capitals", () => ({ claims: { iss: ISSUER.toUpperCase() } })],
  [
    "the emulator's issuer",
    () => ({ claims: { iss: "https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/" } }),
  ],
  ["Entra as issuer", () => ({ claims: { iss: "https://login.microsoftonline.com/common/v2.0" } })],
  ["no issuer", () => ({ claims: { iss: undefined } })],
  ["an empty issuer", () => ({ claims: { iss: "" } })],
  ["an issuer that is a number", () => ({ claims: { iss: 1 as never } })],
  ["another bot's audience", () => ({ claims: { aud: "99999999-9999-4999-8999-999999999999" } })],
  ["no audience", () => ({ claims: { aud: undefined } })],
  ["an empty audience", () => ({ claims: { aud: "" } })],
  ["the audience with white space", () => ({ claims: { aud: `${APP_ID} ` } })],
  ["the audience in a list", () => ({ claims: { aud: [APP_ID] } })],
  ["two audiences", () => ({ claims: { aud: [APP_ID, "other"] } })],
  ["the Bot Framework as audience", () => ({ claims: { aud: ISSUER } })],
  ["an app id URI as audience", () => ({ claims: { aud: `api://${APP_ID}` } })],
  ["the audience cut short", () => ({ claims: { aud: APP_ID.slice(0, -1) } })],
  ["expired an hour ago", () => ({ claims: { exp: seconds(-3_600) } })],
  ["expired just beyond the skew", () => ({ claims: { exp: seconds(-302) } })],
  ["expired in 1970", () => ({ claims: { exp: 0 } })],
  ["no expiry", () => ({ claims: { exp: undefined } })],
  ["an expiry that is text", () => ({ claims: { exp: "tomorrow" as never } })],
  ["a negative expiry", () => ({ claims: { exp: -1 } })],
  ["valid from tomorrow", () => ({ claims: { nbf: seconds(86_400) } })],
  ["valid just beyond the skew", () => ({ claims: { nbf: seconds(320) } })],
  ["a start that is text", () => ({ claims: { nbf: "now" as never } })],
  ["no service address", () => ({ claims: { serviceurl: undefined } })],
  ["an empty service address", () => ({ claims: { serviceurl: "" } })],
  ["a service address that is a list", () => ({ claims: { serviceurl: [bench.teams.url] } })],
  [
    "a service address of somebody else",
    () => ({ claims: { serviceurl: "https://evil.example" } }),
  ],
  ["the service address with a slash", () => ({ claims: { serviceurl: `${bench.teams.url}/` } })],
  [
    "the service address with a path",
    () => ({ claims: { serviceurl: `${bench.teams.url}/amer` } }),
  ],
  [
    "the service address in capitals",
    () => ({ claims: { serviceurl: bench.teams.url.toUpperCase() } }),
  ],
  ["a service address that is null", () => ({ claims: { serviceurl: null } })],
  ["a key that nobody has", () => ({ header: { kid: "nobody" } })],
  ["no key named", () => ({ header: { kid: undefined } })],
  ["an empty key name", () => ({ header: { kid: "" } })],
  ["a key name that is a path", () => ({ header: { kid: "../../keys" } })],
  ["a key endorsed for another channel", () => ({ header: { kid: "webchat" }, foreignKey: true })],
  ["another channel's key under Teams' name", () => ({ foreignKey: true })],
  ["Teams' key under another channel's name", () => ({ header: { kid: "webchat" } })],
];

async function tokenOf(forgery: Forgery): Promise<string> {
  return bench.teams.token(nowMs(), forgery);
}

/** Authorization headers that are no token of Teams. */
const HEADERS: readonly (readonly [string, (good: string) => string])[] = [
  ["nothing", () => ""],
  ["only the scheme", () => "Bearer"],
  ["the scheme and a blank", () => "Bearer "],
  ["another scheme", () => "Basic dXNlcjpwYXNz"],
  ["the scheme in lower case", (good) => `bearer ${good}`],
  ["no scheme", (good) => good],
  ["two blanks", (good) => `Bearer  ${good}`],
  ["something behind it", (good) => `Bearer ${good} x`],
  ["two tokens", (good) => `Bearer ${good},Bearer ${good}`],
  ["garbage", () => "Bearer garbage"],
  ["three dots", () => "Bearer ..."],
  ["two dots", () => "Bearer .."],
  ["four parts", (good) => `Bearer ${good}.x`],
  ["no signature", (good) => `Bearer ${good.split(".").slice(0, 2).join(".")}.`],
  ["the signature cut short", (good) => `Bearer ${good.slice(0, -4)}`],
  ["a letter of the signature changed", (good) => `Bearer ${good.slice(0, -8)}AAAAAAAA`],
  ["the signature of nothing", (good) => `Bearer ${good.split(".").slice(0, 2).join(".")}.AAAA`],
  [
    "algorithm none",
    (good) => `Bearer ${encode({ alg: "none", kid: "teams" })}.${good.split(".")[1]}.AA`,
  ],
  [
    "algorithm none, unsigned",
    (good) => `Bearer ${encode({ alg: "none" })}.${good.split(".")[1]}.`,
  ],
  [
    "another algorithm named",
    (good) =>
      `Bearer ${[encode({ alg: "RS512", kid: "teams" }), ...good.split(".").slice(1)].join(".")}`,
  ],
  [
    "a symmetric algorithm named",
    (good) =>
      `Bearer ${[encode({ alg: "HS256", kid: "teams" }), ...good.split(".").slice(1)].join(".")}`,
  ],
  [
    "a header that is no JSON",
    (good) => `Bearer ${["e30x", ...good.split(".").slice(1)].join(".")}`,
  ],
  [
    "claims changed after signing",
    (good) => {
      const [header = "", payload = "", signature = ""] = good.split(".");
      const claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as object;
      return `Bearer ${header}.${encode({ ...claims, exp: 9_999_999_999 })}.${signature}`;
    },
  ],
  [
    "a token of 20 kB",
    (good) =>
      `Bearer ${good
        .split(".")
        .join(".")
        .replace(".", `${"A".repeat(12_000)}.`)}`,
  ],
];

const encode = (json: object): string => Buffer.from(JSON.stringify(json)).toString("base64url");

describe("the door", () => {
  test("[R220] lets Teams in", async () => {
    expect((await bench.post(help())).status).toBe(200);
    expect(bench.teams.messages.at(-1)?.authorization).toBe("Bearer the-bots-own-token");
  });

  test("[R220] has at least sixty bad tokens to show", () => {
    expect(FORGERIES.length + HEADERS.length).toBeGreaterThanOrEqual(60);
  });

  test.each(FORGERIES)(
    "[R220] a token with %s is refused, and nothing said",
    async (_what, forge) => {
      const { length } = bench.teams.messages;
      const refused = await bench.post(help(), `Bearer ${await tokenOf(forge())}`);
      expect(refused).toEqual({ status: 401, json: { code: "unauthorized" } });
      expect(bench.teams.messages.length).toBe(length);
    },
  );

  test.each(HEADERS)(
    "[R220] an authorization of %s is refused, and nothing said",
    async (_what, make) => {
      const { length } = bench.teams.messages;
      const refused = await bench.post(help(), make(await bench.teams.token(nowMs())));
      expect(refused.status).not.toBe(200);
      expect(refused).toEqual({ status: 401, json: { code: "unauthorized" } });
      expect(bench.teams.messages.length).toBe(length);
    },
  );

  test("[R220] a token signed with the public key as a secret is refused", async () => {
    const forged = await new SignJWT({ iss: ISSUER, aud: APP_ID, serviceurl: bench.teams.url })
      .setProtectedHeader({ alg: "HS256", kid: "teams" })
      .setExpirationTime(seconds(3_600))
      .sign(new TextEncoder().encode("the public key of Teams, as anybody can read it"));
    expect((await bench.post(help(), `Bearer ${forged}`)).status).toBe(401);
  });

  test("[R220] two authorization headers are one too many", async () => {
    const token = `Bearer ${await bench.teams.token(nowMs())}`;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const url = new URL(bench.url);
    const sent = request(
      { host: url.hostname, port: url.port, path: url.pathname, method: "POST" },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    sent.on("error", reject);
    sent.setHeader("content-type", "application/json");
    sent.setHeader("authorization", [token, token]);
    sent.end(JSON.stringify(help()));
    expect(await promise).toBe(401);
  });

  test("[R220] a token just within the skew is taken", async () => {
    const token = await tokenOf({ claims: { exp: seconds(-290), nbf: seconds(290) } });
    expect((await bench.post(help(), `Bearer ${token}`)).status).toBe(200);
  });

  test.each([
    ["http://smba.trafficmanager.net/amer/"],
    ["https://smba.trafficmanager.net.evil.example/"],
    ["https://evil.example/"],
    ["https://user:password@smba.trafficmanager.net/"],
    ["file:///etc/passwd"],
    ["http://169.254.169.254/latest/"],
    ["not a url"],
  ])("[R220] even Teams cannot have answers sent to %s", async (serviceUrl) => {
    const token = await tokenOf({ claims: { serviceurl: serviceUrl } });
    const refused = await bench.post({ ...help(), serviceUrl }, `Bearer ${token}`);
    expect(refused).toEqual({ status: 401, json: { code: "unauthorized" } });
  });

  test.each([
    ["no tenant", { conversation: { id: "x" }, channelData: null }],
    ["two tenants", { channelData: { tenant: { id: "44444444-4444-4444-8444-444444444444" } } }],
  ])("[R220] %s is another tenant", async (_what, more) => {
    expect(await bench.post({ ...help(), ...more })).toEqual({
      status: 401,
      json: { code: "unauthorized" },
    });
  });

  test.each([
    ["text", "[]"],
    ["no JSON", "{"],
    ["a list", "[1]"],
    ["null", "null"],
    ["no type", JSON.stringify({ from: { id: "1" } })],
    ["a prototype", '{"__proto__":{"type":"message"}}'],
  ])("[R220] a body that is %s is a bad request, and no fault", async (_what, body) => {
    expect((await bench.post(body)).status).toBe(400);
    expect(bench.faults).toEqual([]);
  });

  test("[R220] somebody who is nobody in Entra may do nothing", async () => {
    const { length } = bench.teams.messages;
    const anonymous = { ...help(), from: { id: "29:x", name: "X" } };
    expect((await bench.post(anonymous)).status).toBe(200);
    expect(JSON.stringify(bench.teams.messages.slice(length))).toContain("You may not");
  });
});

describe("a fault of ours", () => {
  test("[R222] still answers a button, with a card that tells nothing of it", async () => {
    const [card] = (await bench.say("manager", "status Ana")).cards;
    bench.documentsThrow = true;
    const shown = await bench.press("manager", buttonOf(card, "Why?"));
    const typed = (await bench.say("manager", "status Ana")).cards[0];
    bench.documentsThrow = false;
    expect(textOf(shown)).toContain("Something went wrong");
    expect(textOf(typed)).toContain("Something went wrong");
    expect(JSON.stringify([shown, typed])).not.toContain("hunter2");
    expect(bench.faults.splice(0)).toHaveLength(2);
  });

  test("[R222] what cannot be written into the audit is not done", async () => {
    const before = bench.document?.rep.base;
    bench.keepFails = true;
    await bench.crew.clock.advance(61_000);
    const set = await bench.say("manager", "set Ana offline because I can");
    const looked = await bench.say("manager", "status Ana");
    bench.keepFails = false;
    await bench.crew.clock.advance(5_000);
    expect(textOf(set.cards[0])).toContain("Something went wrong");
    expect(textOf(looked.cards[0])).not.toContain("Ana Lima");
    expect(bench.document?.rep.base).toEqual(before);
    bench.faults.splice(0);
  });

  test("[R222] an invoke that nobody knows is answered with a card", async () => {
    const unknown = { type: "invoke", name: "composeExtension/fetchTask", value: {} };
    const { status, json } = await bench.post(bench.activity("manager", "personal", unknown));
    expect([status, json]).toMatchObject([200, { statusCode: 200 }]);
  });
});
