import type { Engine } from "./engine.ts";
import { EngineError } from "./engine-error.ts";
import { repId, systemUserId, teamsUserId } from "../presence/identity.ts";
import { repIn } from "./rep-text.ts";

export type Copied = {
  readonly reps: number;
  readonly history: number;
  readonly events: number;
  readonly records: number;
};

const PAGE = 1_000;

/** History is stored with a document; this one carries it, and goes when all is there. */
const CARRIER = {
  rep: repId("lockstep-copy"),
  teamsUserId: teamsUserId("lockstep-copy"),
  systemUserId: systemUserId("lockstep-copy"),
};

/** There from before anything is copied until all is: whoever is killed in between leaves it behind. */
const UNFINISHED = { kind: "unfinished copy", id: "this store", body: null, expiresAtMs: null };

/**
 * Puts everything that one engine keeps into another, which must be empty: documents, history in its order, open
 * events in theirs, the keys of settled ones, records. Positions stay, because whoever follows the history remembers
 * where it was; generations are counted anew, and rights are not copied. Nobody may write to `from` meanwhile; nothing
 * in it changes. `check` is called when all is there, and rejects if it is not as it should be. Resolves to how much it
 * was. Rejects with `EngineError`: `engine-not-empty`, or what either engine says; then `to` holds a part, is refused by
 * `requireWhole`, and is to be emptied.
 */
export async function copyEngine(
  from: Engine,
  to: Engine,
  check: () => Promise<void> = async () => undefined,
): Promise<Copied> {
  await requireEmpty(to);
  await to.keep(UNFINISHED);
  const records = await copyRecords(from, to);
  const settled = await from.settled();
  for (const part of pagesOf(settled)) {
    await Promise.all(part.map((event) => to.accept({ ...event, body: null })));
    await to.settle(part);
  }
  const open = await from.unsettled();
  for (const part of pagesOf(open)) await Promise.all(part.map((event) => to.accept(event)));
  const history = await copyHistory(from, to);
  const documents = await from.load();
  for (const part of pagesOf(documents)) {
    const commits = part.map((document) =>
      to.commit({ document: { ...document, generation: 0 }, history: [], settles: [] }),
    );
    await Promise.all(commits);
  }
  await check();
  await to.forget(UNFINISHED.kind, UNFINISHED.id);
  return { reps: documents.length, history, events: settled.length + open.length, records };
}

/** Refuses a store in which a copy broke off: reps, calls or accepted events would be missing without a word. */
export async function requireWhole(engine: Engine): Promise<void> {
  if ((await engine.kept(UNFINISHED.kind)).length === 0) return;
  throw new EngineError({
    code: "engine-half-copied",
    retry: "rejected",
    nextStep: "empty this store and copy into it again: `cli migrate` did not come to its end",
  });
}

async function requireEmpty(to: Engine): Promise<void> {
  const found = await Promise.all([
    to.load(),
    to.history({ limit: 1 }),
    to.unsettled(),
    to.settled(),
    to.kinds(),
  ]);
  if (found.every(({ length }) => length === 0)) return;
  throw new EngineError({
    code: "engine-not-empty",
    retry: "rejected",
    nextStep: "copy into a database that holds nothing yet: a new one, or one that was emptied",
  });
}

async function copyRecords(from: Engine, to: Engine): Promise<number> {
  let copied = 0;
  for (const kind of await from.kinds()) {
    const records = await from.kept(kind);
    for (const part of pagesOf(records)) {
      await Promise.all(part.map((record) => to.keep(record)));
    }
    copied += records.length;
  }
  return copied;
}

async function copyHistory(from: Engine, to: Engine): Promise<number> {
  let copied = 0;
  let generation = 0;
  for (let after = 0; ;) {
    const page = await from.history({ after, limit: PAGE });
    const last = page.at(-1);
    if (!last) break;
    after = last.position;
    const document = { identity: CARRIER, rep: repIn("{}"), generation };
    const result = await to.commit({ document, history: page, settles: [] });
    if (!result.ok) throw new Error("somebody else writes to the database that is copied into");
    generation = result.generation;
    copied += page.length;
  }
  if (copied > 0) await to.remove(CARRIER.rep);
  return copied;
}

function* pagesOf<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += PAGE) yield items.slice(at, at + PAGE);
}
