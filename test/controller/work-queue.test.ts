import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Urgency, WorkQueue } from "../../src/controller/work-queue.ts";
import { VirtualClock } from "./clock.ts";
import "../fuzz/same-cases.ts";

/** A queue whose work ends when the test says so. */
class Bench {
  readonly clock = new VirtualClock();
  readonly started: string[] = [];
  readonly failed: string[] = [];
  readonly running = new Map<string, { done(isDone?: boolean): void; fail(): void }>();
  most = 0;
  /** How often a key was processed while it was being processed. */
  overlaps = 0;
  readonly queue: WorkQueue<string>;

  constructor(concurrency = 10) {
    this.queue = new WorkQueue<string>({
      clock: this.clock,
      limits: { concurrency, retryFirstMs: 100, retryMaxMs: 1_000 },
      process: (key) => this.#process(key),
      onFailure: (key) => this.failed.push(key),
    });
  }

  #process(key: string): Promise<boolean> {
    if (this.running.has(key)) this.overlaps += 1;
    this.started.push(key);
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => (): void => {
        this.running.delete(key);
        settle();
      };
      this.running.set(key, {
        done: (isDone = true) => end(() => resolve(isDone))(),
        fail: end(() => reject(new Error(key))),
      });
      this.most = Math.max(this.most, this.running.size);
    });
  }

  async finish(key: string): Promise<void> {
    this.running.get(key)?.done();
    await this.clock.settle();
  }

  async fail(key: string): Promise<void> {
    this.running.get(key)?.fail();
    await this.clock.settle();
  }
}

describe("[R40] a key is processed once however often it was added", () => {
  test("collapse", async () => {
    const bench = new Bench();
    for (let times = 0; times < 3; times += 1) bench.queue.add("a");
    expect(bench.queue.length).toBe(1);
    await bench.clock.settle();
    await bench.finish("a");
    expect(bench.started).toEqual(["a"]);
    expect(bench.queue.length).toBe(0);
  });

  test("add while processing: it runs once more", async () => {
    const bench = new Bench();
    bench.queue.add("a");
    await bench.clock.settle();
    bench.queue.add("a");
    await bench.clock.settle();
    expect(bench.started).toEqual(["a"]);
    await bench.finish("a");
    expect(bench.started).toEqual(["a", "a"]);
    await bench.finish("a");
    expect(bench.started).toEqual(["a", "a"]);
  });

  test("add twice while processing, or as often as you like: it runs once more", async () => {
    const bench = new Bench();
    bench.queue.add("a");
    await bench.clock.settle();
    for (let times = 0; times < 5; times += 1) bench.queue.add("a");
    expect(bench.queue.length).toBe(1);
    await bench.finish("a");
    await bench.finish("a");
    expect(bench.started).toEqual(["a", "a"]);
  });

  test("reinsert: a key that is done with can come again", async () => {
    const bench = new Bench();
    bench.queue.add("a");
    await bench.clock.settle();
    await bench.finish("a");
    bench.queue.add("a");
    await bench.clock.settle();
    expect(bench.started).toEqual(["a", "a"]);
  });

  test("in order of arrival, and no more at once than there is room for", async () => {
    const bench = new Bench(2);
    for (const key of ["a", "b", "c", "d"]) bench.queue.add(key);
    await bench.clock.settle();
    expect(bench.started).toEqual(["a", "b"]);
    for (const key of ["a", "b", "c", "d"]) await bench.finish(key);
    expect(bench.started).toEqual(["a", "b", "c", "d"]);
    expect(bench.most).toBe(2);
  });
});

describe("[R42] protective work overtakes", () => {
  test("work that is not, whatever came first", async () => {
    const bench = new Bench(1);
    bench.queue.add("first");
    await bench.clock.settle();
    bench.queue.add("a");
    bench.queue.add("b");
    bench.queue.add("c", "protective");
    bench.queue.add("b", "protective");
    bench.queue.add("c");
    for (const key of ["first", "c", "b", "a"]) await bench.finish(key);
    expect(bench.started).toEqual(["first", "c", "b", "a"]);
  });

  test("also when it was added while its key was processed", async () => {
    const bench = new Bench(1);
    bench.queue.add("a");
    await bench.clock.settle();
    bench.queue.add("b");
    bench.queue.add("a", "protective");
    bench.queue.add("a");
    for (const key of ["a", "a", "b"]) await bench.finish(key);
    expect(bench.started).toEqual(["a", "a", "b"]);
  });
});

