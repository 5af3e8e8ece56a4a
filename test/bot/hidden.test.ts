import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { holdId } from "../../src/presence/identity.ts";
import { ANA, BotBench, buttonOf, buttonsOf, textOf } from "./bench.ts";

let bench: BotBench;
beforeEach(async () => {
  bench = await BotBench.open();
});
afterEach(async () => {
  await bench.close();
});

const card = async (...said: Parameters<BotBench["say"]>) => (await bench.say(...said)).cards[0];

describe("what an entry of ours hides", () => {
  beforeEach(async () => {
    bench.crew.dynamics.choose(ANA.rep, "Busy");
    await bench.crew.clock.advance(15_000);
    expect(bench.crew.shown(ANA)).toEqual(["Busy", "Busy"]);
  });

  test.each([
    ["en-US", "me", "beneath it: unknown since {{TIME(", "covered by our Busy"],
    [
      "de-DE",
      "mein Status",
      "darunter: unbekannt seit {{TIME(",
      "verdeckt durch unser „Beschäftigt“",
    ],
    ["ja-JP", "私", "その下の状態: {{TIME(", "こちらの「取り込み中」で覆われています"],
  ])("[R320] is said to be unknown on her card (%s)", async (locale, asks, since, covered) => {
    const text = textOf(await card("rep", asks, "personal", { locale }));
    expect(text).toContain(since);
    expect(text).toContain(covered);
  });

  test.each([
    ["en-US", "why me", "beneath it: unknown since"],
    ["de-DE", "warum ich", "darunter: unbekannt seit"],
    ["ja-JP", "なぜ私", "その下の状態"],
  ])("[R320] is said to be unknown where somebody asks why (%s)", async (locale, asks, says) => {
    expect(textOf(await card("rep", asks, "personal", { locale }))).toContain(says);
  });

  test("[R320] is not spoken of once our entry is gone", async () => {
    bench.crew.dynamics.choose(ANA.rep, "Available");
    await bench.crew.clock.advance(15_000);
    expect(textOf(await card("rep", "me"))).not.toContain("unknown");
  });
});

/** She chose Do not disturb in Teams; half an hour later her desk phone rings, and Teams does not show it. */
async function hidden(): Promise<void> {
  const { crew } = bench;
  crew.teams.choose(ANA.rep, "DoNotDisturb");
  await crew.clock.advance(1_800_000);
  const untilMs = crew.clock.nowMs() + 3_600_000;
  const hold = holdId("phone:1");
  await bench.tell({ type: "hold.started", hold, status: "InACall", untilMs });
  await crew.clock.advance(15_000);
  expect(crew.shown(ANA)).toEqual(["DoNotDisturb", "Busy - DND"]);
}

