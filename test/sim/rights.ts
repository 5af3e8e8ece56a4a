import type { Fence, HeldLease } from "../../src/engine/engine.ts";

type Right = { readonly holder: string; readonly fence: number; readonly untilMs: number };

/** The rights on a platter: who has which, until when by the clock that is passed in, and the number of each. */
export class Rights {
  readonly #rights = new Map<string, Right>();

  take(name: string, holder: string, ttlMs: number, nowMs: number): Fence | null {
    const right = this.#rights.get(name);
    if (right && right.holder !== holder && right.untilMs > nowMs) return null;
    const passesOn = right?.holder !== holder;
    const fence = (right?.fence ?? 0) + (passesOn ? 1 : 0);
    this.#rights.set(name, { holder, fence, untilMs: nowMs + ttlMs });
    return { name, fence };
  }

  release(name: string, holder: string): void {
    const right = this.#rights.get(name);
    if (right?.holder !== holder) return;
    this.#rights.set(name, { holder: "", fence: right.fence, untilMs: 0 });
  }

  held(nowMs: number): readonly HeldLease[] {
    return [...this.#rights]
      .filter(([, { untilMs }]) => untilMs > nowMs)
      .map(([name, { holder }]) => ({ name, holder }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  isValid({ name, fence }: Fence): boolean {
    return this.#rights.get(name)?.fence === fence;
  }
}