describe("a delay", () => {
  test("is waited for", async () => {
    const bench = new Bench();
    bench.queue.addAfter("a", 500);
    await bench.clock.advance(499);
    expect(bench.started).toEqual([]);
    await bench.clock.advance(1);
    expect(bench.started).toEqual(["a"]);
  });

  test.each([
    ["shorter first", [200, 500]],
    ["longer first", [500, 200]],
  ])("of several the soonest counts, %s", async (_order, delays) => {
    const bench = new Bench();
    for (const delayMs of delays) bench.queue.addAfter("a", delayMs);
    await bench.clock.advance(200);
    expect(bench.started).toEqual(["a"]);
    await bench.finish("a");
    await bench.clock.advance(1_000);
    expect(bench.started).toEqual(["a"]);
  });

  test("is cancelled by adding the key now", async () => {
    const bench = new Bench();
    bench.queue.addAfter("a", 500);
    bench.queue.add("a");
    await bench.clock.settle();
    await bench.finish("a");
    await bench.clock.advance(1_000);
    expect(bench.started).toEqual(["a"]);
  });

  test("of a key that waits already adds nothing", async () => {
    const bench = new Bench(1);
    bench.queue.add("first");
    await bench.clock.settle();
    bench.queue.add("a");
    bench.queue.addAfter("a", 500);
    await bench.finish("first");
    await bench.finish("a");
    await bench.clock.advance(1_000);
    expect(bench.started).toEqual(["first", "a"]);
  });

  test("is measured by timers: a clock that is set back neither hastens nor loses it", async () => {
    const bench = new Bench();
    bench.queue.addAfter("a", 500);
    bench.clock.set(-3_600_000);
    bench.queue.addAfter("a", 600);
    await bench.clock.advance(700);
    expect(bench.started).toEqual(["a"]);
  });
});

describe("[R43] a failing key comes back later and later", () => {
  test("up to the limit, and from the start again once it is done", async () => {
    const bench = new Bench();
    bench.queue.add("a");
    await bench.clock.settle();
    const waits = [100, 200, 400, 800, 1_000, 1_000];
    for (const [index, waitMs] of waits.entries()) {
      await bench.fail("a");
      await bench.clock.advance(waitMs - 1);
      expect(bench.started).toHaveLength(index + 1);
      await bench.clock.advance(1);
      expect(bench.started).toHaveLength(index + 2);
    }
    expect(bench.failed).toHaveLength(waits.length);
    await bench.finish("a");
    bench.queue.add("a");
    await bench.clock.settle();
    await bench.fail("a");
    await bench.clock.advance(100);
    expect(bench.started).toHaveLength(waits.length + 3);
  });

  test("and what comes of a turn that failed waits as long, of any other not at all", async () => {
    const bench = new Bench();
    bench.queue.addPatiently("a", "normal");
    await bench.clock.settle();
    expect(bench.started).toEqual(["a"]);
    for (const _time of [1, 2]) {
      await bench.fail("a");
      await bench.clock.advance(200);
    }
    expect(bench.started).toHaveLength(3);
    bench.running.get("a")?.done(false);
    await bench.clock.settle();
    bench.queue.addPatiently("a", "normal");
    await bench.clock.advance(199);
    expect(bench.started).toHaveLength(3);
    await bench.clock.advance(1);
    expect(bench.started).toHaveLength(4);
  });

  test("and a turn that left something to do forgets no failure", async () => {
    const bench = new Bench();
    bench.queue.add("a");
    await bench.clock.settle();
    await bench.fail("a");
    await bench.clock.advance(100);
    bench.running.get("a")?.done(false);
    bench.queue.add("a");
    await bench.clock.settle();
    await bench.fail("a");
    await bench.clock.advance(199);
    expect(bench.started).toHaveLength(3);
    await bench.clock.advance(1);
    expect(bench.started).toHaveLength(4);
  });

  test("others do not wait for it, and it does not wait if it is added again", async () => {
    const bench = new Bench(1);
    bench.queue.add("a");
    await bench.clock.settle();
    bench.queue.add("b");
    await bench.fail("a");
    await bench.finish("b");
    bench.queue.add("a");
    await bench.clock.settle();
    expect(bench.started).toEqual(["a", "b", "a"]);
  });
});

