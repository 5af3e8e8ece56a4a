import { hash } from "node:crypto";

const WORDS = 4;

/**
 * States that were seen, by sixteen bytes of each: ten million of them take 320 MB at most, and no text, no object and
 * no garbage is made for any. Of ten million, two share their sixteen bytes with a chance of one in 10^24.
 */
export class StateSet {
  #words = new Int32Array(WORDS << 16);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** True if the state was not there. */
  add(state: Uint8Array): boolean {
    if (this.#size * WORDS * 2 >= this.#words.length) this.#grow();
    const digest = hash("md5", state, "buffer");
    // A free place is all zeros, which no digest is taken to be.
    const first = digest.readInt32LE(0) || 1;
    const added = put(
      this.#words,
      first,
      digest.readInt32LE(4),
      digest.readInt32LE(8),
      digest.readInt32LE(12),
    );
    if (added) this.#size += 1;
    return added;
  }

  #grow(): void {
    const old = this.#words;
    this.#words = new Int32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WORDS) {
      const [a = 0, b = 0, c = 0, d = 0] = [old[at], old[at + 1], old[at + 2], old[at + 3]];
      if (a !== 0) put(this.#words, a, b, c, d);
    }
  }
}

function put(words: Int32Array, a: number, b: number, c: number, d: number): boolean {
  const last = words.length / WORDS - 1;
  for (let place = b & last; ; place = (place + 1) & last) {
    const at = place * WORDS;
    if (words[at] === 0) {
      words[at] = a;
      words[at + 1] = b;
      words[at + 2] = c;
      words[at + 3] = d;
      return true;
    }
    if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d) {
      return false;
    }
  }
}
