import { createHmac, randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import {
  findSigner,
  type Partner,
  readClaim,
  type SignatureRefusal,
} from "../../src/connectors/partner/signature.ts";
import { systemName } from "../../src/presence/identity.ts";

const NOW_MS = 1_800_000_000_500;
const NOW_SECONDS = "1800000000";
const BODY = Buffer.from('{"type":"shift.ended","rep":"ünïcode ☎"}');

const key = (fill: number): Buffer => Buffer.alloc(32, fill);
const phone: Partner = { name: systemName("phone"), keys: [key(1), key(2)] };
const rota: Partner = { name: systemName("rota"), keys: [key(3)] };

type Headers = readonly (readonly [string, string])[];

function sign(secret: Buffer, body: Uint8Array, id = "msg_1", timestamp = NOW_SECONDS): string {
  const hmac = createHmac("sha256", secret).update(`${id}.${timestamp}.`).update(body);
  return `v1,${hmac.digest("base64")}`;
}

const headers = (signature: string, id = "msg_1", timestamp = NOW_SECONDS): Headers => [
  ["webhook-id", id],
  ["webhook-timestamp", timestamp],
  ["webhook-signature", signature],
];

/** The signer's name, or why there is none. */
function verify(lines: Headers, body: Uint8Array = BODY, nowMs = NOW_MS): string {
  const claimed = readClaim(lines, nowMs);
  if (!claimed.ok) return claimed.refusal;
  return findSigner(claimed.claim, body, [phone, rota])?.name ?? "signature-mismatch";
}

test("[R86] what the standardwebhooks package signs is accepted, and the other way round", () => {
  for (let round = 0; round < 50; round++) {
    const secret = randomBytes(24 + (round % 41));
    const body = Buffer.from(
      JSON.stringify({ round, text: randomBytes(round).toString("base64") }),
    );
    const partner: Partner = { name: systemName("phone"), keys: [secret] };
    const webhook = new Webhook(`whsec_${secret.toString("base64")}`);
    const now = new Date();
    const signature = webhook.sign("msg_1", now, body);
    const seconds = String(Math.floor(now.getTime() / 1000));
    const claimed = readClaim(headers(signature, "msg_1", seconds), now.getTime());
    expect(claimed.ok && findSigner(claimed.claim, body, [partner])).toBe(partner);
    const ours = Object.fromEntries(
      headers(sign(secret, body, "msg_1", seconds), "msg_1", seconds),
    );
    expect(webhook.verify(body, ours)).toEqual(JSON.parse(body.toString()));
  }
});

test("[R86] the key says who it was, and either of two live keys will do", () => {
  expect(verify(headers(sign(key(1), BODY)))).toBe("phone");
  expect(verify(headers(sign(key(2), BODY)))).toBe("phone");
  expect(verify(headers(sign(key(3), BODY)))).toBe("rota");
  expect(verify(headers(sign(key(4), BODY)))).toBe("signature-mismatch");
});

test("[R86] one of several signatures is enough, and versions that are unknown are passed over", () => {
  const good = sign(key(1), BODY);
  expect(verify(headers(`v1a,abc ${sign(key(9), BODY)} ${good}`))).toBe("phone");
  expect(verify(headers(`v2,${good.slice(3)}`))).toBe("signature-mismatch");
  expect(verify(headers(good.slice(3)))).toBe("signature-mismatch");
  const wrong = Array.from({ length: 9 }, () => sign(key(9), BODY)).join(" ");
  expect(verify(headers(`${wrong} ${good}`))).toBe("phone");
});

test("[R86] bytes that decode to the same text are not the same body", () => {
  const signed = Buffer.concat([Buffer.from('"'), Buffer.from([0xff]), Buffer.from('"')]);
  const other = Buffer.concat([Buffer.from('"'), Buffer.from([0xfe]), Buffer.from('"')]);
  expect(signed.toString()).toBe(other.toString());
  const lines = headers(sign(key(1), signed));
  expect(verify(lines, signed)).toBe("phone");
  expect(verify(lines, other)).toBe("signature-mismatch");
});

test("[R86] no flipped bit in body, id, timestamp or signature is accepted", () => {
  const good = sign(key(1), BODY);
  for (let bit = 0; bit < BODY.length * 8; bit++) {
    const body = Buffer.from(BODY);
    body[bit >> 3] = (body[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(verify(headers(good), body)).toBe("signature-mismatch");
  }
  for (let at = 3; at < good.length; at++) {
    const letter = good[at] === "A" ? "B" : "A";
    const forged = `${good.slice(0, at)}${letter}${good.slice(at + 1)}`;
    expect(verify(headers(forged))).toBe("signature-mismatch");
  }
  expect(verify(headers(good, "msg_2"))).toBe("signature-mismatch");
  expect(verify(headers(good, "msg_1", "1800000001"))).toBe("signature-mismatch");
});

test.each([-300, 0, 300])("[R86] %i seconds from now is within the window", (offset) => {
  const timestamp = String(Number(NOW_SECONDS) + offset);
  const good = sign(key(1), BODY, "msg_1", timestamp);
  expect(verify(headers(good, "msg_1", timestamp))).toBe("phone");
});

test.each([-301, 301, -86_400])("[R86] %i seconds from now is outside it", (offset) => {
  const timestamp = String(Number(NOW_SECONDS) + offset);
  const good = sign(key(1), BODY, "msg_1", timestamp);
  const refusal: SignatureRefusal = "signature-timestamp-outside-window";
  expect(verify(headers(good, "msg_1", timestamp))).toBe(refusal);
});

const GOOD = sign(key(1), BODY);
const malformed: readonly (readonly [string, Headers, SignatureRefusal])[] = [
  ["no headers", [], "signature-header-missing"],
  ["no signature", headers(GOOD).slice(0, 2), "signature-header-missing"],
  ["an id given twice", [...headers(GOOD), ["webhook-id", "msg_1"]], "signature-header-repeated"],
  [
    "a signature header given twice",
    [...headers(GOOD), ["webhook-signature", GOOD]],
    "signature-header-repeated",
  ],
  ["an id with a full stop", headers(GOOD, "msg.1"), "signature-id-malformed"],
  ["an empty id", headers(GOOD, ""), "signature-id-malformed"],
  ["an id of 257 characters", headers(GOOD, "x".repeat(257)), "signature-id-malformed"],
  [
    "a timestamp with a tail",
    headers(GOOD, "msg_1", "1800000000abc"),
    "signature-timestamp-malformed",
  ],
  [
    "a fractional timestamp",
    headers(GOOD, "msg_1", "1800000000.5"),
    "signature-timestamp-malformed",
  ],
  ["a padded timestamp", headers(GOOD, "msg_1", "01800000000"), "signature-timestamp-malformed"],
  ["an exponent", headers(GOOD, "msg_1", "18e8"), "signature-timestamp-malformed"],
  ["a negative timestamp", headers(GOOD, "msg_1", "-5"), "signature-timestamp-malformed"],
  ["eleven signatures", headers(`${"v1,x ".repeat(10)}${GOOD}`), "signature-too-many"],
  ["ten thousand signatures", headers("v1,x ".repeat(10_000)), "signature-too-many"],
  ["an empty signature", headers("v1,"), "signature-mismatch"],
];
test.each(malformed)("[R86] %s is refused", (_what, lines, refusal) => {
  expect(verify(lines)).toBe(refusal);
});

test("[R86] with no partner configured nothing is accepted", () => {
  const claimed = readClaim(headers(GOOD), NOW_MS);
  expect(claimed.ok && findSigner(claimed.claim, BODY, [])).toBeNull();
});
