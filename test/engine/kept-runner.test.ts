import { expect, onTestFinished, test } from "vitest";
import { KeptRunner } from "../../src/engine/postgres/kept-runner.ts";

/** Something that runs until it is stopped, or ends by itself. */
class Run {
  readonly #ended = Promise.withResolvers<void>();
  isRunning = true;
  readonly promise = this.#ended.promise;

  end(error?: Error): void {
    this.isRunning = false;
    if (error) this.#ended.reject(error);
    else this.#ended.resolve();
  }

  stop = async (): Promise<void> => {
    if (!this.isRunning) throw new Error("stopped already");
    this.end();
  };
}

test("[R258] [R260] what hands nudges over begins again after it ended by itself, and ends for good when told to", async () => {
  const runs: Run[] = [];
  const faults: unknown[] = [];
  let begun = Promise.withResolvers<Run>();
  let refusals = 0;
  const kept = new KeptRunner({
    begin: async () => {
      if (refusals > 0) {
        refusals -= 1;
        throw new Error("the server is away");
      }
      const run = new Run();
      runs.push(run);
      begun.resolve(run);
      return run;
    },
    onFault: (error) => faults.push(error),
    againMs: 1,
  });
  onTestFinished(() => kept.stop());
  await kept.start();
  for (const error of [undefined, new Error("its workers are gone")]) {
    begun = Promise.withResolvers();
    refusals = 2;
    runs.at(-1)?.end(error);
    await begun.promise;
  }
  expect([runs.length, faults.length]).toEqual([3, 4]);
  await kept.stop();
  expect(runs.map(({ isRunning }) => isRunning)).toEqual([false, false, false]);
  // Whoever is told again has nothing left to do.
  await kept.stop();
});

test("[R258] what cannot begin at all says so", async () => {
  const begin = (): Promise<Run> => Promise.reject(new Error("no such database"));
  const kept = new KeptRunner({ begin, onFault: () => undefined, againMs: 1 });
  await expect(kept.start()).rejects.toThrow("no such database");
});
