import { createDice } from "./dice.ts";
import { breakBody, type Material, POLLUTION } from "./mutate.ts";
import { read, type Tree } from "./tree.ts";

/** What became of a body: refused, or taken for something. Two outcomes are the same if their JSON is. */
export type Outcome =
  | { readonly refused: true }
  | { readonly refused: false; readonly taken: unknown };

export const REFUSED: Outcome = { refused: true };
export const taken = (value: unknown): Outcome => ({ refused: false, taken: value });

/** One inbound grammar, with everything that the fuzzing of it needs: a row of `grammars.ts`. */
export type Grammar = {
  readonly name: string;
  readonly material: Material;
  /** The decoder of the service, over the bytes that arrived. */
  readonly decode: (body: Buffer) => Outcome;
  /**
   * What the body means, worked out from the published rules in a way that shares no code with the service.
   * The tree is `null` when the bytes are no JSON.
   */
  readonly judge: (tree: Tree | null) => Outcome;
  /**
   * `forgiving`: a byte order mark is passed over, and bytes that are not UTF-8 are read as U+FFFD. A webhook
   * of Dataverse is, because to refuse one takes back what the rep did.
   */
  readonly encoding: "strict" | "forgiving";
  readonly route: FuzzedRoute;
};

/** What the service and its senders share. */
type Secrets = {
  readonly webhookKey: string;
  readonly partnerSecret: string;
  /** Of Teams, for the bot. */
  readonly botToken: string;
};

/** How the grammar's bodies reach the real process, signed as their sender would. */
type FuzzedRoute = {
  readonly path: string;
  readonly maxBytes: number;
  /** Every body is answered alike. */
  readonly tellsNothing?: boolean;
  /** `id` is unique to the request. */
  readonly headers: (
    body: Buffer,
    id: string,
    secrets: Secrets,
  ) => Readonly<Record<string, string>>;
  /** Every status that the route may answer a body of this meaning with. */
  readonly answers: (outcome: Outcome, knows: (rep: string) => boolean) => readonly number[];
};

/** A run in which one of these is 0 has proved nothing about it. */
export type Tally = { cases: number; taken: number; refused: number };

/** Where a run went wrong: the seed that repeats it alone, what happened, and the body that did it. */
export type Finding = { readonly seed: number; readonly says: string; readonly body: string };

/**
 * Decodes that many broken bodies and holds every outcome against the judge's. Stops at the first finding. The
 * n-th case has the seed `seed + n`, so that it can be repeated alone.
 */
export function fuzz(
  grammar: Grammar,
  from: { readonly seed: number; readonly cases: number },
): { readonly tally: Tally; readonly finding: Finding | null } {
  const tally: Tally = { cases: 0, taken: 0, refused: 0 };
  const before = prototypes();
  for (let seed = from.seed; seed < from.seed + from.cases; seed += 1) {
    const body = breakBody(createDice(seed), grammar.material);
    const finding = (says: string): { tally: Tally; finding: Finding } => {
      return { tally, finding: { seed, says, body: body.toString("utf8").slice(0, 20_000) } };
    };
    const expected = judged(grammar, body);
    let outcome: Outcome;
    try {
      outcome = grammar.decode(body);
    } catch (thrown) {
      return finding(`the decoder threw: ${String(thrown)}`);
    }
    if (POLLUTION in {}) return finding("the body left something on every object");
    const [got, wanted] = [JSON.stringify(outcome), JSON.stringify(expected)];
    if (got !== wanted) return finding(`it was decoded as ${got}, and means ${wanted}`);
    tally.cases += 1;
    tally[outcome.refused ? "refused" : "taken"] += 1;
  }
  const after = prototypes();
  if (after === before) return { tally, finding: null };
  return { tally, finding: { seed: from.seed, says: `a prototype changed: ${after}`, body: "" } };
}

const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const FORGIVING = new TextDecoder("utf-8");

/** The judge's outcome for bytes. */
export function judged(grammar: Grammar, body: Buffer): Outcome {
  let text: string;
  try {
    text = (grammar.encoding === "strict" ? STRICT : FORGIVING).decode(body);
  } catch {
    return grammar.judge(null);
  }
  return grammar.judge(read(text));
}

/** What every object inherits, by name. */
function prototypes(): string {
  const all = [Object.prototype, Array.prototype, Function.prototype, String.prototype];
  return all.flatMap((prototype) => Reflect.ownKeys(prototype).map(String)).join();
}
