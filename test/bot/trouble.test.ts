import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Access } from "../../src/bot/access.ts";
import type { QueueDesk } from "../../src/bot/port.ts";
import { BEN, BILLING, BotBench, buttonOf, MANAGERS, queueDeskOf, textOf } from "./bench.ts";

const WATCH = "bot.watch";
const DIGEST = "bot.digest";

let bench: BotBench;
/** While it is set, nobody knows the queues. */
let queuesFail = false;
beforeEach(async () => {
  queuesFail = false;
  const desk = queueDeskOf([{ ...BILLING, ableNow: 0 }]);
  const queues: QueueDesk = {
    ...desk,
    queues: () => (queuesFail ? Promise.reject(new Error("nobody answers")) : desk.queues()),
  };
  bench = await BotBench.open({ queues });
});
afterEach(async () => {
  await bench.close();
});

const pass = (seconds: number): Promise<void> => bench.pass(seconds);

const told = (what: string): number =>
  bench.teams.messages.filter(({ activity }) => JSON.stringify(activity).includes(what)).length;

/** Keeps records of one kind waiting; resolves to what lets them go, once the first one waits. */
function slow(kind: string): { readonly began: Promise<void>; release: () => void } {
  const began = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const wait = (): Promise<void> => {
    began.resolve();
    return gate.promise;
  };
  bench.slow = { kind, wait };
  return {
    began: began.promise,
    release: () => {
      bench.slow = null;
      gate.resolve();
    },
  };
}

describe("what cannot be looked up holds up nobody else", () => {
  test("[R337] operators are told that Dynamics is silent while the queues that somebody waits for cannot be read", async () => {
    await bench.say("manager", "<at>Lockstep</at> alerts here", "channel");
    await bench.say("manager", "notify me when Billing is available");
    queuesFail = true;
    const down = Array.from({ length: 2_000 }, () => ({ kind: "down" }) as const);
    bench.crew.dynamics.readTroubles.push(...down);
    await pass(200);
    expect(told("Dynamics has not answered")).toBe(1);
  });

  test("[R223] who waits for a rep is told of her while a queue that another waits for cannot be read", async () => {
    bench.crew.teams.choose(BEN.rep, "Busy");
    await pass(10);
    await bench.say("manager", "notify me when Billing is available");
    await bench.say("manager", "notify me when Ben is available");
    queuesFail = true;
    bench.crew.teams.choose(BEN.rep, "Available");
    await pass(60);
    expect(told("Ben Osei is available now")).toBe(1);
  });

  test("[R223] who waits is told when the store is there again", async () => {
    bench.crew.teams.choose(BEN.rep, "Busy");
    await pass(10);
    await bench.say("manager", "notify me when Ben is available");
    bench.forgetFails = true;
    bench.crew.teams.choose(BEN.rep, "Available");
    await pass(60);
    expect(told("Ben Osei is available now")).toBe(0);
    bench.forgetFails = false;
    await pass(30);
    expect(told("Ben Osei is available now")).toBe(1);
  });
});

