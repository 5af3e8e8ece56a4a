import { derivedGuid } from "../../src/emulators/dataverse/roster.ts";
import type { Company } from "../scenarios/company.ts";
import { sceneIn } from "../scenarios/scene.ts";
import type { Person } from "../scenarios/witness.ts";

const LUNCH = derivedGuid("presence lunch");

/** What one rep does in the story by her own choice: so many intents may be called that. */
export const CHOICES_IN_STORY = 4;

/** Chapters of a working day, each told to its end before the next one begins. */
const CHAPTERS: readonly ((rep: ReturnType<typeof sceneIn>) => Promise<void>)[] = [
  async (rep) => {
    rep.calls();
    await rep.shows("InACall", "Busy");
  },
  async (rep) => {
    rep.hangsUp();
    await rep.shows("Available", "Available");
  },
  async (rep) => {
    rep.inDynamics("DoNotDisturb");
    await rep.shows("DoNotDisturb", "DoNotDisturb");
  },
  async (rep) => {
    rep.inDynamics(LUNCH);
    await rep.shows("Away", LUNCH);
  },
  async (rep) => {
    rep.inDynamics("Available");
    await rep.shows("Available", "Available");
  },
  async (rep) => {
    rep.inTeams("Busy");
    await rep.shows("Busy", "Busy");
  },
];

/**
 * Lets the first rep live through the story, and resolves to what applications wrote for her in each system, in
 * order and without the time. `between` happens before each chapter: the same story must come of it.
 */
export async function tellStory(
  company: Company,
  between: (chapter: number) => Promise<void> | void = () => undefined,
): Promise<readonly string[]> {
  const rep = sceneIn(company);
  for (const [index, chapter] of CHAPTERS.entries()) {
    await between(index);
    try {
      await chapter(rep);
    } catch (error) {
      const told = (await company.service.history()).map(({ says }) => says).join("\n");
      throw new Error(`chapter ${index} did not end; the service recorded:\n${told}`, {
        cause: error,
      });
    }
    await company.quiet(() => true);
  }
  return writesIn(company);
}

/** Everything that was accepted from an application, by system and rep. */
export function writesIn({ tenant, people }: Pick<Company, "tenant" | "people">): string[] {
  const { graph, dataverse } = tenant;
  const number = (id: string, side: keyof Person): number =>
    people.findIndex((person) => person[side] === id);
  const inTeams = graph.control
    .writes()
    .map(
      ({ userId, operation, body }) =>
        `rep ${number(userId, "teams")}: ${operation} ${shown(body)}`,
    );
  const inDynamics = dataverse.control
    .writes()
    .map(({ agentId, presenceId }) => `rep ${number(agentId, "dynamics")}: ${presenceId}`);
  return [...inTeams, ...inDynamics];
}

function shown(body: unknown): string {
  const { availability = "", activity = "" } = (body ?? {}) as Record<string, string>;
  return `${availability}/${activity}`;
}
