import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { verifyWebhook } from "../../src/connectors/dynamics/webhook.ts";
import { findSigner, type Partner, readClaim } from "../../src/connectors/partner/signature.ts";
import { systemName } from "../../src/presence/identity.ts";
import { createDice, type Dice } from "./dice.ts";
import { forge } from "./forgery.ts";
import { fuzzSeed } from "./seed.ts";

const FORGED = 60_000;
const NOW_MS = 1_800_000_000_500;
const key = (fill: number): Buffer => Buffer.alloc(32, fill);
const PARTNERS: readonly Partner[] = [
  { name: systemName("phone"), keys: [key(1), key(2)] },
  { name: systemName("rota"), keys: [key(3)] },
];

/** The four parts of a signed request, as bytes, so that any of them can be forged. */
type Signed = Readonly<Record<"id" | "timestamp" | "signature" | "body", Buffer>>;
const PARTS = ["id", "timestamp", "signature", "body"] as const;

function sign(dice: Dice, secret: Buffer): Signed {
  const id = `msg_${dice.below(1_000_000)}`;
  const timestamp = String(1_800_000_000 - 299 + dice.below(598));
  const body = Buffer.from(`{"type":"hold.ended","rep":"${dice.below(1_000_000)}","hold":"a"}`);
  const hmac = createHmac("sha256", secret).update(`${id}.${timestamp}.`).update(body);
  const signature = Buffer.from(`v1,${hmac.digest("base64")}`);
  return { id: Buffer.from(id), timestamp: Buffer.from(timestamp), signature, body };
}

/** Whose request it is; header values arrive as Latin-1, so a forged byte stays one. */
function signerOf({ id, timestamp, signature, body }: Signed): string | null {
  const claimed = readClaim(
    [
      ["webhook-id", id.toString("latin1")],
      ["webhook-timestamp", timestamp.toString("latin1")],
      ["webhook-signature", signature.toString("latin1")],
    ],
    NOW_MS,
  );
  return claimed.ok ? (findSigner(claimed.claim, body, PARTNERS)?.name ?? null) : null;
}

test(`[R86, R101] of ${FORGED} forged requests of a partner none is accepted, and every genuine one is`, () => {
  const seed = fuzzSeed();
  const wrong: string[] = [];
  let compared = 0;
  for (let n = 0; n < FORGED; n += 1) {
    const dice = createDice(seed + n);
    const genuine = sign(dice, key(1 + dice.below(3)));
    const part = dice.pick(PARTS);
    const forged = { ...genuine, [part]: forge(genuine[part], dice) };
    // A list of signatures that still holds the genuine one is another list, and no forgery.
    const list = forged.signature.toString("latin1").split(" ");
    if (part === "signature" && list.includes(genuine.signature.toString("latin1"))) continue;
    const repeat = `FUZZ_SEED=${seed + n}`;
    if (signerOf(forged) !== null) wrong.push(`${repeat}: a forged ${part} is accepted`);
    if (signerOf(genuine) === null) wrong.push(`${repeat}: a genuine request is refused`);
    if (part === "body" || part === "signature") compared += 1;
  }
  expect(wrong).toEqual([]);
  expect(compared, "many got as far as the comparison").toBeGreaterThan(FORGED / 3);
});

test(`[R86, R101] parts of ${FORGED / 3} genuine requests put together are nobody's request`, () => {
  const seed = fuzzSeed();
  const wrong: string[] = [];
  for (let n = 0; n < FORGED / 3; n += 1) {
    const dice = createDice(seed + n);
    const [one, other] = [sign(dice, key(1)), sign(dice, key(1 + dice.below(3)))];
    const mixed = { ...one };
    for (const part of PARTS) if (dice.below(2) === 0) mixed[part] = other[part];
    const same = (whole: Signed): boolean => PARTS.every((part) => mixed[part].equals(whole[part]));
    const expected = same(one) || same(other);
    if ((signerOf(mixed) !== null) !== expected) wrong.push(`FUZZ_SEED=${seed + n}`);
  }
  expect(wrong).toEqual([]);
});

test(`[R76, R101] of ${FORGED} forged keys of Dataverse none is accepted, and both live ones are`, () => {
  const seed = fuzzSeed();
  const wrong: string[] = [];
  const keys = ["q8Zt4vWn0rLxY2bKd7sGh1mPc5uJf9aE", "next-7Hh2kQe9TtB5wRzX1nMv4cLp8sDf"];
  for (let n = 0; n < FORGED; n += 1) {
    const dice = createDice(seed + n);
    const genuine = dice.pick(keys as [string]);
    const forged = forge(Buffer.from(genuine), dice).toString("latin1");
    const name = dice.pick(["x-lockstep-key", "X-Lockstep-Key", "X-LOCKSTEP-KEY"]);
    const header = forge(Buffer.from("x-lockstep-key"), dice).toString("latin1");
    const sent: Readonly<Record<string, readonly string[]>> = {
      "a forged key": [name, forged],
      "a forged key beside the genuine one": [name, genuine, "x-lockstep-key", forged],
      "the genuine key under another name":
        header.toLowerCase() === "x-lockstep-key" ? [] : [header, genuine],
    };
    for (const [what, headers] of Object.entries(sent)) {
      if (verifyWebhook({ headers, keys }).ok) wrong.push(`FUZZ_SEED=${seed + n}: ${what}`);
    }
    if (!verifyWebhook({ headers: [name, genuine], keys }).ok)
      wrong.push("a genuine key is refused");
  }
  expect(wrong).toEqual([]);
});
