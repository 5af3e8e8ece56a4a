import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Conversations } from "../../src/bot/conversations.ts";
import { ADMINS, ANA, BEN, BILLING, BotBench, MANAGERS, queueDeskOf, textOf } from "./bench.ts";

let bench: BotBench;
beforeEach(async () => {
  bench = await BotBench.open();
});
afterEach(async () => {
  await bench.close();
});

const pass = (seconds: number): Promise<void> => bench.pass(seconds);

const told = (): readonly string[] =>
  bench.teams.messages.map(({ activity }) => JSON.stringify(activity));
const fired = (): number => told().filter((text) => text.includes("is available now")).length;

describe("tell me when she is available", () => {
  beforeEach(async () => {
    bench.crew.teams.choose(BEN.rep, "Busy");
    await pass(10);
    await bench.say("manager", "notify me when Ben is available");
  });

  test("[R223] tells once, and only after she has stayed so", async () => {
    await pass(30);
    expect(fired()).toBe(0);
    bench.crew.teams.choose(BEN.rep, "Available");
    await pass(15);
    bench.crew.teams.choose(BEN.rep, "Busy");
    await pass(30);
    expect(fired(), "a flicker is nothing").toBe(0);
    bench.crew.teams.choose(BEN.rep, "Available");
    await pass(60);
    expect(fired()).toBe(1);
    bench.crew.teams.choose(BEN.rep, "Busy");
    await pass(15);
    bench.crew.teams.choose(BEN.rep, "Available");
    await pass(60);
    expect(fired()).toBe(1);
  });

  test("[R223] tells nobody who may not see her any more", async () => {
    for (const group of Object.keys(bench.groups)) bench.groups[group] = [];
    await pass(310);
    bench.crew.teams.choose(BEN.rep, "Available");
    await pass(60);
    expect(fired()).toBe(0);
    expect(await bench.crew.engine.kept("bot.watch")).toEqual([]);
  });

  test("[R225] a user who removed the bot is told nothing, and forgotten", async () => {
    await bench.post(
      bench.activity("manager", "personal", { type: "installationUpdate", action: "remove" }),
    );
    expect(await bench.crew.engine.kept("bot.conversation")).toEqual([]);
    bench.crew.teams.choose(BEN.rep, "Available");
    await pass(60);
    expect(fired()).toBe(0);
  });

  test.each([[412], [429], [502], [503], [504]])(
    "[R225] an answer of %i is tried again until it is through, once",
    async (status) => {
      bench.teams.refusals.push(status, status);
      bench.crew.teams.choose(BEN.rep, "Available");
      await pass(90);
      expect(fired()).toBe(1);
    },
  );

  test("[R225] a 403 is not tried again: the conversation is gone", async () => {
    bench.teams.refusals.push(403);
    bench.crew.teams.choose(BEN.rep, "Available");
    await pass(60);
    expect(fired()).toBe(0);
    expect(bench.teams.refusals).toEqual([]);
    expect(await bench.crew.engine.kept("bot.conversation")).toEqual([]);
  });
});

