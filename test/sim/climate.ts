import type { Mappings } from "../../src/presence/mapping.ts";

/** Everything that may go wrong. A run of `prove` in which one of these never happened has proved nothing. */
export const FAULTS = [
  "request lost",
  "answer lost",
  "write lands long after its time-out",
  "throttled",
  "server error",
  "server error after the effect",
  "never connected",
  "garbled answer",
  "request refused",
  "slow answer",
  "line clogged",
  "stale read",
  "rep not mentioned",
  "presence unknown",
  "hint dropped",
  "hint doubled",
  "hint late",
  "hint before the row",
  "event sent again",
  "disk slow",
  "disk full",
  "disk unsure",
  "crash before a flush",
  "crash after a flush",
  "crash while a write leaves",
  "crash when an answer comes",
  "crash at rest",
  "stopped in order",
  "clock skewed",
  "clock set",
  "two instances",
  "rep left",
  "rep came back",
] as const;
export type Fault = (typeof FAULTS)[number];

/** What the people, the phone and the engine of Dynamics do; each must have happened too. */
export const DEEDS = [
  "chooses in Teams",
  "resets Teams",
  "call in Teams",
  "call in Teams ends",
  "meeting begins",
  "meeting ends",
  "closes Teams",
  "opens Teams",
  "goes idle",
  "is back",
  "chooses in Dynamics",
  "signs out",
  "signs in",
  "conversation accepted",
  "conversation closed",
  "notification missed",
  "call begins",
  "call renewed",
  "call ends",
  "shift ends",
  "shift begins",
  "call end lost",
  "status set by command",
  "status set for a while",
  "calls ended by command",
  "command taken back",
  "connection lost",
  "connection back",
  "chooses in both",
] as const;
export type Deed = (typeof DEEDS)[number];

/** What lies over what, told by several at once: each must have been stored so. */
export const OVERLAPS = [
  "calls of several sources",
  "calls of different strengths",
  "shift ended during a call",
  "command during a call",
  "calls ended by command",
  "call ended by itself",
  "command ended by itself",
  "command taken back",
] as const;
export type Overlap = (typeof OVERLAPS)[number];

/** How likely each fault of a call, a flush or a hint is, 0 to 1. */
export type Odds = Readonly<Partial<Record<Fault, number>>>;

/** One kind of weather. The seed decides the rest. */
export type Climate = {
  readonly name: string;
  readonly reps: number;
  readonly instances: 1 | 2;
  readonly odds: Odds;
  /** How long people wait between two things they do, on average. */
  readonly deedMs: number;
  readonly pollMs: number;
  /** How often Dynamics is read, if not as often as Teams. */
  readonly dynamicsPollMs?: number;
  /** The policy file, if there is one. */
  readonly mappings?: Mappings;
  /** What a rep has room for; conversations in `act` take one unit. */
  readonly capacityUnits?: number;
  /** An instance that died is back within this time. */
  readonly restartMs: number;
  /** Components that are clogged one by one and let go in another order. */
  readonly swizzles: boolean;
  /** Graph tells sequence numbers in bulk reads. Without them no read is ever stale: nobody could tell. */
  readonly versioned: boolean;
  readonly pace: { readonly burst: number; readonly perSecond: number };
  /** Who leaves the roster, and comes back. */
  readonly rosterMoves: boolean;
};

const CALLS: Odds = {
  "request lost": 0.01,
  "answer lost": 0.01,
  "write lands long after its time-out": 0.005,
  throttled: 0.01,
  "server error": 0.01,
  "server error after the effect": 0.01,
  "never connected": 0.01,
  "garbled answer": 0.005,
  "slow answer": 0.05,
  "rep not mentioned": 0.01,
  "presence unknown": 0.01,
  "stale read": 0.1,
};
const HINTS: Odds = {
  "hint dropped": 0.2,
  "hint doubled": 0.2,
  "hint late": 0.1,
  "hint before the row": 0.2,
  "event sent again": 0.1,
};
const CRASHES: Odds = {
  "crash before a flush": 0.004,
  "crash after a flush": 0.004,
  "crash while a write leaves": 0.02,
  "crash when an answer comes": 0.002,
  "crash at rest": 0.001,
  "stopped in order": 0.001,
};

const QUIET: Climate = {
  name: "calm",
  reps: 3,
  instances: 1,
  odds: {},
  deedMs: 20_000,
  pollMs: 5_000,
  restartMs: 400,
  swizzles: false,
  versioned: true,
  pace: { burst: 100, perSecond: 40 },
  rosterMoves: false,
};

/** The weathers in which every seed is run; a seed's number picks one. */
export const CLIMATES = {
  network: { ...QUIET, name: "network", odds: { ...CALLS, ...HINTS, "clock skewed": 0.3 } },
  unversioned: {
    ...QUIET,
    name: "unversioned",
    versioned: false,
    odds: { ...CALLS, ...HINTS, "stale read": 0 },
    pace: { burst: 6, perSecond: 3 },
  },
  rush: {
    ...QUIET,
    name: "rush",
    versioned: false,
    odds: { ...HINTS, "slow answer": 0.3 },
    deedMs: 6_000,
  },
  disk: {
    ...QUIET,
    name: "disk",
    odds: {
      ...HINTS,
      ...CRASHES,
      "disk slow": 0.05,
      "disk full": 0.02,
      "disk unsure": 0.01,
      "clock skewed": 0.3,
    },
    rosterMoves: true,
  },
  swizzle: {
    ...QUIET,
    name: "swizzle",
    odds: { ...HINTS, "slow answer": 0.05, "request refused": 0.01, "crash at rest": 0.0005 },
    swizzles: true,
  },
  everything: {
    ...QUIET,
    name: "everything",
    odds: {
      ...CALLS,
      ...HINTS,
      ...CRASHES,
      "disk slow": 0.02,
      "disk full": 0.005,
      "clock skewed": 0.3,
    },
    swizzles: true,
    rosterMoves: true,
    deedMs: 15_000,
  },
  instances: {
    ...QUIET,
    name: "instances",
    instances: 2,
    odds: { ...HINTS, ...CRASHES, "slow answer": 0.05, "disk slow": 0.02 },
  },
  hours: {
    ...QUIET,
    name: "hours",
    odds: { ...HINTS, "crash at rest": 0.001, "slow answer": 0.02 },
    deedMs: 240_000,
    pollMs: 60_000,
    restartMs: 7_200_000,
  },
} as const satisfies Readonly<Record<string, Climate>>;
export type ClimateName = keyof typeof CLIMATES;
