import { describe, expect, it } from "vitest";
import { TEAMS } from "../../src/presence/identity.ts";
import { loadCore } from "../model/core.ts";
import { Stage } from "./stage.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);

describe("[R315] her own choice in Teams, once ours took its place and left", () => {
  const replaced = (): Stage => {
    const stage = Stage.settled(core);
    stage.teams("Away");
    stage.settle();
    stage.wait(60_000);
    stage.hold("screen", 600_000, "DoNotDisturb");
    stage.settle();
    stage.release("screen");
    stage.settle();
    stage.wait(60_000);
    expect(stage.endpoint(TEAMS).own).not.toBeNull();
    return stage;
  };

  it("[R315] lies there again when she makes another: nothing of ours follows the next call", () => {
    const stage = replaced();
    expect(stage.teams("Busy")).toBe("choice");
    stage.settle();
    expect(stage.endpoint(TEAMS).own).toBeNull();
    stage.wait(60_000);
    stage.hold("call");
    stage.settle();
    stage.release("call");
    const written = stage.settle().filter(({ system }) => system === TEAMS);
    expect(written.map(({ to }) => to)).toEqual(["none"]);
  });

  it("[R315] lies there no more than before when Teams shows a call of hers", () => {
    const stage = replaced();
    expect(stage.teams("InACall")).toBe("automatic");
    expect(stage.endpoint(TEAMS).own).not.toBeNull();
  });
});
