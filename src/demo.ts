import { cast, Story } from "./story/chapters.ts";
import { namedPeople } from "./emulators/people.ts";
import { Playground, type Visitor } from "./story/playground.ts";
import { Stage } from "./story/stage.ts";
import { Transcript } from "./story/transcript.ts";
import { World } from "./story/world.ts";

/** The reps whose history is printed: those who act in the story. */
const TOLD = 4;

/**
 * `npm run demo`: an emulated tenant and the real service, each a process of its own, and a day in the life of
 * its reps told as it happens. `-- --once` tells the story, checks its end state and exits 0 or 1; without it
 * everything stays up to be played with.
 */
async function demo(once: boolean): Promise<void> {
  const actors = cast();
  const tell = new Transcript(actors.slice(0, TOLD));
  tell.line(
    "Starting an emulated tenant (Entra, Graph, Dataverse; 12 reps in 3 queues) and the service …",
  );
  // Told once, the story is a check, and several may run on one machine: nobody comes to look at it.
  const stage = await Stage.open({ among: once });
  let closing = false;
  let playground: Playground | null = null;
  const close = async (): Promise<void> => {
    closing = true;
    await playground?.close();
    await tell.close();
    await stage.close();
  };
  const isClosing = (): boolean => closing;
  process.once("SIGINT", () => void close());
  process.once("SIGTERM", () => void close());

  if (!once) {
    playground = await openPlayground(stage).catch((error: unknown) => {
      tell.line(`The Playground did not start: ${String(error)}`);
      return null;
    });
    if (playground) {
      tell.line(`
Talk to the bot in your browser:  ${playground.url}
You are ${MANAGER}, who manages everybody. Say "help", "team" or "status Nadia" while the story goes on.
`);
    }
  }

  let isTrue = false;
  try {
    await tell.open(stage.databasePath);
    const world = new World(stage);
    await world.registerWebhook();
    isTrue = await new Story(stage, world, tell).run();
  } catch (error) {
    process.stderr.write(`the story broke off: ${String(error)}\n`);
  }
  tell.line("\nWhy everybody shows what she shows:");
  await tell.why();
  tell.line(isTrue ? "\nEvery end state came true." : "\nThe story did not end as it should.");
  process.exitCode = isTrue ? 0 : 1;
  if (once) {
    await close();
    return;
  }
  const { graphUrl, dataverseUrl, entraUrl } = stage.tenant;
  const free = actors[TOLD - 1];
  tell.line(`
Everything stays up until Ctrl-C.
  service    ${stage.serviceUrl}/readyz
  Entra      ${entraUrl}
  Graph      ${graphUrl}
  Dataverse  ${dataverseUrl}
Play a rep yourself, for example start a Teams call of ${free?.name ?? "a rep"} (and end it with endCall):
  curl -k ${graphUrl}/control/startCall -H 'content-type: application/json' -d '{"userId":"${free?.objectId ?? ""}"}'
  curl -k ${dataverseUrl}/control/state -H 'content-type: application/json' -d '{"userId":"${free?.systemUserId ?? ""}"}'
`);
  while (!isClosing()) {
    await tell.follow();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Who sits in front of the Playground. */
const MANAGER = "Ingrid Solberg";

async function openPlayground(stage: Stage): Promise<Playground> {
  const visitors = namedPeople().users.flatMap(
    ({ fullname: name, azureObjectId: objectId, email, applicationId }): readonly Visitor[] =>
      objectId === null || applicationId ? [] : [{ name, objectId, email }],
  );
  const manager = visitors.find(({ name }) => name === MANAGER);
  if (!manager) throw new Error(`nobody is called ${MANAGER}`);
  await stage.promote(manager.objectId);
  return Playground.open({
    endpoint: `${stage.serviceUrl}/api/messages`,
    tenantId: stage.tenant.tenantId,
    visitors: [manager, ...visitors.filter((visitor) => visitor !== manager)],
    folder: stage.folder,
  });
}

await demo(process.argv.includes("--once"));