describe("[R44] drain finishes what runs and takes nothing new", () => {
  test("with nothing running it is over at once", async () => {
    const bench = new Bench();
    bench.queue.addAfter("a", 100);
    await bench.queue.drain();
    bench.queue.add("b");
    await bench.clock.advance(1_000);
    expect(bench.started).toEqual([]);
  });

  test("with a key that was added again while it ran, it waits for this run and no other", async () => {
    const bench = new Bench();
    bench.queue.add("a");
    await bench.clock.settle();
    bench.queue.add("a");
    bench.queue.add("b");
    let drained = false;
    const draining = bench.queue.drain().then(() => {
      drained = true;
    });
    await bench.clock.advance(1_000);
    expect(drained).toBe(false);
    await bench.finish("a");
    await draining;
    await bench.clock.advance(1_000);
    expect(bench.started).toEqual(["a"]);
    expect(bench.queue.length).toBe(0);
  });

  test("with a key that fails meanwhile, it does not wait for another attempt", async () => {
    const bench = new Bench();
    bench.queue.add("a");
    await bench.clock.settle();
    const draining = bench.queue.drain();
    await bench.fail("a");
    await draining;
    await bench.clock.advance(10_000);
    expect(bench.started).toEqual(["a"]);
  });

  test("twice is as good as once", async () => {
    const bench = new Bench();
    bench.queue.add("a");
    await bench.clock.settle();
    const both = Promise.all([bench.queue.drain(), bench.queue.drain()]);
    await bench.finish("a");
    await both;
    expect(bench.running.size).toBe(0);
  });
});

const KEYS = ["a", "b", "c", "d"] as const;
const operation = fc.oneof(
  fc.record({
    kind: fc.constant("add" as const),
    key: fc.constantFrom(...KEYS),
    urgency: fc.constantFrom<Urgency>("protective", "normal"),
  }),
  fc.record({
    kind: fc.constant("after" as const),
    key: fc.constantFrom(...KEYS),
    delayMs: fc.nat(300),
  }),
  fc.record({
    kind: fc.constantFrom("finish" as const, "fail" as const),
    key: fc.constantFrom(...KEYS),
  }),
  fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(400) }),
);

describe("[R41] a key is never processed twice at once", () => {
  test("nor is an added one forgotten, whatever 10 000 random operations do", async () => {
    let operations = 0;
    let ran = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 40, maxLength: 60 }), async (steps) => {
        const bench = new Bench(2);
        const owed = new Set<string>();
        for (const step of steps) {
          operations += 1;
          const before = bench.started.length;
          switch (step.kind) {
            case "add":
              owed.add(step.key);
              bench.queue.add(step.key, step.urgency);
              break;
            case "after":
              owed.add(step.key);
              bench.queue.addAfter(step.key, step.delayMs);
              break;
            case "finish":
              await bench.finish(step.key);
              break;
            case "fail":
              if (bench.running.has(step.key)) owed.add(step.key);
              await bench.fail(step.key);
              break;
            case "pass":
              await bench.clock.advance(step.ms);
              break;
            default:
              step satisfies never;
          }
          await bench.clock.settle();
          for (const key of bench.started.slice(before)) owed.delete(key);
          expect(bench.running.size).toBeLessThanOrEqual(2);
        }
        for (let round = 0; round < 10; round += 1) {
          const before = bench.started.length;
          await bench.clock.advance(1_000);
          for (const key of KEYS) await bench.finish(key);
          for (const key of bench.started.slice(before)) owed.delete(key);
        }
        ran += bench.started.length;
        expect(bench.overlaps).toBe(0);
        expect([...owed]).toEqual([]);
        expect(bench.queue.length).toBe(0);
      }),
      { numRuns: 220 },
    );
    expect(operations).toBeGreaterThan(10_000);
    expect(ran).toBeGreaterThan(1_000);
  });
});
