import type { Clock } from "../controller/clock.ts";
import type { Engine, RepDocument } from "../engine/engine.ts";
import type { RepId } from "../presence/identity.ts";

export type MirrorOptions = {
  readonly engine: Pick<Engine, "get" | "history" | "load">;
  readonly clock: Clock;
  /** Something was told, by whichever instance. */
  readonly onNews: () => void;
  readonly onFault: (error: unknown) => void;
};

const LOOK_EVERY_MS = 500;
/** What is stored without a word in the history shows after so long. */
const LOAD_EVERY_MS = 60_000;
const PAGE = 1_000;

/** The documents of all reps as they are stored, whoever looks after them: behind by `LOOK_EVERY_MS` at most when something happens. */
export class Mirror {
  readonly #options: MirrorOptions;
  readonly #documents = new Map<RepId, RepDocument>();
  #position = 0;
  #loadedAtMs = 0;
  #running: Promise<void> = Promise.resolve();
  #cancel = (): void => undefined;
  #isStarted = false;
  #isLooking = false;
  #asked = 0;
  #stopped = false;

  constructor(options: MirrorOptions) {
    this.#options = options;
  }

  get(rep: RepId): RepDocument | null {
    return this.#documents.get(rep) ?? null;
  }

  all(): readonly RepDocument[] {
    return [...this.#documents.values()];
  }

  /** Resolves when everybody is there. */
  async start(): Promise<void> {
    this.#position = await lastPosition(this.#options.engine);
    await this.#load();
    this.#isStarted = true;
    this.#next(LOOK_EVERY_MS);
  }

  /** Something was stored here: looks at once, and tells of it when it shows. */
  nudge(): void {
    this.#asked += 1;
    if (this.#isStarted && !this.#isLooking) this.#next(0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#running;
  }

  #next(delayMs: number): void {
    if (this.#stopped) return;
    this.#cancel();
    this.#cancel = this.#options.clock.after(delayMs, () => {
      this.#running = this.#look();
    });
  }

  async #look(): Promise<void> {
    const { clock, onFault, onNews } = this.#options;
    const asked = this.#asked;
    this.#isLooking = true;
    try {
      const isNews = await this.#follow();
      if (clock.nowMs() - this.#loadedAtMs >= LOAD_EVERY_MS) await this.#load();
      if (isNews) onNews();
    } catch (error) {
      onFault(error);
    }
    this.#isLooking = false;
    this.#next(this.#asked === asked ? LOOK_EVERY_MS : 0);
  }

  async #follow(): Promise<boolean> {
    const { engine } = this.#options;
    let isNews = false;
    for (;;) {
      const page = await engine.history({ after: this.#position, limit: PAGE });
      const reps = new Set(page.map(({ rep }) => rep));
      const documents = await Promise.all([...reps].map((rep) => engine.get(rep)));
      for (const document of documents) {
        if (document) this.#documents.set(document.identity.rep, document);
      }
      isNews ||= page.length > 0;
      this.#position = page.at(-1)?.position ?? this.#position;
      if (page.length < PAGE) return isNews;
    }
  }

  async #load(): Promise<void> {
    const { clock, engine } = this.#options;
    this.#loadedAtMs = clock.nowMs();
    const documents = await engine.load();
    this.#documents.clear();
    for (const document of documents) this.#documents.set(document.identity.rep, document);
  }
}

/** The position of the newest entry, found by halving: the port tells what comes after a position, not which is last. */
async function lastPosition(engine: Pick<Engine, "history">): Promise<number> {
  const firstAfter = async (after: number): Promise<number | null> =>
    (await engine.history({ after, limit: 1 }))[0]?.position ?? null;
  let known = (await firstAfter(0)) ?? 0;
  let step = 1;
  for (;;) {
    const found = await firstAfter(known + step);
    if (found !== null) {
      known = found;
      step *= 2;
    } else if (step > 1) step = Math.floor(step / 2);
    else return (await firstAfter(known)) ?? known;
  }
}
