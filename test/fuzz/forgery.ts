import type { Dice } from "./dice.ts";

/** A text or body with one thing changed; the same thing when there was nothing to change. */
type Forgery = (genuine: Buffer, dice: Dice) => Buffer;

const FORGERIES: readonly [Forgery, ...Forgery[]] = [
  // One bit, anywhere.
  (genuine, dice) => {
    const forged = Buffer.from(genuine);
    const at = dice.below(forged.length);
    forged[at] = (forged[at] ?? 0) ^ (1 << dice.below(8));
    return forged;
  },
  (genuine, dice) => genuine.subarray(0, dice.below(genuine.length)),
  (genuine, dice) => genuine.subarray(1 + dice.below(genuine.length)),
  // Two neighbours, or two halves, change places.
  (genuine, dice) => {
    const at = dice.below(genuine.length - 1);
    const [one, two] = [genuine.subarray(at, at + 1), genuine.subarray(at + 1, at + 2)];
    return Buffer.concat([genuine.subarray(0, at), two, one, genuine.subarray(at + 2)]);
  },
  (genuine, dice) => {
    const at = 1 + dice.below(genuine.length - 1);
    return Buffer.concat([genuine.subarray(at), genuine.subarray(0, at)]);
  },
  (genuine) => Buffer.from(genuine).reverse(),
  (genuine) => Buffer.concat([genuine, genuine]),
  (genuine, dice) => Buffer.concat([genuine, Buffer.from(dice.pick(["=", "\0", " ", "A", "\n"]))]),
  (genuine, dice) => Buffer.concat([Buffer.from(dice.pick(["=", "\0", " ", "v1,", "A"])), genuine]),
  // Another alphabet of the same Base64, another case, no padding.
  (genuine) =>
    Buffer.from(genuine.toString("latin1").replaceAll("+", "-").replaceAll("/", "_"), "latin1"),
  (genuine) => Buffer.from(genuine.toString("latin1").toUpperCase(), "latin1"),
  (genuine) => Buffer.from(genuine.toString("latin1").replace(/=+$/, ""), "latin1"),
];

/** A forged copy that surely differs. `genuine` has at least two bytes, and not only one kind of byte. */
export function forge(genuine: Buffer, dice: Dice): Buffer {
  for (;;) {
    const forged = dice.pick(FORGERIES)(genuine, dice);
    if (!forged.equals(genuine)) return forged;
  }
}
