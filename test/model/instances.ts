import { Recorder } from "../../src/controller/recorder.ts";
import { repId, systemUserId, teamsUserId } from "../../src/presence/identity.ts";
import type { Rep } from "../../src/reconcile/rep.ts";
import type { Policy } from "../../src/reconcile/policy.ts";
import type { Core } from "./core.ts";
import type { World } from "./world.ts";

/** One of two instances on one store: what it believes, and what it has under way. */
export type Instance = Pick<World, "rep" | "reads" | "flights" | "behind">;

const IDENTITY = {
  rep: repId("r"),
  teamsUserId: teamsUserId("t"),
  systemUserId: systemUserId("s"),
};
const recorder = new Recorder(IDENTITY.rep);

/** The instance that does not act. */
export function otherSide({ peer }: World): Instance {
  if (!peer) throw new Error("there is one instance only");
  return peer;
}

/** The same world with the other instance acting. */
export function swapped(world: World): World {
  const { rep, reads, flights, behind } = world;
  return { ...world, ...otherSide(world), peer: { rep, reads, flights, behind } };
}

/** What lost the race against the other instance: it takes up what that one stored, and its reads prove nothing. */
export function reloaded(world: World, core: Core, policy: Policy): World {
  if (!world.behind) return world;
  return { ...world, rep: core.known(world.stored, policy), behind: false, reads: [] };
}

/**
 * Stores what a step came to, if it is worth that, by compare-and-set: where the other instance stored something
 * meanwhile, nothing of the step happened.
 */
export function committed(world: World, next: World, core: Core, policy: Policy): World {
  const { peer } = next;
  if (!peer || next.rep === world.rep || !isWorthStoring(world.rep, next.rep)) return next;
  if (world.behind && next.behind) return reloaded(world, core, policy);
  return { ...next, stored: next.rep, peer: { ...peer, behind: true } };
}

function isWorthStoring(before: Rep, after: Rep): boolean {
  return recorder.isWorthStoring({ identity: IDENTITY, rep: before, generation: 1 }, after);
}
