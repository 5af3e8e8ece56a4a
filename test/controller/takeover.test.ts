import { describe, expect, test } from "vitest";
import { isSettled, taken } from "../../src/controller/takeover.ts";
import { TEAMS } from "../../src/presence/identity.ts";
import { type Rep, withEndpoint } from "../../src/reconcile/rep.ts";
import { loadCore } from "../model/core.ts";
import { Stage } from "../reconcile/stage.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);

describe("a rep who is taken over", () => {
  const needsNoTurn = ({ policy, nowMs }: Stage, rep: Rep): boolean =>
    isSettled(taken(JSON.parse(JSON.stringify(rep)) as Rep, policy, nowMs), policy, nowMs);

  test("needs no turn while both systems show what they should and nothing ends by itself", () => {
    const stage = Stage.settled(core);
    expect(needsNoTurn(stage, stage.rep)).toBe(true);
    stage.wait(86_400_000);
    expect(needsNoTurn(stage, stage.rep)).toBe(true);
  });

  test("[R54] needs one when something is to be written or read, or has an end", () => {
    const stage = Stage.settled(core);
    stage.hold("call");
    // Nobody was told yet.
    expect(needsNoTurn(stage, stage.rep)).toBe(false);
    const written = stage.nextWrite(TEAMS);
    // A write has left, and nobody knows what became of it.
    expect(stage.rep.systems[TEAMS]?.pending).not.toBeNull();
    expect(needsNoTurn(stage, stage.rep)).toBe(false);
    stage.answer(written, "accepted");
    stage.settle();
    // Everybody shows the call, but it may end without a word.
    expect(needsNoTurn(stage, stage.rep)).toBe(false);
    const behind = Stage.settled(core);
    const tried = behind.rep.intent - 1;
    expect(needsNoTurn(behind, withEndpoint(behind.rep, TEAMS, { tried }))).toBe(false);
  });
});