describe("a board in a channel", () => {
  const edits = () => bench.teams.messages.filter(({ method }) => method === "PUT");

  test("[R224] shows figures and no names, and is edited when they change, not before 15 s", async () => {
    await bench.say("manager", "<at>Lockstep</at> board", "channel");
    const board = bench.teams.messages.find(({ activity }) =>
      JSON.stringify(activity).includes("Team board"),
    );
    expect(board?.path).toContain(encodeURIComponent("19:channel@thread.tacv2"));
    expect(JSON.stringify(board)).not.toMatch(/Lima|Osei|Marsh/);
    await pass(60);
    expect(edits()).toEqual([]);
    for (let change = 0; change < 6; change += 1) {
      bench.crew.teams.choose(ANA.rep, change % 2 === 0 ? "Busy" : "Available");
      await pass(10);
    }
    expect(edits().length).toBeGreaterThan(0);
    expect(edits().length).toBeLessThanOrEqual(4);
    expect(edits()[0]?.path).toContain("/activities/message-1");
  });

  test("[R224] stops when whoever asked for it manages nobody any more", async () => {
    await bench.say("manager", "<at>Lockstep</at> board", "channel");
    bench.groups[MANAGERS] = [];
    await pass(310);
    bench.crew.teams.choose(ANA.rep, "Busy");
    await pass(60);
    expect(edits()).toEqual([]);
    expect(await bench.crew.engine.kept("bot.board")).toEqual([]);
  });

  test("[R224] waits, and goes on, while rights cannot be looked up", async () => {
    await bench.say("manager", "<at>Lockstep</at> board", "channel");
    bench.groupsFail = true;
    await pass(310);
    bench.crew.teams.choose(ANA.rep, "Busy");
    await pass(60);
    expect(edits()).toEqual([]);
    bench.groupsFail = false;
    await pass(30);
    expect(edits()).toHaveLength(1);
  });

  test("[R215] is posted by managers only, and not where nobody else reads", async () => {
    const [alone] = (await bench.say("manager", "board")).cards;
    expect(textOf(alone)).toContain("belongs into a channel");
    const [refused] = (await bench.say("rep", "<at>Lockstep</at> board", "channel")).cards;
    expect(textOf(refused)).toContain("You may not");
  });
});

describe("alerts to the operators", () => {
  const alerts = (what: string): number => told().filter((text) => text.includes(what)).length;
  const trouble = (kind: "down" | "rejected") => Array.from({ length: 2_000 }, () => ({ kind }));

  beforeEach(async () => {
    const [card] = (await bench.say("manager", "<at>Lockstep</at> alerts here", "channel")).cards;
    expect(textOf(card)).toContain("Alerts will come here");
  });

  test("[R337] tell that a system is not read, after two minutes, and once an hour", async () => {
    bench.crew.teams.readTroubles.push(...trouble("down"));
    await pass(110);
    expect(alerts("has not answered")).toBe(0);
    await pass(60);
    expect(alerts("Teams has not answered for 2 min")).toBe(1);
    await pass(600);
    expect(alerts("has not answered")).toBe(1);
    await pass(3_000);
    expect(alerts("has not answered")).toBe(2);
    const sent = bench.teams.messages.at(-1);
    expect(sent?.path).toContain(encodeURIComponent("19:channel@thread.tacv2"));
  });

  test("[R337] tell of reps who have been out of step for five minutes, and not before", async () => {
    bench.crew.dynamics.writeTroubles.push(...trouble("down"));
    bench.crew.teams.choose(ANA.rep, "Busy");
    await pass(240);
    expect(alerts("out of step")).toBe(0);
    await pass(120);
    expect(alerts("1 rep has been out of step for more than 5 min")).toBe(1);
    bench.crew.dynamics.writeTroubles.splice(0);
    await pass(900);
    expect(bench.crew.shown(ANA)).toEqual(["Busy", "Busy"]);
    expect(alerts("out of step")).toBe(1);
  });

  test("[R337] tell of a fight, between what and by whom, once", async () => {
    for (let change = 0; change < 30; change += 1) {
      bench.crew.dynamics.choose(BEN.rep, change % 2 === 0 ? "Busy" : "Available");
      await pass(6);
    }
    await pass(10);
    const [told] = bench.teams.messages.filter(({ activity }) =>
      JSON.stringify(activity).includes("I stopped writing"),
    );
    expect(JSON.stringify(told?.activity)).toMatch(/Dynamics changed Ben Osei \d+ times, between/);
    expect(alerts("I stopped writing")).toBe(1);
  });

  test("[R337] belong into a channel, are an administrator's, and end when she is none any more", async () => {
    expect(textOf((await bench.say("manager", "alerts here")).cards[0])).toContain("channel");
    const [refused] = (await bench.say("rep", "<at>Lockstep</at> alerts here", "channel")).cards;
    expect(textOf(refused)).toContain("You may not");
    bench.groups[ADMINS] = [];
    await pass(310);
    bench.crew.teams.readTroubles.push(...trouble("down"));
    await pass(200);
    expect(alerts("has not answered")).toBe(0);
    expect(await bench.crew.engine.kept("bot.alerts")).toEqual([]);
  });
});

