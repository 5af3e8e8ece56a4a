import { describe, expect, it } from "vitest";
import { CLASSIFICATIONS, type Classification } from "../../src/reconcile/classify.ts";
import { loadCore } from "./core.ts";
import { explore } from "./explorer.ts";
import { EVERY_RUN } from "./settings.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);
const heard = new Set<Classification>();
let states = 0;

const INVARIANTS =
  "[P1] it converges, [P2] writes are bounded, [P3] [P4] no intent without a cause, [P7] her choice stands, " +
  "[P9] one recorded write at a time, [P13] a call protects, [P15] quiet worlds stay quiet";

describe(`whatever the order of events: ${INVARIANTS}`, () => {
  it.each(EVERY_RUN)("$setting.name", { timeout: 600_000 }, ({ setting, maxStates }) => {
    const result = explore(setting, core, maxStates);
    const { violation, quiet, maxWrites, complete } = result;
    const trace = violation?.trace.join("\n") ?? "";
    expect(violation, `${violation?.invariant}: ${violation?.says}\n${trace}`).toBeNull();
    expect(complete || result.states >= maxStates).toBe(true);
    expect(quiet).toBeGreaterThan(0);
    expect(maxWrites).toBeGreaterThan(0);
    states += result.states;
    for (const name of CLASSIFICATIONS) if (result.heard[name] > 0) heard.add(name);
  });

  it("every classification of a reading [R1]–[R17] was met, in more than a million states", () => {
    expect(CLASSIFICATIONS.filter((name) => !heard.has(name))).toEqual([]);
    expect(states).toBeGreaterThan(1_000_000);
  });
});
