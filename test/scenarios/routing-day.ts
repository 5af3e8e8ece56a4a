import { setTimeout as sleep } from "node:timers/promises";
import type { Tenant } from "../../src/emulators/tenant.ts";
import type { Service } from "../service/launch.ts";
import { sendPatiently } from "../service/partner.ts";
import { dice } from "./day.ts";

export type RoutingDayPlan = {
  readonly seed: number;
  readonly reps: number;
  readonly conversations: number;
  /** Of the simulated day. */
  readonly minutes: number;
  /** How long one of its minutes really lasts: a slow service is late by the same share. */
  readonly minuteMs: number;
  /** What one conversation takes of a rep, of 100: how many she has at once. */
  readonly units: number;
};

/** Something that happens to a rep, of which Dynamics learns nothing by itself. */
type Happening = {
  readonly rep: number;
  readonly atMinute: number;
  readonly minutes: number;
  readonly kind: "Teams call" | "Teams meeting" | "desk phone call" | "end of shift";
};

export type RoutingDayCounts = ReturnType<Tenant["dataverse"]["control"]["routingCounts"]>;

/** Dynamics' base presences that every workstream allows. */
const ALLOWED = [192_360_000, 192_360_001];

/**
 * Everybody's day, the same for the same seed: about one call or meeting an hour, a few of them on an old desk phone, and a
 * third of the reps whose shift ends before the day does, and who go home without signing out of Dynamics.
 */
function happeningsOf({ seed, reps, minutes }: RoutingDayPlan): readonly Happening[] {
  const happenings: Happening[] = [];
  for (let rep = 0; rep < reps; rep += 1) {
    const random = dice(seed * 20_011 + rep);
    const between = (least: number, most: number): number => least + random() * (most - least);
    const endsAt = random() < 1 / 3 ? between(0.6, 0.9) * minutes : minutes;
    let atMinute = between(2, 60);
    while (atMinute < endsAt - 10) {
      const dice20 = Math.floor(random() * 20);
      const kind = dice20 < 11 ? "Teams call" : dice20 < 15 ? "Teams meeting" : "desk phone call";
      const length = kind === "Teams meeting" ? between(15, 30) : between(3, 12);
      const left = Math.min(length, endsAt - atMinute - 2);
      happenings.push({ rep, atMinute, minutes: left, kind });
      atMinute += left + between(20, 70);
    }
    if (endsAt < minutes) {
      happenings.push({ rep, atMinute: endsAt, minutes: 0, kind: "end of shift" });
    }
  }
  return happenings.toSorted((a, b) => a.atMinute - b.atMinute);
}

/** Lets the day happen, with a service beside it or without one, and says what routing did. */
export async function liveThroughRouting(
  tenant: Tenant,
  plan: RoutingDayPlan,
  service: Pick<Service, "url"> | null,
): Promise<RoutingDayCounts> {
  const { control } = tenant.dataverse;
  const { minuteMs } = plan;
  for (const { id: queueId, name } of tenant.people.queues) {
    const { id } = control.workstreamOf({ queueId });
    control.putWorkstream({
      id: id ?? "",
      name,
      queueId,
      allowedPresences: ALLOWED,
      units: plan.units,
    });
  }
  control.habits({ minuteMs, backMinutes: 3 });
  control.resetRouting();
  control.arriveAll({ arrivals: [...arrivalsOf(tenant, plan)] });

  const startedAtMs = Date.now();
  const until = (minute: number): Promise<unknown> =>
    sleep(Math.max(0, startedAtMs + minute * minuteMs - Date.now()));
  await Promise.all(
    happeningsOf(plan).map(async (happening, index) => {
      await until(happening.atMinute);
      await begin(tenant, happening, index, service);
      if (happening.kind === "end of shift") return;
      await until(happening.atMinute + happening.minutes);
      await end(tenant, happening, index, service);
    }),
  );
  await until(plan.minutes);
  return control.routingCounts();
}

function* arrivalsOf(tenant: Tenant, { seed, conversations, minutes }: RoutingDayPlan) {
  const random = dice(seed * 30_011);
  const { queues } = tenant.people;
  for (let count = 0; count < conversations; count += 1) {
    const queue = queues[Math.floor(random() * queues.length)];
    // Nobody comes in the last minutes, so that whoever came can be served.
    const inMinutes = random() * (minutes - 15);
    yield { queueId: queue?.id ?? "", inMinutes, minutes: 3 + random() * 6 };
  }
}

async function begin(
  tenant: Tenant,
  { rep, kind }: Happening,
  index: number,
  service: Pick<Service, "url"> | null,
): Promise<void> {
  const { teams, dynamics } = accountsOf(tenant, rep);
  if (kind === "Teams call") tenant.graph.control.startCall({ userId: teams });
  else if (kind === "Teams meeting") tenant.graph.control.startMeeting({ userId: teams });
  else {
    tenant.dataverse.control.setReallyBusy({ userId: dynamics, busy: true });
    const event =
      kind === "end of shift"
        ? { type: "shift.ended" }
        : { type: "hold.started", hold: `call-${index}`, status: "InACall" };
    if (service) await sendPatiently(service, { rep: dynamics, ...event });
  }
}

async function end(
  tenant: Tenant,
  { rep, kind }: Happening,
  index: number,
  service: Pick<Service, "url"> | null,
): Promise<void> {
  const { teams, dynamics } = accountsOf(tenant, rep);
  if (kind === "Teams call") tenant.graph.control.endCall({ userId: teams });
  else if (kind === "Teams meeting") tenant.graph.control.endMeeting({ userId: teams });
  else {
    tenant.dataverse.control.setReallyBusy({ userId: dynamics, busy: null });
    if (service)
      await sendPatiently(service, { type: "hold.ended", rep: dynamics, hold: `call-${index}` });
  }
}

function accountsOf(
  tenant: Tenant,
  rep: number,
): { readonly teams: string; readonly dynamics: string } {
  const user = tenant.people.users[rep];
  return { teams: user?.azureObjectId ?? "", dynamics: user?.systemUserId ?? "" };
}
