import { fuzz } from "./grammar.ts";
import { GRAMMARS } from "./grammars.ts";

const CASES = 5_000_000;
const STRIDE = 50_000;

/** The decoders' part of `npm run prove`: five million broken bodies, other ones each time. Ends the process if one is misread. */
export function proveDecoders(): void {
  const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 1_000_000_000);
  const number = new Intl.NumberFormat("en");
  const cases = Math.ceil(CASES / GRAMMARS.length);
  console.log(`decoders: FUZZ_SEED=${seed}`);
  for (const grammar of GRAMMARS) {
    const total = { cases: 0, taken: 0, refused: 0 };
    while (total.cases < cases) {
      const from = seed + total.cases;
      const { tally, finding } = fuzz(grammar, {
        seed: from,
        cases: Math.min(STRIDE, cases - total.cases),
      });
      if (finding) {
        console.error(
          `\n${grammar.name}, FUZZ_SEED=${finding.seed}: ${finding.says}\n${finding.body}`,
        );
        process.exit(1);
      }
      total.cases += tally.cases;
      total.taken += tally.taken;
      total.refused += tally.refused;
      if (process.stdout.isTTY)
        process.stdout.write(`\r${grammar.name} ${Math.floor((100 * total.cases) / cases)} %`);
    }
    const { taken, refused } = total;
    const start = process.stdout.isTTY ? "\r" : "";
    console.log(
      `${start}${grammar.name}: ${number.format(total.cases)} broken bodies, ${number.format(taken)} taken for what they mean, ` +
        `${number.format(refused)} refused`,
    );
  }
}
