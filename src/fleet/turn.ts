import type { Clock } from "../controller/clock.ts";
import type { Engine } from "../engine/engine.ts";
import { engineOfShard } from "./shard.ts";

export type TurnOptions = {
  readonly engine: Engine;
  readonly clock: Clock;
  /** Milliseconds since some moment, counted by a clock that nobody can set, and that goes on while we hang. */
  readonly elapsedMs: () => number;
  /** Of this process alone: another one after each start. */
  readonly instance: string;
  /** Who did not renew for so long is replaced. Renewed three times as often. */
  readonly ttlMs: number;
  /** Somebody else works now, so that this process has a past that is not true any more. Called once. */
  readonly onReplaced: () => void;
  /** It is another instance's turn; told once. */
  readonly onWaiting: () => void;
  readonly onFault: (error: unknown) => void;
};

export type Turn = {
  /** Commits under the turn: refused while it does not last. */
  readonly engine: Engine;
  /** Lets the next one begin at once. */
  end(): Promise<void>;
};

const RIGHT = "service";

/**
 * Waits until no other instance works on this store: one works, the others stand by and take over. Rejects only
 * if the store cannot be asked at all. While the store is away later on, nothing is committed; if it comes back
 * and nobody else had a turn, work goes on as if nothing had been.
 */
export async function awaitTurn(options: TurnOptions): Promise<Turn> {
  const { clock, elapsedMs, engine, instance, onFault, onReplaced, onWaiting, ttlMs } = options;
  let renewedAtMs = elapsedMs();
  let fence = await engine.lease(RIGHT, instance, ttlMs);
  if (!fence) onWaiting();
  while (!fence) {
    await pause(clock, ttlMs / 3);
    renewedAtMs = elapsedMs();
    fence = await engine.lease(RIGHT, instance, ttlMs);
  }
  const mine = fence;
  let cancel = (): void => undefined;
  let isOver = false;
  const renew = async (): Promise<void> => {
    const askedAtMs = elapsedMs();
    try {
      const renewed = await engine.lease(RIGHT, instance, ttlMs);
      if (renewed?.fence === mine.fence) renewedAtMs = askedAtMs;
      else if (!isOver) {
        isOver = true;
        onReplaced();
      }
    } catch (error) {
      onFault(error);
    }
    if (!isOver) next();
  };
  let renewing = Promise.resolve();
  const next = (): void => {
    cancel = clock.after(ttlMs / 3, () => {
      renewing = renew();
    });
  };
  next();
  const isValid = (): boolean => !isOver && elapsedMs() - renewedAtMs < (ttlMs * 2) / 3;
  return {
    engine: engineOfShard(engine, { shard: 0, fence: mine, isValid }, 1),
    end: async () => {
      isOver = true;
      cancel();
      await renewing;
      await engine.release(RIGHT, instance);
    },
  };
}

function pause(clock: Clock, delayMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  clock.after(delayMs, resolve);
  return promise;
}