describe("what comes by itself", () => {
  test("[R125] a channel that asked for alerts is told of an account that was signed out, once an hour", async () => {
    await bench.say("manager", "<at>Lockstep</at> alerts here", "channel");
    const alerts = (): readonly string[] => told().filter((text) => text.includes("is signed out"));
    await pass(60);
    expect(alerts()).toEqual([]);
    bench.signedOut = [{ account: "6f0b7a1e-1c2d-4e5f-8a9b-0c1d2e3f4a5b", reps: 650 }];
    await pass(60);
    expect(alerts()).toHaveLength(1);
    expect(alerts()[0]).toContain("650 reps are polled");
    expect(alerts()[0]).toContain("/connect/teams/accounts");
    bench.signedOut = [];
    await pass(60);
    expect(alerts()).toHaveLength(1);
  });

  test("[R223] a digest comes every day at its time, until it is switched off", async () => {
    const [card] = (await bench.say("manager", "digest at 10:00")).cards;
    expect(textOf(card)).toContain("Every day at");
    const digests = (): number =>
      told().filter((text) => text.includes("The last 24 hours")).length;
    await bench.crew.clock.advance(86_400_000);
    await bench.arrived();
    expect(digests()).toBe(1);
    await bench.crew.clock.advance(86_400_000);
    await bench.arrived();
    expect(digests()).toBe(2);
    await bench.say("manager", "digest off");
    await bench.crew.clock.advance(86_400_000);
    await bench.arrived();
    expect(digests()).toBe(2);
  });

  test("[R387] a digest keeps its hour when the clocks go forward where it was asked for", async () => {
    const { clock } = bench.crew;
    const until = (text: string): number => Date.parse(text) - clock.nowMs();
    clock.set(until("2027-03-26T12:00:00Z"));
    const localTimestamp = "2027-03-26T13:00:00.000+01:00";
    const place = { localTimezone: "Europe/Berlin", localTimestamp };
    await bench.say("manager", "digest at 8:00", "personal", place);
    const digests = async (by: string): Promise<number> => {
      await clock.advance(until(by));
      await bench.arrived();
      return told().filter((text) => text.includes("The last 24 hours")).length;
    };
    expect(await digests("2027-03-27T06:58:00Z")).toBe(0);
    expect(await digests("2027-03-27T07:02:00Z")).toBe(1);
    expect(await digests("2027-03-28T05:58:00Z")).toBe(1);
    expect(await digests("2027-03-28T06:02:00Z")).toBe(2);
    expect(await digests("2027-03-29T05:58:00Z")).toBe(2);
    expect(await digests("2027-03-29T06:02:00Z")).toBe(3);
  });

  test("[R225] conversations outlive a restart", async () => {
    await bench.say("manager", "help");
    const engine = bench.crew.engine;
    const again = new Conversations({ engine, nowMs: () => bench.crew.clock.nowMs() });
    await again.load();
    expect(again.find("chat-manager")?.objectId).toBe("manager");
  });
});

test("[R215] queues are answered from whoever knows them, with both sources and their age", async () => {
  const queues = queueDeskOf([BILLING], bench.crew.clock.nowMs());
  const other = await BotBench.open({ queues });
  try {
    const text = textOf((await other.say("manager", "queue billing")).cards[0]);
    expect(text).toMatch(
      /Queue Billing\nopen[^]*1 \/ 2[^]*Waiting\n3[^]*Lockstep\n1[^]*Dynamics 365\nnot known/,
    );
    expect(textOf((await other.say("manager", "queues")).cards[0])).toContain("Billing");
    const able = textOf((await other.say("manager", "who is available in Billing")).cards[0]);
    expect(able).toContain("Ana Lima");
    expect(able).not.toContain("Ben");
    expect(
      textOf((await other.say("manager", "notify me when Billing is available")).cards[0]),
    ).toContain("available already");
    expect(textOf((await other.say("rep", "queues")).cards[0])).toContain("may not");
  } finally {
    await other.close();
  }
});
