import { expect } from "vitest";
import { eventually } from "../service/launch.ts";
import { type PartnerEvent, sendPatiently } from "../service/partner.ts";
import type { Company } from "./company.ts";
import { type Class, PRESENCES } from "./meaning.ts";
import type { Person } from "./witness.ts";

/** A few words in which a story about one rep can be told. Each wait ends as soon as it is true. */
export function sceneOf(company: Company, person: Person) {
  const { tenant, service, witness } = company;
  const { teams, dynamics } = person;
  return {
    inTeams: (availability: string) =>
      tenant.graph.control.setManual({ userId: teams, availability }),
    resetsTeams: () => tenant.graph.control.resetManual({ userId: teams }),
    closesTeams: () => tenant.graph.control.setClient({ userId: teams, availability: null }),
    opensTeams: () => tenant.graph.control.setClient({ userId: teams, availability: "Available" }),
    calls: () => tenant.graph.control.startCall({ userId: teams }),
    hangsUp: () => tenant.graph.control.endCall({ userId: teams }),
    inDynamics: (presence: string) =>
      tenant.dataverse.control.choose({
        userId: dynamics,
        presenceId: PRESENCES.find(([, status]) => status === presence)?.[0] ?? presence,
      }),
    logsIn: () => tenant.dataverse.control.login({ userId: dynamics }),
    logsOut: () => tenant.dataverse.control.logout({ userId: dynamics }),
    /** A partner says so, and is told that it will be acted on. */
    async reported(event: Omit<PartnerEvent, "rep">): Promise<void> {
      const { status } = await sendPatiently(service, { ...event, rep: dynamics });
      expect(status).toBe(202);
    },
    /** Teams and Dynamics come to show this; a Dynamics presence may also be given by its id. */
    async shows(inTeams: Class, inDynamics: string): Promise<void> {
      await eventually(`${inTeams} shows in Teams and ${inDynamics} in Dynamics`, () => {
        const sight = witness.look(person);
        return sight.teams === inTeams && [sight.dynamics, sight.presenceId].includes(inDynamics);
      });
    },
    sight: () => witness.look(person),
  };
}

export type Scene = ReturnType<typeof sceneOf>;

/** A company of a few, and the scene of the first of them. */
export function sceneIn(company: Company): Scene {
  const [person] = company.people;
  if (!person) throw new Error("nobody works here");
  return sceneOf(company, person);
}

/** Nothing more is written, and what stands stays, until every write has settled and every lost hint is polled. */
export async function staysAsItIs(company: Company, scene: Scene): Promise<void> {
  const { teams, dynamics } = scene.sight();
  await company.quiet();
  expect(scene.sight()).toMatchObject({ teams, dynamics });
}
