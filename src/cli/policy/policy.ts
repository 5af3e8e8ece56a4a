import { readFile } from "node:fs/promises";
import { type Config, readConfig } from "../../config.ts";
import type { Engine, RepDocument, StoredHistoryEntry } from "../../engine/engine.ts";
import { createPolicy, PolicyError, readPolicyFile } from "../../policy.ts";
import { hasId, type RepId, repIdOf, systemUserId } from "../../presence/identity.ts";
import { DEFAULT_MAPPINGS, type Mappings } from "../../presence/mapping.ts";
import { type Answer, isDifferent, type Question, replayed } from "../../replay/replay.ts";
import type { Ruled } from "../../replay/run.ts";
import { openStore } from "../../store.ts";
import {
  type Arguments,
  type Command,
  CommandError,
  EXIT,
  type Host,
  UsageError,
} from "../command.ts";
import { changedCells } from "../../presence/cells.ts";
import { replayJson, replayText, type Replay, showText } from "./report.ts";
import { vocabularyOf } from "./vocabulary.ts";

const HELP = `show prints the policy in force (POLICY_FILE, or the default) and what it changes of the default; with a file, that file and
what it changes of the policy in force. A policy that breaks a mapping law is refused with a counterexample.

replay takes what the service recorded of the last --hours (24), or of one rep, and goes through it again twice: with the policy in
force and with the file. It says what would have been different: writes, how long each system would have shown something else, how long
work could have been routed, and when that began and why. It reads the store beside the running service and changes nothing.

What a replay assumes: people and systems do again what they did by themselves, and nobody knows what they would have done had they
been shown something else. Every write leaves at once, is accepted, and shows when it was recorded to show, else half a second later. What an
entry of ours hid was never seen, so it is not in it. The first figure to look at is how many of the recorded decisions the policy in
force comes to again.`;

const HOUR_MS = 3_600_000;
const USUAL_HOURS = "24";
const PAGE = 1_000;

export const policy: Command = {
  name: "policy",
  takes: "show [file] | replay <file>",
  positionals: { min: 1, max: 2 },
  summary: "show the policy in force, or replay what was recorded through another one",
  help: HELP,
  options: {
    hours: { type: "string", value: "hours", says: "how far back the replay looks" },
    rep: { type: "string", value: "id", says: "one rep, by the Dynamics or the Teams user id" },
  },
  run: async (given, host) => {
    const [action = "", file = null] = given.positionals;
    const config = readConfig(host.env);
    const inForce = await ruled(config, config.policyFile);
    if (action === "show") return show(given, host, config, inForce, file);
    if (action !== "replay") throw new UsageError("Say show or replay.");
    if (file === null) throw new UsageError("Name the policy file to replay through.");
    return replay(given, host, config, inForce, file);
  },
};

async function show(
  given: Arguments,
  host: Host,
  config: Config,
  inForce: Ruled,
  file: string | null,
): Promise<number> {
  const shown = file === null ? inForce : await ruled(config, file);
  const beside = file === null ? DEFAULT_MAPPINGS : inForce.mappings;
  const changes = changedCells(beside, shown.mappings);
  host.print(
    given.flag("json")
      ? JSON.stringify({ policy: shown.mappings, changes })
      : showText(shown.mappings, changes, file === null ? "the default" : "the policy in force"),
  );
  return EXIT.fine;
}

async function replay(
  given: Arguments,
  host: Host,
  config: Config,
  inForce: Ruled,
  file: string,
): Promise<number> {
  const other = await ruled(config, file);
  const untilMs = host.nowMs();
  const span = { fromMs: untilMs - hoursOf(given) * HOUR_MS, untilMs };
  const vocabulary = vocabularyOf(inForce.mappings);
  const question = { inForce, other, vocabulary, span };
  const engine = await openStore(config.database, { readOnly: true });
  try {
    const reps = await chosen(engine, given.text("rep"), span.fromMs);
    const found: Replay = {
      span,
      changes: changedCells(inForce.mappings, other.mappings),
      answers: await answersFor(reps, engine, question, host),
    };
    host.print(given.flag("json") ? JSON.stringify(replayJson(found)) : replayText(found));
    return found.answers.some(({ answer }) => isDifferent(answer)) ? EXIT.warning : EXIT.fine;
  } finally {
    await engine.close();
  }
}

async function answersFor(
  reps: readonly RepId[],
  engine: Engine,
  question: Question,
  host: Host,
): Promise<readonly { readonly rep: RepId; readonly answer: Answer }[]> {
  const answers: { readonly rep: RepId; readonly answer: Answer }[] = [];
  for (const rep of reps) {
    if (host.signal.aborted) break;
    answers.push({ rep, answer: replayed(await historyOf(rep, engine), question) });
    if (host.watched) host.say(`${answers.length} of ${reps.length} reps\r`);
  }
  return answers;
}

/** All of it: what was recorded before the hours that are asked for says how things stood when they began. */
async function historyOf(rep: RepId, engine: Engine): Promise<readonly StoredHistoryEntry[]> {
  const entries: StoredHistoryEntry[] = [];
  for (;;) {
    const after = entries.at(-1)?.position ?? 0;
    const page = await engine.history({ rep, after, limit: PAGE });
    entries.push(...page);
    if (page.length < PAGE) return entries;
  }
}

/** One rep, or everybody who is one and everybody who was one since: what is recorded stays when somebody leaves. */
async function chosen(
  engine: Engine,
  id: string | null,
  fromMs: number,
): Promise<readonly RepId[]> {
  const documents = await engine.load();
  const repsOf = (all: readonly RepDocument[]) => all.map(({ identity }) => identity.rep);
  if (id === null) return [...new Set([...repsOf(documents), ...(await toldOf(engine, fromMs))])];
  const wanted = id.toLowerCase();
  const found = documents.filter(({ identity }) => hasId(identity, wanted));
  if (found.length > 0) return repsOf(found);
  const left = repIdOf(systemUserId(wanted));
  if ((await engine.history({ rep: left, limit: 1 })).length > 0) return [left];
  throw new CommandError(
    "cli-policy-rep-unknown",
    "Name a rep whom the service looks after, by her Dynamics or her Teams user id; one who has left, by her Dynamics user id.",
  );
}

/** Of whom something was recorded since a time. */
async function toldOf(engine: Engine, sinceMs: number): Promise<ReadonlySet<RepId>> {
  const told = new Set<RepId>();
  for (let after = 0; ;) {
    const page = await engine.history({ after, sinceMs, limit: PAGE });
    for (const { rep } of page) told.add(rep);
    if (page.length < PAGE) return told;
    after = page.at(-1)?.position ?? after;
  }
}

function hoursOf(given: Arguments): number {
  const text = given.text("hours") ?? USUAL_HOURS;
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new UsageError("--hours takes whole hours.");
  return Number(text);
}

/** The policy of a file; of none, the default. */
async function ruled({ dynamicsReconnectMs }: Config, path: string | null): Promise<Ruled> {
  try {
    const mappings: Mappings = path === null ? DEFAULT_MAPPINGS : readPolicyFile(await text(path));
    return { mappings, policy: createPolicy(mappings, dynamicsReconnectMs) };
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new CommandError(error.code, `Correct the file. ${error.message}`);
  }
}

async function text(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    throw new CommandError("cli-policy-unreadable", "Name a policy file that can be read.");
  }
}
