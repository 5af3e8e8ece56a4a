import { describe, expect, test } from "vitest";
import { engineWith } from "../../src/engine/engine.ts";
import type { RepIdentity } from "../../src/presence/identity.ts";
import { ANA, BEN, Crew, person, POLL_MS, type Watch } from "./crew.ts";

const SOON_MS = 15_000;
const AFTER_THE_CALL_MS = 62 * 60_000;

const withAccount = (name: string): RepIdentity => ({
  ...ANA,
  teamsUserId: person(name).teamsUserId,
});

/** Ana is in a reported call, and leaves: she is not forgotten before the call is over. */
async function leavingInACall(): Promise<{ crew: Crew; watch: Watch }> {
  const { crew, watch } = await Crew.onDuty();
  await crew.tell(watch, crew.call());
  await crew.clock.advance(SOON_MS);
  watch.controller.detach(ANA.rep);
  await crew.clock.advance(1_000);
  return { crew, watch };
}

describe("[R366] [P14] who is to follow somebody who leaves", () => {
  test("does not, if she is no rep any more when it is time, herself or with another account", async () => {
    for (const successor of [withAccount("ana-2"), { ...BEN, teamsUserId: ANA.teamsUserId }]) {
      const { crew, watch } = await leavingInACall();
      crew.teams.join(BEN.rep);
      crew.dynamics.join(BEN.rep);
      watch.controller.adopt(successor);
      await crew.clock.advance(SOON_MS);
      watch.controller.detach(successor.rep);
      await crew.clock.advance(AFTER_THE_CALL_MS);
      expect(watch.controller.identities()).toEqual([]);
      expect(await crew.engine.load()).toEqual([]);
    }
  });

  test("has the account that she was given last", async () => {
    const { crew, watch } = await leavingInACall();
    watch.controller.adopt(withAccount("ana-2"));
    await crew.clock.advance(SOON_MS);
    watch.controller.detach(ANA.rep);
    watch.controller.adopt(withAccount("ana-3"));
    await crew.clock.advance(AFTER_THE_CALL_MS);
    expect(watch.controller.identities()).toEqual([withAccount("ana-3")]);
  });

  test("has another account than before, also if nobody said that she has left", async () => {
    const { crew, watch } = await Crew.onDuty();
    watch.controller.adopt(withAccount("ana-2"));
    await crew.clock.advance(SOON_MS);
    expect(watch.controller.identities()).toEqual([withAccount("ana-2")]);
  });

  test("is herself, with what is told of her, if she is a rep again while she is being forgotten", async () => {
    const crew = await Crew.stored();
    let watch: Watch | null = null;
    const engine = engineWith(crew.engine, {
      remove: async (rep) => {
        await crew.engine.remove(rep);
        await crew.tell(watch, crew.call());
        watch?.controller.adopt(ANA);
      },
    });
    watch = await crew.begin(engine);
    await crew.clock.advance(SOON_MS);
    watch.controller.detach(ANA.rep);
    await crew.clock.advance(SOON_MS);
    expect(watch.controller.staying()).toEqual([ANA]);
    expect(crew.shown()).toEqual(["InACall", "Busy"]);
    expect(await crew.engine.unsettled()).toEqual([]);
  });

  test("is not told what a sweep saw of the account before", async () => {
    const { crew, watch } = await Crew.onDuty();
    const [sweep] = watch.sweeps;
    await crew.clock.advance(2 * POLL_MS + 1_000);
    const moved = withAccount("ana-2");
    watch.controller.detach(ANA.rep);
    watch.controller.adopt(moved);
    await crew.clock.settle();
    crew.teams.latencyMs = 1_000;
    const swept = sweep?.once();
    await crew.clock.advance(450);
    expect(watch.controller.identities()).toEqual([moved]);
    // What the sweep sees at half of its way, and what her own first look sees a little later.
    crew.teams.choose(ANA.rep, "DoNotDisturb");
    await crew.clock.advance(60);
    crew.teams.join(ANA.rep);
    await crew.clock.advance(SOON_MS);
    expect(await swept).toBe(true);
    const read = (await crew.history()).filter(({ kind }) => kind === "reading");
    expect(read.map(({ detail }) => detail["status"])).not.toContain("DoNotDisturb");
    expect(crew.shown()).toEqual(["Available", "Available"]);
  });
});
