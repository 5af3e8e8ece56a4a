import { Clock } from "../../src/emulators/dataverse/clock.ts";
import { ContactCenter, type Queue } from "../../src/emulators/dataverse/contact-center.ts";
import { Conversations } from "../../src/emulators/dataverse/conversations.ts";
import { Eligibility } from "../../src/emulators/dataverse/eligibility.ts";
import { Routing } from "../../src/emulators/dataverse/routing.ts";
import { knownTable } from "../../src/emulators/dataverse/schema.ts";
import { DEFAULT_SETTINGS } from "../../src/emulators/dataverse/settings.ts";
import { Tables } from "../../src/emulators/dataverse/tables.ts";
import { ALLOWED } from "../scenarios/routing-plan.ts";
import { PRESENCES } from "../sim/dataverse.ts";
import type { Timeline } from "../sim/timeline.ts";
import type { World } from "../sim/world.ts";

/** What is delayed in the contact centre happens on the timeline of the simulation, and on no timer. */
class TimelineClock extends Clock {
  readonly #timeline: Timeline;

  constructor(timeline: Timeline) {
    super(() => timeline.nowMs);
    this.#timeline = timeline;
  }

  override after(delayMs: number, run: () => void): void {
    this.#timeline.after(delayMs, run);
  }
}

/** The emulator's unified routing, given the reps of a simulated world. */
export function routingIn(
  world: World,
  options: {
    readonly queues: readonly Queue[];
    readonly units: number;
    readonly isReallyBusy: (userId: string) => boolean;
  },
): Routing {
  const { dataverse, timeline } = world;
  const { engine } = dataverse;
  const clock = new TimelineClock(timeline);
  const tables = new Tables(() => timeline.nowMs);
  for (const { systemUserId } of world.people) {
    tables.put(knownTable("systemusers"), {
      systemuserid: systemUserId,
      applicationid: null,
      isdisabled: false,
    });
  }
  const contactCenter = new ContactCenter(tables, engine);
  for (const queue of options.queues) {
    contactCenter.putQueue(queue);
    const workstream = contactCenter.workstreamInto(queue.id);
    if (!workstream) throw new Error(`no work comes into ${queue.name}`);
    const load = { units: options.units };
    contactCenter.putWorkstream({ ...workstream, allowedPresences: ALLOWED, load });
  }
  const presenceOf = (id: string) => PRESENCES.find((presence) => presence.id === id);
  const routing = new Routing({
    clock,
    engine,
    contactCenter,
    conversations: new Conversations(tables, () => timeline.nowMs),
    eligibility: new Eligibility(engine, contactCenter, presenceOf),
    settings: DEFAULT_SETTINGS,
    tables,
    isReallyBusy: options.isReallyBusy,
  });
  dataverse.onChange = (userId) => routing.repChanged(userId);
  return routing;
}
