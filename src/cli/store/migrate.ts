import { createHash } from "node:crypto";
import { type Database, database } from "../../config-kinds.ts";
import { type Copied, copyEngine } from "../../engine/copy.ts";
import type { Engine } from "../../engine/engine.ts";
import { EngineError } from "../../engine/engine-error.ts";
import { openStore } from "../../store.ts";
import { type Command, CommandError, EXIT, UsageError } from "../command.ts";

const HELP = `From and to are what DATABASE_URL may be: sqlite:path or postgres://…. Everything is copied: reps, the history with its
positions, open events and the keys of settled ones, records. The target must hold nothing yet; nothing in the source changes.

Stop the service first: what it stores while this runs would be missing. Without --yes it says what would be copied.`;

const PAGE = 1_000;

export const migrate: Command = {
  name: "migrate",
  takes: "<from> <to>",
  positionals: { min: 2, max: 2 },
  summary: "move everything from a file to a PostgreSQL database, or back",
  help: HELP,
  options: { yes: { type: "boolean", says: "carry it out" } },
  run: async (given, host) => {
    const [from = "", to = ""] = given.positionals;
    if (from === to) throw new UsageError("From and to are the same.");
    const [source, target] = [addressed("From", from), addressed("To", to)];
    const asked = given.flag("yes");
    const engine = await openStore(source, { readOnly: true });
    try {
      await requireIdle(engine);
      await requireEmpty(target);
      const copied = asked ? await copy(engine, target) : await count(engine);
      if (given.flag("json")) host.print(JSON.stringify({ ...copied, applied: asked }));
      else host.print(described(copied, asked));
      return asked ? EXIT.fine : EXIT.warning;
    } finally {
      await engine.close();
    }
  },
};

function addressed(which: string, given: string): Database {
  const read = database.read(given);
  // The address may hold a password: it is not repeated.
  if (!read.ok) throw new UsageError(`${which} ${read.must}.`);
  return read.value;
}

async function requireIdle(engine: Engine): Promise<void> {
  if ((await engine.leases()).length === 0) return;
  throw new CommandError(
    "cli-migrate-in-use",
    "Stop every instance of the service that uses the source. Nothing was copied.",
  );
}

/** A store that was never made is empty, and is not made by looking. */
async function requireEmpty(target: Database): Promise<void> {
  let engine: Engine;
  try {
    engine = await openStore(target, { readOnly: true });
  } catch (error) {
    if (error instanceof EngineError && error.code === "engine-missing") return;
    throw error;
  }
  try {
    const { reps, history, events, records } = await count(engine, 1);
    if (reps + history + events + records > 0) {
      throw new CommandError(
        "cli-migrate-not-empty",
        "Name a target that holds nothing yet: a new one, or one that was emptied. Nothing was copied.",
      );
    }
  } finally {
    await engine.close();
  }
}

async function copy(from: Engine, target: Database): Promise<Copied> {
  const before = await fingerprintOf(from);
  const to = await openStore(target);
  try {
    return await copyEngine(from, to, async () => {
      if ((await fingerprintOf(from)) === before) return;
      throw new CommandError(
        "cli-migrate-changed",
        "Stop the service, empty the target, and begin again: the source changed while it was copied.",
      );
    });
  } finally {
    await to.close();
  }
}

/** How much there is; of the history so many pages at most. */
async function count(engine: Engine, pages = Number.POSITIVE_INFINITY): Promise<Copied> {
  let [history, after] = [0, 0];
  for (let page = 0; page < pages; page += 1) {
    const entries = await engine.history({ after, limit: PAGE });
    history += entries.length;
    after = entries.at(-1)?.position ?? after;
    if (entries.length < PAGE) break;
  }
  const kinds = await engine.kinds();
  const records = await Promise.all(kinds.map((kind) => engine.kept(kind)));
  const [reps, open, settled] = [
    await engine.load(),
    await engine.unsettled(),
    await engine.settled(),
  ];
  return {
    reps: reps.length,
    history,
    events: open.length + settled.length,
    records: records.flat().length,
  };
}

/** Another one after anything was stored, but for what only the history tells: nothing is told that is not stored. */
async function fingerprintOf(engine: Engine): Promise<string> {
  const hash = createHash("sha256");
  const kinds = await engine.kinds();
  const kept = await Promise.all(kinds.map((kind) => engine.kept(kind)));
  const generations = (await engine.load()).map(({ identity, generation }) => [
    identity.rep,
    generation,
  ]);
  const [open, settled] = [await engine.unsettled(), await engine.settled()];
  return hash.update(JSON.stringify([kept, generations, open, settled])).digest("hex");
}

function described({ reps, history, events, records }: Copied, applied: boolean): string {
  const what = `${reps} reps, ${history} entries of history, ${events} events, ${records} records`;
  return applied
    ? `Copied: ${what}.\nSet DATABASE_URL to the target and start the service. The source is as it was.`
    : `${what} would be copied. Nothing was copied. Give --yes to do it.`;
}
