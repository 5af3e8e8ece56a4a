import { describe, expect, test } from "vitest";
import { decodeEvent } from "../../src/connectors/partner/event.ts";
import { systemName } from "../../src/presence/identity.ts";
import { fuzz, type Grammar, REFUSED, taken } from "./grammar.ts";
import { GRAMMARS } from "./grammars.ts";
import { POLLUTION } from "./mutate.ts";
import { PARTNER } from "./partner.ts";
import { fuzzSeed } from "./seed.ts";

const CASES = 200_000;

describe("[R88, R77, R100] broken bodies mean what they say, or are refused", () => {
  test.each(GRAMMARS)("$name", { timeout: 1_200_000 }, (grammar) => {
    const cases = Math.ceil(CASES / GRAMMARS.length);
    const { tally, finding } = fuzz(grammar, { seed: fuzzSeed(), cases });
    expect(finding, `FUZZ_SEED=${finding?.seed} repeats it`).toBeNull();
    expect(tally.cases).toBe(cases);
    expect(tally.taken).toBeGreaterThan(cases / 20);
    expect(tally.refused).toBeGreaterThan(cases / 5);
  });
});

describe("the fuzzing finds a decoder", () => {
  const sender = { partner: systemName("phone"), receivedAtMs: 1_800_000_000_000 };
  const lax = (json: unknown): ReturnType<Grammar["decode"]> => {
    const decoded = decodeEvent(json, sender);
    return decoded.ok ? taken({ rep: decoded.rep, event: decoded.event }) : REFUSED;
  };
  const parsed = (body: Buffer): unknown => {
    try {
      return JSON.parse(body.toString("utf8"));
    } catch {
      return null;
    }
  };
  test.each<[string, Grammar["decode"], RegExp]>([
    ["that throws", (body) => lax(JSON.parse(body.toString("utf8"))), /^the decoder threw/],
    ["that takes a key given twice", (body) => lax(parsed(body)), /^it was decoded as/],
    [
      "that copies what it was given onto everything",
      (body) => {
        const json = parsed(body);
        const given: unknown = Reflect.get(Object(json), "constructor");
        if (typeof given === "object")
          Object.assign(Object.prototype, Reflect.get(Object(given), "prototype"));
        return PARTNER.decode(body);
      },
      /on every object/,
    ],
  ])("%s", (_what, decode, says) => {
    try {
      const { finding } = fuzz({ ...PARTNER, decode }, { seed: fuzzSeed(), cases: 20_000 });
      expect(finding?.says).toMatch(says);
    } finally {
      Reflect.deleteProperty(Object.prototype, POLLUTION);
    }
  });
});
