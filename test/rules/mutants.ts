import { DRIVE_RULE_MUTANTS } from "./drive-mutants.ts";
import { EDGE_MUTANTS } from "./edge-mutants.ts";

/**
 * A rule taken out of the code: one change to one file of `src/`, where `find` occurs exactly once. It is killed by a test
 * in `test` that cites the rule in its title.
 */
export type RuleMutant = {
  readonly rule: string;
  readonly shortcut: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly test: string;
};

const LAWS = { file: "presence/laws.ts", test: "presence/laws.test.ts" } as const;
const CLASSIFY = { file: "reconcile/classify.ts", test: "reconcile/classify.test.ts" } as const;
const RESOLVE = { file: "reconcile/resolve.ts", test: "reconcile/resolve.test.ts" } as const;
const STORED = { file: "reconcile/stored.ts", test: "reconcile/stored.test.ts" } as const;
const MASK = { file: "reconcile/explain.ts", test: "reconcile/mask.test.ts" } as const;

/**
 * One for each rule that neither the mutants of the core (`test/model/mutants.ts`) nor those of the drive
 * (`test/sim/mutants.ts`) take out.
 */
export const RULE_MUTANTS: readonly RuleMutant[] = [
  {
    ...LAWS,
    rule: "L1",
    shortcut: "what cannot be read back may be written",
    find: `found.push({ law: "L1", status, says });`,
    replace: "",
  },
  {
    ...LAWS,
    rule: "L2",
    shortcut: "writing what was read may change something",
    find: "if (q[shown] !== shown) {",
    replace: "if (q[shown] === null) {",
  },
  {
    ...LAWS,
    rule: "L3",
    shortcut: "a write may make a busy rep look free",
    find: "if (isRoutable(shown) && !isRoutable(status)) {",
    replace: "if (isRoutable(shown) && isRoutable(status) !== isRoutable(status)) {",
  },
  {
    rule: "L4",
    shortcut: "of two statuses the first one stands",
    file: "presence/status.ts",
    find: "return strength(a) >= strength(b) ? a : b;",
    replace: "return strength(a) >= strength(b) ? a : a;",
    test: "presence/laws.test.ts",
  },
  {
    ...LAWS,
    rule: "L5",
    shortcut: "two systems may play ping-pong",
    find: "if (once !== twice) {",
    replace: "if (once !== once) {",
  },
  {
    ...CLASSIFY,
    rule: "R1",
    shortcut: "a reading without anything in it is taken for a change",
    find: `  if (n === null) return "unusable";\n`,
    replace: "",
  },
  {
    ...CLASSIFY,
    rule: "R5",
    shortcut: "what is known is news",
    find: `return "same";`,
    replace: "return change;",
  },
  {
    ...CLASSIFY,
    rule: "R11",
    shortcut: "what a withdrawal uncovers is a choice",
    find: `if (pending?.withdraws && (reading.automatic || n === "Away")) return "uncovered";`,
    replace: "",
  },
  {
    ...CLASSIFY,
    rule: "R12",
    shortcut: "what a system shows by itself is chosen",
    find: `return isOurs ? "agrees" : "automatic";`,
    replace: `return isOurs ? "agrees" : "choice";`,
  },
  {
    ...CLASSIFY,
    rule: "R15",
    shortcut: "of two choices that cross, the one read last stands",
    find: `? "outranked" : "choice";`,
    replace: `? "choice" : "choice";`,
  },
  {
    ...CLASSIFY,
    rule: "R16",
    shortcut: "what nothing explains is forgotten",
    find: `? "outranked" : "choice";`,
    replace: `? "outranked" : "settled";`,
  },
  {
    ...RESOLVE,
    rule: "R22",
    shortcut: "with nothing on top she is free",
    find: "return topOf(rep)?.status ?? rep.base.status;",
    replace: `return topOf(rep)?.status ?? "Available";`,
  },
  {
    ...RESOLVE,
    rule: "R23",
    shortcut: "with nothing on top a system is left alone",
    find: "if (!top) return base;",
    replace: "if (!top) return null;",
  },
  {
    ...RESOLVE,
    rule: "R27",
    shortcut: "a call over a shift end shows as the shift end",
    find: `rep.base.status === "Offline" || rep.base.origin === top.system`,
    replace: "rep.base.origin === top.system",
  },
  {
    rule: "R28",
    shortcut: "Available is kept alive, whatever the policy says",
    file: "policy.ts",
    find: `if (action === "withdraw") return "none";`,
    replace: `if (action === "withdraw") return status === "Available" ? "session" : "none";`,

    test: "reconcile/keep-alive.test.ts",
  },
  {
    rule: "R31",
    shortcut: "a write of unknown outcome is tried again at once",
    file: "reconcile/plan.ts",
    find: `  if (endpoint.retryAtMs > nowMs) return { kind: "wait", atMs: endpoint.retryAtMs };\n`,
    replace: "",
    test: "reconcile/plan.test.ts",
  },
  {
    rule: "R116",
    shortcut: "who leaves is forgotten while a write for her may still arrive",
    file: "reconcile/pause.ts",
    find: "    if (late.some(({ expiresAtMs }) => expiresAtMs > nowMs)) return false;\n",
    replace: "",
    test: "reconcile/pause.test.ts",
  },
  {
    rule: "R357",
    shortcut: "a renewal that nobody sees has not happened",
    file: "reconcile/observe.ts",
    find: "    leaseUntilMs: isHidden ? pending.leaseUntilMs : leaseUntilMs,\n",
    replace: "    leaseUntilMs,\n",
    test: "controller/cost.test.ts",
  },
  {
    rule: "R355",
    shortcut: "what a system shows is remembered again at each look",
    file: "reconcile/observe.ts",
    find: "  if (rep.base.natives[system] === reading.native) return rep;\n",
    replace: "",
    test: "controller/cost.test.ts",
  },
  {
    ...STORED,
    rule: "R385",
    shortcut: "what she last chose is forgotten with the process",
    find: "base: { ...NEW.base, ...base },",
    replace: "base: NEW.base,",
  },
  {
    ...STORED,
    rule: "R385",
    shortcut: "a list with nothing in it is stored",
    find: "one === other || (isEmpty(one) && isEmpty(other))",
    replace: "one === other",
  },
  {
    ...STORED,
    rule: "R386",
    shortcut: "what is stored of a rep says something else in the next release",
    file: "reconcile/rep.ts",
    find: `base: baseOf({ status: "Available",`,
    replace: `base: baseOf({ status: "Offline",`,
  },
  {
    rule: "R52",
    shortcut: "a write that was surely not applied is given up",
    file: "reconcile/delivery.ts",
    find: "        tried: Math.min(endpoint.tried, pending.intent - 1),\n        failures,",
    replace: "        failures,",
    test: "reconcile/delivery.test.ts",
  },
  {
    rule: "R55",
    shortcut: "a heartbeat is a new call",
    file: "reconcile/intent.ts",
    find: "if (known?.status === hold.status) {",
    replace: "if (known?.status === hold.status && known.untilMs === hold.untilMs) {",
    test: "reconcile/holds.test.ts",
  },
  {
    rule: "R59",
    shortcut: "Lunch comes back as Away",
    file: "reconcile/plan.ts",
    find: "const restored = step.target === profile.shows[rep.base.status] ? write.native : null;",
    replace: "const restored = null;",
    test: "reconcile/writes.test.ts",
  },
  {
    rule: "R315",
    shortcut: "what she chose between the two requests of a write is thought to lie there still",
    file: "reconcile/observe.ts",
    find: "return clears && overtaken && cover ===",
    replace: "return clears && overtaken && cover !==",
    test: "reconcile/own-choice.test.ts",
  },
  {
    rule: "R315",
    shortcut: "her own status in the place of ours counts as ours, when it is the same again",
    file: "reconcile/choice.ts",
    find: "    shown: pending ? shown : rep.intent,\n    ...coverBeneath(endpointOf(rep, system), reading),\n",
    replace: "    shown: pending ? shown : rep.intent,\n",
    test: "reconcile/own-choice.test.ts",
  },
  {
    ...MASK,
    rule: "R320",
    shortcut: "what lies beneath our entry is not said to be unknown",
    find: "  return { sinceMs, covering };\n",
    replace: "  return sinceMs < 0 ? { sinceMs, covering } : null;\n",
  },
  {
    ...MASK,
    rule: "R321",
    shortcut: "nobody knows when an override ends",
    find: "sinceMs === null || lastsMs === null ? null : sinceMs + lastsMs;",
    replace: "sinceMs === null || lastsMs === null ? null : null;",
  },
  ...DRIVE_RULE_MUTANTS,
  ...EDGE_MUTANTS,
];
