import { describe, expect, it } from "vitest";
import { DYNAMICS, TEAMS } from "../../src/presence/identity.ts";
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

describe("[R315] what she chooses in the place of ours", () => {
  /** Away in both, by our hand in Teams. */
  const covered = (): Stage => {
    const stage = Stage.settled(core);
    stage.dynamics("Away");
    stage.settle();
    stage.wait(60_000);
    expect(stage.endpoint(TEAMS)).toMatchObject({ cover: "preferred", covering: "Away" });
    return stage;
  };

  it("[R315] between the two requests of a write is taken by the second, and put back after the call", () => {
    const stage = covered();
    stage.hold("call");
    const write = stage.nextWrite(TEAMS);
    expect(write).toMatchObject({ from: "preferred", to: "session" });
    expect(stage.teams("BeRightBack")).toBe("choice");
    stage.answer(write, "accepted");
    stage.wait(2_000);
    expect(stage.teams("InACall")).toBe("echo");
    expect(stage.endpoint(TEAMS).own).toMatchObject({ status: "BeRightBack" });
    stage.release("call");
    const written = stage.settle().filter(({ system }) => system === TEAMS);
    expect(written.map(({ to, shows }) => [to, shows])).toContainEqual([
      "preferred",
      "BeRightBack",
    ]);
    expect(stage.endpoint(TEAMS).seen).toBe("BeRightBack");
  });

  it("[R315] was taken back by herself where the write had nothing to clear: it is not put back", () => {
    const stage = Stage.settled(core);
    stage.hold("call");
    const write = stage.nextWrite(TEAMS);
    expect(write).toMatchObject({ from: "none", to: "session" });
    expect(stage.teams("BeRightBack")).toBe("choice");
    stage.answer(write, "accepted");
    stage.wait(2_000);
    expect(stage.teams("InACall")).toBe("echo");
    expect(stage.endpoint(TEAMS).own).toBeNull();
  });

  it("[R315] is hers although we wanted just that, and so is what ours had been, when she chooses it again", () => {
    const stage = covered();
    stage.decree("Busy");
    expect(stage.teams("Busy")).toBe("agrees");
    expect(stage.endpoint(TEAMS).cover).toBe("none");
    stage.settle();
    stage.wait(60_000);
    expect(stage.teams("Away")).toBe("choice");
    expect(stage.endpoint(TEAMS).cover).toBe("none");
  });
});

describe("[R315] a write that leaves her own choice where it is", () => {
  it("[R315] is one of a session, or one that takes ours away: hers lies beneath and shows again", () => {
    const stage = Stage.settled(core);
    stage.teams("Away");
    stage.settle();
    stage.wait(60_000);
    stage.hold("call");
    stage.settle();
    expect(stage.endpoint(TEAMS).own).toBeNull();
    stage.release("call");
    const written = stage.settle().filter(({ system }) => system === TEAMS);
    expect(written.map(({ to }) => to)).toEqual(["none"]);
    expect(stage.endpoint(TEAMS).own).toBeNull();
  });

  it("[R315] is none that puts a preferred status there, or lifts hers", () => {
    const stage = Stage.settled(core);
    stage.teams("Away");
    stage.settle();
    stage.wait(60_000);
    stage.dynamics("Busy");
    stage.settle();
    expect(stage.endpoint(TEAMS)).toMatchObject({ cover: "preferred", own: { status: "Busy" } });
    const lifting = Stage.settled(core);
    lifting.teams("Away");
    lifting.settle();
    lifting.wait(60_000);
    lifting.decree("Available");
    expect(lifting.nextWrite(TEAMS)).toMatchObject({ to: "none", lifts: true });
    expect(lifting.endpoint(TEAMS).own).toMatchObject({ status: "Available" });
  });

  it("[R114] is each one to Dynamics: what she last chose there is put back when she is paused", () => {
    const stage = Stage.settled(core);
    stage.dynamics("Away", { native: "Lunch" });
    stage.settle();
    stage.wait(60_000);
    stage.teams("Available");
    stage.settle();
    expect(stage.endpoint(DYNAMICS)).toMatchObject({ seen: "Available", own: { native: "Lunch" } });
    stage.pause();
    const written = stage.settle().filter(({ system }) => system === DYNAMICS);
    expect(written).toMatchObject([{ shows: "Away", native: "Lunch" }]);
  });
});
