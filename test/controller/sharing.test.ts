import { describe, expect, test } from "vitest";
import { Sharing } from "../../src/controller/sharing.ts";
import { DYNAMICS, repId, systemUserId, TEAMS, teamsUserId } from "../../src/presence/identity.ts";
import { endpointOf, type Rep, withEndpoint } from "../../src/reconcile/rep.ts";
import { loadCore } from "../model/core.ts";
import { Stage } from "../reconcile/stage.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);

/** As it comes out of a store. */
const stored = (rep: Rep): Rep => JSON.parse(JSON.stringify(rep)) as Rep;

describe("sharing", () => {
  test("gives the same rep, whatever state she is in", () => {
    const sharing = new Sharing();
    const stage = Stage.settled(core);
    const all: Rep[] = [stage.rep];
    stage.teams("DoNotDisturb");
    stage.settle();
    all.push(stage.rep);
    stage.hold("call");
    all.push(stage.rep);
    stage.settle();
    all.push(stage.rep);
    for (const rep of [...all, ...all]) {
      expect(sharing.share(stored(rep))).toEqual(stored(rep));
      expect(JSON.stringify(sharing.share(stored(rep)))).toBe(JSON.stringify(rep));
    }
  });

  test("gives the same ids, also of somebody whose own is not that of her Dynamics user", () => {
    const sharing = new Sharing();
    const ids = { rep: repId("ana"), teamsUserId: teamsUserId("ana@teams") };
    for (const user of ["ana", "ben"]) {
      const identity = { ...ids, systemUserId: systemUserId(user) };
      expect(sharing.shareIds(identity)).toEqual(identity);
    }
  });

  test("keeps once what is the same about two reps, and apart what is not", () => {
    const sharing = new Sharing();
    const { rep } = Stage.settled(core);
    const plain = withEndpoint(rep, TEAMS, { own: null, sequence: null, changesMs: [] });
    const [ana, ben] = [sharing.share(stored(plain)), sharing.share(stored(plain))];
    expect(endpointOf(ana, TEAMS)).toBe(endpointOf(ben, TEAMS));
    expect(ana.base.natives).toBe(ben.base.natives);
    const own = { status: "Busy", native: "a presence" } as const;
    const hers = (reads: number): Rep =>
      sharing.share(stored(withEndpoint(plain, DYNAMICS, { own, readTick: reads, sequence: "7" })));
    const [first, second] = [hers(7), hers(8)].map((one) => endpointOf(one, DYNAMICS));
    expect(first?.own).toBe(second?.own);
    expect([first?.readTick, second?.readTick]).toEqual([7, 8]);
    const later = sharing.share(stored(withEndpoint(plain, TEAMS, { readTick: 99 })));
    expect(endpointOf(later, TEAMS).readTick).toBe(99);
  });

  test("does not grow for ever: what was the same long ago is simply kept twice", () => {
    const sharing = new Sharing();
    const { rep } = Stage.settled(core);
    for (let at = 0; at < 25_000; at += 1) {
      const one = withEndpoint(rep, TEAMS, { native: `state ${at}`, sequence: null, own: null });
      expect(endpointOf(sharing.share(one), TEAMS).native).toBe(`state ${at}`);
    }
    expect(sharing.share(stored(rep))).toEqual(stored(rep));
  });
});