describe("a status that she set by hand, and that hides a call", () => {
  beforeEach(hidden);

  test.each([
    [
      "en-US",
      "me",
      "**Do not disturb**, set by hand in Teams, keeps **In a call** from showing there.",
      "unless another time was set in Teams",
      "Resume syncing",
    ],
    [
      "de-DE",
      "mein Status",
      "**Nicht stören**, von Hand in Teams gesetzt, verdeckt dort **In einem Anruf**.",
      "falls in Teams keine andere Zeit gesetzt wurde",
      "Abgleich fortsetzen",
    ],
    [
      "ja-JP",
      "私",
      "Teams で手動設定された **応答不可** が **通話中** の表示を妨げています。",
      "Teams で別の期限が設定された場合を除く",
      "同期を再開",
    ],
  ])(
    "[R321] is shown with its end and one button (%s)",
    async (locale, asks, says, ends, title) => {
      const shown = await card("rep", asks, "personal", { locale });
      expect(textOf(shown)).toContain(says);
      expect(textOf(shown)).toContain(ends);
      expect(buttonOf(shown, title).verb).toBe("manual.lift");
    },
  );

  test("[R321] ends by itself a day after it was set, as Teams has it", async () => {
    const setAtMs = bench.document?.rep.base.atMs ?? 0;
    const iso = `${new Date(setAtMs + 86_400_000).toISOString().slice(0, 19)}Z`;
    expect(textOf(await card("rep", "why me"))).toContain(`ends {{DATE(${iso},SHORT)}}`);
  });

  test.each(["me", "why me"])("[R322] gives way to one click of hers on: %s", async (asks) => {
    const button = buttonOf(await card("rep", asks), "Resume syncing");
    const answer = await bench.press("rep", button);
    expect(textOf(answer)).toBe(
      "Do not disturb in Teams is lifted for Ana Lima: In a call is to show.",
    );
    await bench.crew.clock.advance(15_000);
    expect(bench.crew.shown(ANA)).toEqual(["InACall", "Busy"]);
    await bench.tell({ type: "hold.ended", hold: holdId("phone:1") });
    await bench.crew.clock.advance(15_000);
    expect(bench.crew.shown(ANA)).toEqual(["Available", "Available"]);
    expect(textOf(await card("rep", "me"))).toContain("Available: set by the rep herself");
  });

  test("[R322] [R219] gives way to who may set her, and she reads who it was", async () => {
    const button = buttonOf(await card("manager", "status Ana"), "Resume syncing");
    await bench.press("manager", button);
    await bench.crew.clock.advance(15_000);
    expect(bench.crew.shown(ANA)).toEqual(["InACall", "Busy"]);
    const audit = textOf(await card("rep", "who looked me up"));
    expect(audit).toContain("manager set lift DoNotDisturb in teams");
  });

  test.each(["foreign manager", "guest"] as const)(
    "[R322] [R215] gives way to no %s, whoever's button she presses",
    async (role) => {
      const alone = buttonOf(await card("manager", "status Ana"), "Resume syncing");
      const elsewhere = await bench.press(role, alone, "channel");
      expect(textOf(elsewhere)).toContain("belongs to another conversation");
      const asked = await card("manager", "<at>Lockstep</at> status Ana", "channel");
      const shown = await bench.press("manager", buttonOf(asked, "Show it to me"), "channel");
      const here = buttonOf(shown, "Resume syncing");
      expect(textOf(await bench.press(role, here, "channel"))).toContain("may not");
      await bench.crew.clock.advance(15_000);
      expect(bench.crew.shown(ANA)).toEqual(["DoNotDisturb", "Busy - DND"]);
    },
  );

  test("[R322] [R216] the same click twice is one deed", async () => {
    const button = buttonOf(await card("rep", "me"), "Resume syncing");
    const answers = await Promise.all([bench.press("rep", button), bench.press("rep", button)]);
    expect(answers.map(textOf).filter((text) => text.includes("was done already"))).toHaveLength(1);
    await bench.crew.clock.advance(15_000);
    const { generation } = bench.document ?? {};
    expect(textOf(await bench.press("rep", button))).toContain("hides anything any more");
    await bench.crew.clock.advance(15_000);
    expect(bench.document?.generation).toBe(generation);
  });

  test("[R322] [R221] a card from before her next choice lifts nothing", async () => {
    const button = buttonOf(await card("rep", "me"), "Resume syncing");
    bench.crew.teams.choose(ANA.rep, "Away");
    await bench.crew.clock.advance(15_000);
    const base = bench.document?.rep.base;
    const answer = await bench.press("rep", button);
    expect(textOf(answer)).toBe("Nothing that Ana Lima set by hand hides anything any more.");
    await bench.crew.clock.advance(15_000);
    expect(bench.document?.rep.base).toEqual(base);
    expect(bench.crew.teams.shows(ANA.rep)).toBe("Away");
  });

  test("[R321] is not spoken of when the call is over", async () => {
    await bench.tell({ type: "hold.ended", hold: holdId("phone:1") });
    await bench.crew.clock.advance(15_000);
    const shown = await card("rep", "me");
    expect(textOf(shown)).not.toContain("by hand");
    expect(buttonsOf(shown).map(({ verb }) => verb)).not.toContain("manual.lift");
  });
});

test("[R322] [R219] one click on her card ends a pause that she asked for, and no other", async () => {
  const { clock, engine } = bench.crew;
  await bench.say("rep", "pause");
  await clock.advance(15_000);
  const shown = await card("rep", "me");
  expect(textOf(shown)).toContain("Syncing is paused");
  const answer = await bench.press("rep", buttonOf(shown, "Resume syncing"));
  expect(textOf(answer)).toContain("goes on");
  await clock.advance(15_000);
  expect(textOf(await card("rep", "me"))).not.toContain("paused");

  const body = { by: "an administrator", sinceMs: clock.nowMs() };
  await engine.keep({ kind: "pause", id: ANA.rep, body, expiresAtMs: null });
  await bench.readPauses();
  await clock.advance(15_000);
  const kept = await card("rep", "me");
  expect(textOf(kept)).toContain("Syncing is paused");
  expect(buttonsOf(kept).map(({ title }) => title)).not.toContain("Resume syncing");
});
