import { describe, expect, test } from "vitest";
import { ANA, BEN, Crew, end, person, type Watch } from "./crew.ts";
import { engineWith } from "../../src/engine/engine.ts";

const SOON_MS = 15_000;
/** A reported call of which nothing more is heard protects her for an hour here. */
const AFTER_THE_CALL_MS = 62 * 60_000;

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
    watch.controller.detach(ANA.rep);
    await crew.clock.advance(AFTER_THE_CALL_MS);
    expect(watch.controller.document(ANA.rep)).toBeNull();
    expect(await crew.engine.load()).toEqual([]);
    expect(watch.controller.identities()).toEqual([]);
  });

  test("[R116] somebody who leaves while her write is being stored gets back what was there", async () => {
    const crew = await Crew.stored();
    let watch: Watch | null = null;
    const engine = engineWith(crew.engine, {
      commit: (commit) => {
        const result = crew.engine.commit(commit);
        const writes = commit.history.some(({ kind }) => kind === "write");
        if (writes) watch?.controller.detach(ANA.rep);
        return result;
      },
    });
    watch = await crew.begin(engine);
    await crew.clock.advance(SOON_MS);
    await crew.tell(watch, crew.call());
    await crew.clock.advance(AFTER_THE_CALL_MS);
    expect(crew.shown()).toEqual(["Available", "Available"]);
    expect(await crew.engine.load()).toEqual([]);
  });

  test("somebody who leaves before she was ever stored is not stored afterwards", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.teams.join(BEN.rep);
    crew.dynamics.join(BEN.rep);
    watch.controller.adopt(BEN);
    await crew.clock.settle();
    watch.controller.detach(BEN.rep);
    await crew.clock.advance(SOON_MS);
    expect((await crew.engine.load()).map(({ identity }) => identity)).toEqual([ANA]);
  });

  test("a rep whose account changed is another rep, whatever was on its way", async () => {
    const { crew, watch } = await Crew.onDuty();
    const moved = { ...ANA, teamsUserId: person("ana-2").teamsUserId };
    await crew.tell(watch, crew.call());
    await crew.clock.settle();
    watch.controller.detach(ANA.rep);
    watch.controller.adopt(moved);
    // Her call protects her to its end; nobody reports that any more.
    await crew.clock.advance(AFTER_THE_CALL_MS);
    expect((await crew.engine.load()).map(({ identity }) => identity)).toEqual([moved]);
  });

  test("[R116] what of ours lies with somebody who leaves is taken back before she is forgotten", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.dynamics.choose(ANA.rep, "Lunch");
    await crew.clock.advance(SOON_MS);
    await crew.tell(watch, crew.call());
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
    watch.controller.detach(ANA.rep);
    await crew.clock.advance(4 * SOON_MS);
    expect(crew.shown()).toEqual(["Available", "Busy"]);
    expect(watch.controller.leaver(ANA.teamsUserId.toUpperCase())).toEqual(ANA);
    await crew.tell(watch, crew.hangUp());
    await crew.clock.advance(4 * SOON_MS);
    expect(crew.shown()).toEqual(["Available", "Lunch"]);
    expect(watch.controller.leaver(ANA.rep)).toBeNull();
    expect(crew.teams.person(ANA.rep)).toMatchObject({ preferred: null, session: false });
    expect(await crew.engine.load()).toEqual([]);
  });

  test("[R116] a stop while she leaves: the next start goes on with it, unless she is a rep again", async () => {
    for (const returns of [true, false]) {
      const { crew, watch } = await Crew.onDuty();
      crew.dynamics.choose(ANA.rep, "Busy");
      await crew.clock.advance(SOON_MS);
      crew.teams.writeTroubles.push({ kind: "lost" });
      watch.controller.detach(ANA.rep);
      await crew.clock.advance(1_000);
      const stopped = end(watch);
      await crew.clock.advance(SOON_MS);
      await stopped;
      if (!returns) crew.people = [];
      const next = await crew.begin();
      expect(next.controller.staying()).toEqual(returns ? [ANA] : []);
      // What was under way at the stop may arrive for two minutes.
      await crew.clock.advance(16 * SOON_MS);
      expect(crew.shown()).toEqual([returns ? "Busy" : "Available", "Busy"]);
      expect(await crew.engine.load()).toHaveLength(returns ? 1 : 0);
    }
  });
});

describe("[R113] [R114] [R115] a rep who is paused", () => {
  const pauseAll = { all: { by: "an administrator", sinceMs: 1 }, reps: new Map() };
  const pauseNobody = { all: null, reps: new Map() };

  test("is given back what is hers, is not written to, and is where she would have been when it ends", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.dynamics.choose(ANA.rep, "Busy");
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["Busy", "Busy"]);
    watch.controller.setPauses(pauseAll);
    await crew.clock.advance(SOON_MS);
    expect(crew.teams.person(ANA.rep).preferred).toBeNull();
    expect(crew.shown()).toEqual(["Available", "Busy"]);
    const { writes } = crew;
    crew.dynamics.choose(ANA.rep, "Away");
    await crew.clock.advance(SOON_MS);
    crew.teams.client(ANA.rep, "InACall");
    await crew.clock.advance(SOON_MS);
    expect(crew.writes).toBe(writes);
    expect(crew.shown()).toEqual(["InACall", "Away"]);
    watch.controller.setPauses(pauseNobody);
    await crew.clock.advance(SOON_MS);
    crew.teams.client(ANA.rep, "Available");
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["Away", "Away"]);
  });

  test("stays protected in Dynamics while a call is on, and is released when it ends", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.teams.client(ANA.rep, "InACall");
    await crew.clock.advance(SOON_MS);
    watch.controller.setPauses(pauseAll);
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
    crew.teams.client(ANA.rep, "Available");
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["Available", "Available"]);
  });

  test("does not lose her own manual status, nor what she chose in Dynamics", async () => {
    const { crew, watch } = await Crew.onDuty();
    crew.teams.choose(ANA.rep, "DoNotDisturb");
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["DoNotDisturb", "Busy - DND"]);
    watch.controller.setPauses({
      all: null,
      reps: new Map([[ANA.rep, { by: "the rep", sinceMs: 1 }]]),
    });
    await crew.clock.advance(SOON_MS);
    expect(crew.shown()).toEqual(["DoNotDisturb", "Available"]);
    const [{ says } = { says: "" }] = (await crew.history()).filter(
      ({ cause }) => cause?.kind === "paused",
    );
    expect(says).toMatch(/syncing was paused \(the rep\)/);
  });
});
