/**
 * Where the random bodies and cases of a run begin. The same for every `npm test`, so that it is green or red for everybody;
 * `FUZZ_SEED` takes another, and repeats what a run printed. `npm run prove` begins somewhere new each time.
 */
export function fuzzSeed(): number {
  return Number(process.env["FUZZ_SEED"] ?? 20_261_121);
}
