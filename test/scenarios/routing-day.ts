import { setTimeout as sleep } from "node:timers/promises";
import type { Tenant } from "../../src/emulators/tenant.ts";
import type { Service } from "../service/launch.ts";
import { sendPatiently } from "../service/partner.ts";
import {
  ALLOWED,
  arrivalsOf,
  type Happening,
  happeningsOf,
  type RoutingDayPlan,
} from "./routing-plan.ts";

export type RoutingDayCounts = ReturnType<Tenant["dataverse"]["control"]["routingCounts"]>;

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
  control.arriveAll({ arrivals: [...arrivalsOf(tenant.people.queues, plan)] });

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
