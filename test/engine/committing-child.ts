import { repId } from "../../src/presence/identity.ts";
import { openSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import { document, entry, event } from "./sample.ts";

/**
 * Commits to the file in argv[2], in a thread as the service does, until it is killed. After each acknowledgement, and not before, it prints a
 * line: `accepted <id>`, `committed <rep> <generation>`. Every commit settles its event and tells two lines.
 */
const REPS = 8;

const [path = ":memory:", round = "0"] = process.argv.slice(2);
const engine = await openSqliteEngine({ path, inThread: true });

async function work(name: string): Promise<never> {
  const rep = repId(name);
  let generation = (await engine.get(rep))?.generation ?? 0;
  for (;;) {
    const { id, source } = event(`${name}/${round}/${generation + 1}`, rep);
    await engine.accept(event(id, rep));
    process.stdout.write(`accepted ${id}\n`);
    const says = (half: string) => entry(rep, `${generation + 1} ${half}`);
    const result = await engine.commit({
      document: document(name, generation),
      history: [says("first"), says("second")],
      settles: [{ id, source }],
    });
    if (!result.ok) throw new Error(`${name} has no other writer, yet it conflicts`);
    generation = result.generation;
    process.stdout.write(`committed ${name} ${generation}\n`);
  }
}

await Promise.all(Array.from({ length: REPS }, (_, n) => work(`rep-${n}`)));
