import { CLASSIFICATIONS } from "../../src/reconcile/classify.ts";
import { MUTANTS } from "../model/mutants.ts";
import type { Setting } from "../model/setting.ts";
import { RULE_MUTANTS } from "../rules/mutants.ts";
import { DEEDS, FAULTS, OVERLAPS } from "./climate.ts";
import { DRIVE_MUTANTS } from "./mutants.ts";

const INVARIANTS: Readonly<Record<string, string>> = {
  P1: "it converges",
  P2: "writes are bounded",
  P3: "no write without a cause",
  P4: "no echo is taken for a choice",
  P5: "nothing is taken twice",
  P6: "nothing goes back",
  P7: "crossing choices join",
  P8: "no promise is lost",
  P9: "recorded before it is sent, one at a time",
  P10: "nobody stays behind",
  P11: "within limits and silences",
  P12: "the webhook harms nobody",
  P13: "a call protects",
  P14: "nothing crosses between reps",
  P15: "a quiet world stays quiet",
};

/** What an exploration may be made of, and when it is. */
const PIECES: Readonly<Record<string, (setting: Setting) => boolean>> = {
  "overlapping holds": ({ holds }) => holds > 1,
  "calls of different strengths": ({ strengths }) => strengths,
  "times to live": ({ ttl }) => ttl,
  "three systems": ({ systems }) => systems.length > 2,
  "two instances": ({ instances }) => instances > 1,
  commands: ({ commands }) => commands > 0,
  "shift ends": ({ shifts }) => shifts > 0,
  "calls in Teams": ({ calls }) => calls > 0,
  meetings: ({ meetings }) => meetings > 0,
  "closed clients": ({ closings }) => closings > 0,
  "sign-outs": ({ signOuts }) => signOuts > 0,
  "lost connections": ({ flaps }) => flaps > 0,
  refusals: ({ refuses }) => refuses,
  pauses: ({ pauses }) => pauses > 0,
  "lost answers": ({ losses }) => losses > 0,
  "late writes": ({ zombies }) => zombies > 0,
  crashes: ({ crashes }) => crashes > 0,
  "reads out of order": ({ readsInFlight, duplicates }) => readsInFlight > 1 || duplicates > 0,
  leases: ({ leases }) => leases,
  "write budgets": ({ writesPerMinute }) => writesPerMinute < 10,
  fights: ({ fightChanges }) => fightChanges !== null,
  "cold starts": ({ cold }) => cold,
};

export function piecesOf(setting: Setting | undefined): readonly string[] {
  return setting ? Object.keys(PIECES).filter((piece) => PIECES[piece]?.(setting)) : [];
}

/** How far the proof was to go. */
export type Asked = { readonly seeds: number; readonly states: number; readonly bodies: number };

/** What a run of the proof adds up to. */
export type Proof = {
  readonly date: string;
  readonly commit: string;
  readonly asked: Asked;
  readonly fromSeed: number;
  readonly fuzzSeed: number;
  readonly seeds: number;
  readonly events: number;
  readonly writes: number;
  readonly repeated: number;
  readonly states: number;
  readonly transitions: number;
  readonly settings: number;
  readonly bodies: number;
  readonly minutes: number;
  readonly covered: ReadonlyMap<string, number>;
  readonly failures: readonly string[];
};

const number = new Intl.NumberFormat("en");

/** Everything that should have happened, with how often it did. */
function coverage({ covered }: Proof): readonly (readonly [what: string, times: number])[] {
  const wanted = [
    ...FAULTS.map((fault) => `fault: ${fault}`),
    ...DEEDS.map((deed) => `deed: ${deed}`),
    ...OVERLAPS.map((overlap) => `overlap: ${overlap}`),
    ...CLASSIFICATIONS.map((name) => `reading: ${name}`),
    ...Object.keys(INVARIANTS).map((name) => `checked: ${name}`),
    ...Object.keys(PIECES).map((piece) => `states: ${piece}`),
    "bodies: taken for what they mean",
    "bodies: refused",
  ];
  return wanted.map((what) => [what, covered.get(what) ?? 0]);
}

/** What should have happened and did not: a proof with a gap in it proves nothing. */
export function gapsIn(proof: Proof): readonly string[] {
  const never = coverage(proof)
    .filter(([, times]) => times === 0)
    .map(([what]) => what);
  const short = (["seeds", "states", "bodies"] as const)
    .filter((what) => proof[what] < proof.asked[what])
    .map((what) => `${proof.asked[what]} ${what}, only ${proof[what]}`);
  return [...never, ...short];
}

/** One page. The same run gives the same page. */
export function certificateOf(proof: Proof): string {
  const table = (kind: string): string =>
    coverage(proof)
      .filter(([what]) => what.startsWith(`${kind}: `))
      .map(([what, times]) => `${what.slice(kind.length + 2)} ${number.format(times)}`)
      .join(" · ");
  const promises = Object.entries(INVARIANTS).map(([name, says]) => {
    const times = proof.covered.get(`checked: ${name}`);
    return `| ${name} | ${says} | ${number.format(times ?? 0)} |`;
  });
  const gaps = gapsIn(proof);
  const broken = proof.failures.length === 0 ? "No promise was broken." : "A promise was broken.";
  const verdict =
    gaps.length === 0 ? broken : `${broken} But this did not happen: ${gaps.join(", ")}.`;
  return `# What was proved, and how far

Written by \`npm run prove\` on ${proof.date}, for commit ${proof.commit}. ${verdict}

| | |
|---|---|
| Simulated lives of the whole service | ${number.format(proof.seeds)} seeds from ${proof.fromSeed} on, ${number.format(proof.events)} events, ${number.format(proof.writes)} writes |
| Told twice, with the same hash | ${number.format(proof.repeated)} |
| States of the decision, explored | ${number.format(proof.states)} in ${proof.settings} settings, ${number.format(proof.transitions)} transitions |
| Broken bodies, decoded | ${number.format(proof.bodies)}, ${table("bodies")} |
| Broken promises | ${proof.failures.length} |
| Mutants that the tests must kill | ${MUTANTS.length} of the decision, ${DRIVE_MUTANTS.length} of the drive, ${RULE_MUTANTS.length} of single rules |
| Time | ${proof.minutes.toFixed(0)} minutes; FUZZ_SEED=${proof.fuzzSeed} repeats the bodies |

What was found on the way stands in [defects.md](defects.md).

A simulated life is the real controller, policy, connectors and routes over simulated Graph, Dataverse, partners and disk, in
virtual time: some half an hour to half a day in which everything below goes wrong, then a calm in which every change must show.

| promise | | checked |
|---|---|---|
${promises.join("\n")}

**States explored** with ${table("states")}.

**Faults**: ${table("fault")}.

**Deeds**: ${table("deed")}.

**Several truths at once**: ${table("overlap")}.

**Readings were taken for**: ${table("reading")}.
`;
}
