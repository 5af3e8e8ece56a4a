/**
 * Does what has the same key one after the other, in the order in which it was asked for: what is taken back while it is
 * still being stored stays taken back. What fails holds up nothing.
 */
export class InTurn {
  readonly #last = new Map<string, Promise<unknown>>();

  do<Done>(key: string, act: () => Promise<Done>): Promise<Done> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const mine = before.then(act, act);
    const over = mine.then(
      () => null,
      () => null,
    );
    this.#last.set(key, over);
    void over.then(() => this.#last.get(key) === over && this.#last.delete(key));
    return mine;
  }
}
