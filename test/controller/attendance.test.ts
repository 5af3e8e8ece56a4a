import { describe, expect, test } from "vitest";
import { ANA, BEN, Crew, end, engineWith, person, type Watch } from "./crew.ts";

const SOON_MS = 15_000;

describe("who comes and who goes", () => {
  test("events of a rep who is not known yet wait for her", async () => {
    const { crew, watch } = await Crew.onDuty();
    await crew.tell(watch, crew.call(), BEN);
    crew.teams.join(BEN.rep);
    crew.dynamics.join(BEN.rep);
    await crew.clock.advance(1_000);
    watch.controller.adopt(BEN);
    await crew.clock.advance(SOON_MS);
    expect(crew.shown(BEN)).toEqual(["InACall", "Busy"]);
  });

  test("what is in flight for somebody who left is dropped, and nothing brings her back", async () => {
    const { crew, watch } = await Crew.onDuty();
    await crew.tell(watch, crew.call());
    await crew.clock.advance(30);
    await watch.controller.detach(ANA.rep);
    await crew.clock.advance(60_000);
    expect(watch.controller.document(ANA.rep)).toBeNull();
    expect(await crew.engine.load()).toEqual([]);
    expect(watch.controller.identities()).toEqual([]);
  });

  test("somebody who leaves while her write is being stored is not written to", async () => {
    const { crew, watch: first } = await Crew.onDuty();
    const stopped = end(first);
    await crew.clock.advance(100);
    await stopped;
    let watch: Watch | null = null;
    const engine = engineWith(crew.engine, {
      commit: (commit) => {
        const result = crew.engine.commit(commit);
        const writes = commit.history.some(({ kind }) => kind === "write");
        if (writes) void watch?.controller.detach(ANA.rep);
        return result;
      },
    });
    watch = await crew.begin(engine);
    await crew.clock.advance(SOON_MS);
    await crew.tell(watch, crew.call());
    await crew.clock.advance(60_000);
    expect(crew.writes).toBe(0);
    expect(await crew.engine.load()).toEqual([]);
  });

  test("somebody who leaves before she was ever stored is not stored afterwards", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.teams.join(BEN.rep);
    crew.dynamics.join(BEN.rep);
    watch.controller.adopt(BEN);
    await crew.clock.settle();
    await watch.controller.detach(BEN.rep);
    await crew.clock.advance(SOON_MS);
    expect((await crew.engine.load()).map(({ identity }) => identity)).toEqual([ANA]);
  });

  test("a rep whose account changed is another rep, whatever was on its way", async () => {
    const { crew, watch } = await Crew.onDuty();
    const moved = { ...ANA, teamsUserId: person("ana-2").teamsUserId };
    await crew.tell(watch, crew.call());
    await crew.clock.settle();
    const gone = watch.controller.detach(ANA.rep);
    watch.controller.adopt(moved);
    await gone;
    await crew.clock.advance(60_000);
    expect((await crew.engine.load()).map(({ identity }) => identity)).toEqual([moved]);
  });
});