describe("what is taken back stays so", () => {
  test("[R219] what could not be erased is erased by the next try", async () => {
    await bench.say("rep", "status");
    expect(await bench.crew.engine.kept("bot.conversation")).toHaveLength(1);
    const [card] = (await bench.say("rep", "erase my data")).cards;
    const erase = () => bench.press("rep", buttonOf(card, "Erase it"));
    bench.forgetFails = true;
    expect(textOf(await erase())).toContain("went wrong");
    bench.forgetFails = false;
    expect(textOf(await erase())).toContain("Erased");
    expect(await bench.crew.engine.kept("bot.conversation")).toEqual([]);
  });

  test("[R219] what she waits for is erased, though it was only just being stored", async () => {
    bench.crew.teams.choose(BEN.rep, "Busy");
    await pass(10);
    const [card] = (await bench.say("manager", "erase my data")).cards;
    const { began, release } = slow(WATCH);
    const asked = bench.say("manager", "notify me when Ben is available");
    await began;
    const erased = bench.press("manager", buttonOf(card, "Erase it"));
    await bench.arrived();
    release();
    await Promise.all([asked, erased]);
    expect(await bench.crew.engine.kept(WATCH)).toEqual([]);
    bench.crew.teams.choose(BEN.rep, "Available");
    await bench.say("manager", "help");
    await pass(60);
    expect(told("Ben Osei is available now")).toBe(0);
  });

  test("[R223] asked for twice at once it is kept once, and the second is told so", async () => {
    bench.crew.teams.choose(BEN.rep, "Busy");
    await pass(10);
    const { began, release } = slow(WATCH);
    const first = bench.say("manager", "notify me when Ben is available");
    await began;
    const second = bench.say("manager", "notify me when Ben is available");
    await bench.arrived();
    release();
    await Promise.all([first, second]);
    expect(told("already")).toBe(1);
  });

  test("[R223] a digest that is switched off while its time is being stored stays off", async () => {
    const { began, release } = slow(DIGEST);
    const on = bench.say("manager", "digest at 10:00");
    await began;
    const off = bench.say("manager", "digest off");
    await bench.arrived();
    release();
    await Promise.all([on, off]);
    await bench.crew.clock.advance(2 * 86_400_000);
    await bench.arrived();
    expect(told("The last 24 hours")).toBe(0);
    expect(await bench.crew.engine.kept(DIGEST)).toEqual([]);
  });

  test("[R223] a digest that is switched off while it is being made does not come again", async () => {
    await bench.say("manager", "digest at 10:00");
    const { began, release } = slow(DIGEST);
    const days = bench.crew.clock.advance(86_400_000);
    await began;
    const off = bench.say("manager", "digest off");
    await bench.arrived();
    release();
    await Promise.all([days, off]);
    expect(await bench.crew.engine.kept(DIGEST)).toEqual([]);
  });

  test("[R211] a digest at a time that is none leaves the one there is", async () => {
    await bench.say("manager", "digest at 10:00");
    const [card] = (await bench.say("manager", "digest at 25:00")).cards;
    expect(textOf(card)).toContain("25:00");
    expect(await bench.crew.engine.kept(DIGEST)).toHaveLength(1);
  });
});

describe("the audit", () => {
  test("[R222] a look that could not be written down is not shown at the second try either", async () => {
    await bench.say("manager", "help");
    bench.keepFails = true;
    for (const text of ["status Ben", "status Ben"]) {
      const [card] = (await bench.say("manager", text)).cards;
      expect(textOf(card)).toContain("went wrong");
      expect(textOf(card)).not.toContain("Ben Osei");
    }
    bench.keepFails = false;
    await bench.say("manager", "status Ben");
    expect(await bench.crew.engine.kept(`bot.audit:${BEN.rep}`)).toHaveLength(1);
  });
});

test("[R210] a queue whose name is nothing but signs is not the first queue there is", async () => {
  const [card] = (await bench.say("manager", "queue 🙂")).cards;
  expect(textOf(card)).not.toContain("Waiting");
});

test("[R218] a clock that is set back makes no right last longer", async () => {
  let nowMs = 10 * 3_600_000;
  let members: readonly string[] = ["manager"];
  const access = new Access(
    { scopes: [{ managers: MANAGERS, reps: null }], roleScopes: [], adminGroup: null },
    {
      nowMs: () => nowMs,
      after: () => () => undefined,
      groups: {
        memberOf: (id) => Promise.resolve(new Set(members.includes(id) ? [MANAGERS] : [])),
        members: () => Promise.resolve(new Set()),
      },
      roles: { holders: () => Promise.resolve(new Set()) },
    },
  );
  expect((await access.standing("manager", null)).isManager).toBe(true);
  members = [];
  nowMs -= 2 * 3_600_000;
  expect((await access.standing("manager", null)).isManager).toBe(false);
});
