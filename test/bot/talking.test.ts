import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  ANA,
  BEN,
  BotBench,
  buttonOf,
  buttonsOf,
  CLEO,
  ROLES,
  SUPERVISOR,
  textOf,
} from "./bench.ts";
import { forgeries } from "./forgeries.ts";

let bench: BotBench;
beforeEach(async () => {
  bench = await BotBench.open();
});
afterEach(async () => {
  await bench.close();
});

const onlyCard = async (...said: Parameters<BotBench["say"]>) => {
  const { status, cards } = await bench.say(...said);
  expect([status, cards.length]).toEqual([200, 1]);
  return cards[0];
};

describe("somebody asks", () => {
  test("[R215] a rep sees herself: one truth, each system, why", async () => {
    const text = textOf(await onlyCard("rep", "me"));
    expect(text).toContain("Ana Lima\nAvailable");
    expect(text).toMatch(/Teams\nAvailable\nin step · read \d+ s ago/);
    expect(text).toMatch(/Dynamics\nAvailable/);
  });

  test("[R313] her card shows what the contact centre itself says, and what it does not say", async () => {
    expect(textOf(await onlyCard("rep", "me"))).not.toContain("Contact centre");
    const told = { presence: "Lunch", signedInAtMs: null, browserSessions: 2, asOfMs: 0 };
    const other = await BotBench.open({ detail: () => Promise.resolve(told) });
    try {
      const { cards } = await other.say("rep", "me");
      const text = textOf(cards[0]);
      expect(text).toMatch(
        /Contact centre\nLunch · 2 browsers\nasked in the rep's name .*since when/,
      );
    } finally {
      await other.close();
    }
  });

  test("[R215] a manager sees who is in her team, and only her team", async () => {
    expect(textOf(await onlyCard("manager", "is Ben Osei free?"))).toContain("Ben Osei\nAvailable");
    expect(textOf(await onlyCard("manager", "who is available"))).toContain("2 of 2");
    const team = textOf(await onlyCard("manager", "team"));
    expect(team).toContain("2 people");
    expect(team).not.toContain("Cleo");
  });

  test.each([
    ["rep", "status Ben"],
    ["rep", "why Ben"],
    ["rep", "history Ben"],
    ["rep", "set Ben busy because I want to"],
    ["rep", "team"],
    ["rep", "who is available"],
    ["rep", "notify me when Ben is available"],
    ["rep", "status Nobody Whom Anybody Knows"],
    ["manager", "status Cleo"],
    ["manager", "set Cleo busy because I want to"],
    ["foreign manager", "status Ana"],
    ["foreign manager", "release Ana"],
    ["guest", "me"],
    ["guest", "status Ana"],
    ["guest", "health"],
    ["guest", "policy"],
  ] as const)("[R215] a %s may not say: %s", async (role, text) => {
    const before = bench.document?.rep.base;
    const card = await onlyCard(role, text);
    expect(textOf(card)).toBe("You may not do that for this person. The attempt has been noted.");
    expect(bench.document?.rep.base).toEqual(before);
  });

  test("[R216] a manager sets, the systems follow, the rep reads who and why, and takes it back", async () => {
    const card = await onlyCard(
      "manager",
      "set Ana do not disturb for 2 hours because of the audit",
    );
    expect(textOf(card)).toContain("Ana Lima is set to Do not disturb until");
    await bench.crew.clock.advance(5_000);
    expect(bench.crew.shown(ANA)).toEqual(["DoNotDisturb", "Busy - DND"]);
    expect(textOf(await onlyCard("rep", "why me"))).toContain("a manager reports it");
    expect(textOf(await onlyCard("rep", "who looked me up"))).toContain("set DoNotDisturb until");
    expect(textOf(await onlyCard("rep", "release me"))).toContain("Available is what remains");
    await bench.crew.clock.advance(15_000);
    expect(bench.crew.shown(ANA)).toEqual(["Available", "Available"]);
  });

  test("[R216] a set for somebody else needs a reason, and asks for it with the form", async () => {
    const form = await onlyCard("manager", "set Ben busy");
    expect(textOf(form)).toContain("say why");
    const done = await bench.press("manager", buttonOf(form, "Set status"), "personal", {
      status: "Busy",
      reason: "training",
    });
    expect(textOf(done)).toContain("Ben Osei is set to Busy.");
    await bench.crew.clock.advance(5_000);
    expect(bench.crew.shown(BEN)).toEqual(["Busy", "Busy"]);
  });

  test("[R216] the same form sent twice is one deed, whatever it says the second time", async () => {
    const form = await onlyCard("manager", "set Ben busy");
    const button = buttonOf(form, "Set status");
    await bench.press("manager", button, "personal", { status: "Busy", reason: "training" });
    const again = { status: "Offline", reason: "training" };
    const second = await bench.press("manager", button, "personal", again);
    expect(textOf(second)).toContain("This was done already");
    await bench.crew.clock.advance(5_000);
    expect(bench.crew.shown(BEN)).toEqual(["Busy", "Busy"]);
  });

  test("[R216] a message delivered twice is one deed", async () => {
    const activity = bench.activity("rep", "personal", { type: "message", text: "set me busy" });
    await bench.post(activity);
    await bench.crew.clock.advance(5_000);
    const { generation } = bench.document ?? {};
    await bench.post(activity);
    await bench.crew.clock.advance(5_000);
    expect(bench.document?.generation).toBe(generation);
  });

  test.each(["busy until nonsense", "available until 17:30 because x", "in a call because x"])(
    "[R216] what cannot be is said, and nothing is changed: set Ana %s",
    async (what) => {
      const before = bench.document?.rep.base;
      await onlyCard("manager", `set Ana ${what}`);
      await bench.crew.clock.advance(5_000);
      expect(bench.document?.rep.base).toEqual(before);
    },
  );

  test("[R217] in a channel everybody reads for whom an answer is, and nothing else", async () => {
    const card = await onlyCard("manager", "<at>Lockstep</at> status Ana", "channel");
    expect(textOf(card)).toBe(
      "Answer for The manager\nWhat I answer in a channel is shown only to you.",
    );
    expect(JSON.stringify(card)).not.toContain("Lima");
    const button = buttonOf(card, "Show it to me");
    expect(textOf(await bench.press("manager", button, "channel"))).toContain("Ana Lima");
    expect(textOf(await bench.press("foreign manager", button, "channel"))).toContain("may not");
    expect(textOf(await bench.press("guest", button, "channel"))).toContain("may not");
    const edits = bench.teams.messages.filter(({ method }) => method === "PUT");
    expect(edits).toEqual([]);
  });

  test("[R217] however often a card with a refresh is pressed, the message is edited for nobody", async () => {
    const card = await onlyCard("manager", "status Ana");
    const refresh = buttonOf(card, "Refresh");
    for (let times = 0; times < 3; times += 1) await bench.press("manager", refresh);
    expect(bench.teams.messages.filter(({ method }) => method === "PUT")).toEqual([]);
  });

  test("[R215] every button of every card works for the one who was given it", async () => {
    const seen = new Set<string>();
    const asked = [
      "me",
      "status Ana",
      "why Ana",
      "history Ana",
      "team",
      "who is available",
      "health",
      "policy",
      "help",
      "erase",
      "statsu Ana",
    ];
    for (const text of asked) {
      for (const role of ["manager", "rep"] as const) {
        const { cards } = await bench.say(role, text);
        for (const button of buttonsOf(cards[0])) {
          seen.add(button.title);
          const inputs = { status: "Busy", reason: "because" };
          const shown = textOf(await bench.press(role, button, "personal", inputs));
          expect(shown, `${text} → ${button.title}`).not.toMatch(/went wrong|may not|another conv/);
          expect(shown).not.toBe("");
        }
      }
    }
    expect([...seen]).toEqual(expect.arrayContaining(["Refresh", "Why?", "Set status", "History"]));
    expect(bench.faults).toEqual([]);
  });

  test("[R218] rights are believed for five minutes, and nothing is allowed while they cannot be known", async () => {
    await bench.say("manager", "status Ana");
    const { lookups } = bench;
    await bench.say("manager", "status Ben");
    expect(bench.lookups).toBe(lookups);
    for (const group of Object.keys(bench.groups)) bench.groups[group] = [];
    await bench.crew.clock.advance(300_001);
    expect(textOf(await onlyCard("manager", "status Ana"))).toContain("You may not");
    bench.groupsFail = true;
    await bench.crew.clock.advance(300_001);
    expect(textOf(await onlyCard("manager", "status Ana"))).toContain("could not check");
    expect(textOf(await onlyCard("rep", "me"))).toContain("could not check");
  });

  test("[R330] a role in Dynamics gives a scope, for five minutes at most, and nothing while it cannot be known", async () => {
    bench.roles[SUPERVISOR] = ["guest"];
    await bench.crew.clock.advance(300_001);
    expect(textOf(await onlyCard("guest", "status Cleo"))).toContain("Cleo Marsh");
    expect(textOf(await onlyCard("guest", "status Ana"))).toContain("may not");
    expect(textOf(await onlyCard("guest", "team"))).toContain("1 person");
    await onlyCard("guest", "set Cleo busy because of training");
    await bench.crew.clock.advance(5_000);
    expect(bench.crew.shown(CLEO)).toEqual(["Busy", "Busy"]);
    bench.rolesFail = true;
    await bench.crew.clock.advance(300_001);
    expect(textOf(await onlyCard("guest", "status Cleo"))).toContain("could not check");
    bench.rolesFail = false;
    expect(textOf(await onlyCard("guest", "status Cleo"))).toContain("Cleo Marsh");
    bench.roles[SUPERVISOR] = [];
    await bench.crew.clock.advance(300_001);
    expect(textOf(await onlyCard("guest", "status Cleo"))).toContain("may not");
  });

  test("[R331] no answer needs more than one call for rights, and most need none", async () => {
    await bench.crew.clock.advance(1_000_000);
    const commands = ["me", "status Ana", "why Ana", "history Ana", "team", "who is available"];
    let most = 0;
    let before = bench.lookups;
    const first = before;
    for (const text of [...commands, "health", "help", "set Ana busy because of training"]) {
      await onlyCard("manager", text);
      most = Math.max(most, bench.lookups - before);
      before = bench.lookups;
    }
    expect([most, bench.lookups - first]).toEqual([1, 1]);
  });

  test("[R336] the card says when her shift ends, or when the next one begins, on which day", async () => {
    expect(textOf(await onlyCard("rep", "me"))).toContain("Shift\nnone planned");
    const nowMs = bench.crew.clock.nowMs();
    bench.shifts.set(ANA.rep, { begins: false, atMs: nowMs + 3_600_000 });
    expect(textOf(await onlyCard("rep", "me"))).toMatch(/Shift\nends \{\{TIME\(/);
    bench.shifts.set(ANA.rep, { begins: true, atMs: nowMs + 14 * 3_600_000 });
    expect(textOf(await onlyCard("rep", "me"))).toMatch(/Shift\nbegins \{\{DATE\(.*\{\{TIME\(/);
  });

  test("[R334] where others read along, a client that answers buttons with messages gets no facts", async () => {
    const card = await onlyCard("manager", "<at>Lockstep</at> status Ana", "channel");
    const { data } = buttonOf(card, "Show it to me");
    const { cards } = await bench.say("manager", "", "channel", { value: data });
    expect(cards.map(textOf)).toEqual(["Ask me that in our own chat, where only you read along."]);
    const [alone] = (await bench.say("manager", "status Ana")).cards;
    const mine = buttonOf(alone, "Refresh");
    const { cards: again } = await bench.say("manager", "", "personal", { value: mine.data });
    expect(textOf(again[0])).toContain("Ana Lima\nAvailable");
  });

  test("[R219] a rep learns who looked, takes everything along, and erases it", async () => {
    await bench.say("manager", "status Ana");
    await bench.say("foreign manager", "status Ana");
    const looked = textOf(await onlyCard("rep", "who looked me up"));
    expect(looked).toContain("manager asked: status");
    expect(looked).toContain("foreign was refused: status");
    const from = bench.teams.messages.length;
    await bench.say("rep", "export my data");
    const [, ...chunks] = bench.teams.messages.slice(from);
    const whole = chunks.map(({ activity }) => String(activity["text"])).join("");
    expect(JSON.parse(whole)).toMatchObject({
      identity: { name: "Ana Lima" },
      audit: [{ deed: "lookup", who: "manager" }, { deed: "refusal" }],
    });
    const confirm = buttonOf(await onlyCard("rep", "erase my data"), "Erase it");
    expect(textOf(await bench.press("rep", confirm))).toContain("Erased: 2 entries");
    const after = textOf(await onlyCard("rep", "who looked me up"));
    expect(after).not.toContain("asked");
    expect(after).toContain("was refused");
  });

  test("[R219] pausing is kept where the service reads it, and resuming takes it away", async () => {
    expect(textOf(await onlyCard("rep", "pause"))).toContain("paused");
    expect(await bench.crew.engine.kept("pause")).toMatchObject([{ id: "ana" }]);
    expect(textOf(await onlyCard("rep", "resume"))).toContain("goes on");
    expect(await bench.crew.engine.kept("pause")).toEqual([]);
  });

  test("[R215] without queues the bot says so", async () => {
    for (const text of ["queues", "queue Billing", "who is available in Billing"]) {
      expect(textOf(await onlyCard("manager", text))).toContain("not configured");
    }
  });

  test("[R220] another tenant is refused at the door, and hears nothing", async () => {
    for (const text of ["help", "status Ana", "me"]) {
      expect(await bench.say("other tenant", text)).toEqual({ status: 401, cards: [] });
    }
  });
});

test("[R221] a card that was tampered with has no effect, whoever sends it", async () => {
  const [mine] = (await bench.say("manager", "set Ana busy")).cards;
  const { data } = buttonOf(mine, "Set status");
  const refs = forgeries(String(data["ref"]), {
    own: "id:ana",
    other: "id:ben",
    foreign: "id:cleo",
  });
  expect(refs.length).toBeGreaterThanOrEqual(40);
  const state = () => JSON.stringify([bench.document?.rep.base, bench.document?.rep.holds]);
  const before = state();
  const inputs = { status: "Offline", reason: "tampered", rep: "id:ana", verb: "set.submit" };
  for (const role of ROLES) {
    for (const forged of refs) {
      const button = { verb: "set.submit", data: { ref: forged } };
      const card = await bench.press(role, button, "personal", inputs);
      if (role === "other tenant") expect(card).toBeNull();
      else expect(textOf(card)).toMatch(/belongs to another conversation|too old/);
    }
    // The card as it was made, pressed by somebody else in another chat.
    const stolen = await bench.press(role, { verb: "set.submit", data }, "channel", inputs);
    expect(textOf(stolen)).not.toContain("is set to");
  }
  await bench.crew.clock.advance(10_000);
  expect(state()).toBe(before);
  expect(bench.faults).toEqual([]);
});

test("[R221] a button of yesterday does nothing and says so", async () => {
  const [card] = (await bench.say("rep", "me")).cards;
  await bench.crew.clock.advance(86_400_001);
  const shown = await bench.press("rep", buttonOf(card, "Refresh"));
  expect(textOf(shown)).toContain("too old");
});
