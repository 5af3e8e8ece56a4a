import type { QueueAvailability } from "./board.ts";

/** One figure, how old it is, and where it comes from. */
type Figure = {
  readonly value: number | boolean | string | null;
  readonly ageSeconds: number;
  readonly source: string;
};

type Figures = Readonly<Record<string, Figure>>;

/** What `GET /api/v1/queues/{id}/availability` answers. */
export type AvailabilityView = {
  readonly queue: { readonly id: string; readonly name: string };
  /** Open, and somebody there who can take a conversation now. */
  readonly canTakeNow: boolean;
  readonly own: Figures;
  readonly unavailable: Readonly<Record<string, number>>;
  readonly center: Figures | null;
  readonly centerProblem: string | null;
  /** Figures that both have and that are not the same. */
  readonly differs: readonly string[];
};

/** The contact centre's own counts may be so much older than its answer. Microsoft: "Representative availability". */
const CENTER_REPS_LAG_SECONDS = 300;
const CENTER_SETUP_LAG_SECONDS = 600;

/** Puts age and source on every figure. Pure. */
export function viewOf(found: QueueAvailability, nowMs: number): AvailabilityView {
  const { queue, own, ownAsOfMs, center, centerProblem } = found;
  const age = (asOfMs: number): number => Math.max(0, Math.round((nowMs - asOfMs) / 100) / 10);
  const figure = (source: string, asOfMs: number, lagSeconds = 0) => {
    const ageSeconds = age(asOfMs) + lagSeconds;
    return (value: Figure["value"]): Figure => ({ value, ageSeconds, source });
  };
  const setup = figure("operating hours, read by us", ownAsOfMs.setup);
  const reps = figure("agent status, membership, presences, capacity, read by us", ownAsOfMs.reps);
  const waits = figure("conversations, read by us", ownAsOfMs.conversations);
  const ours = {
    isOpen: setup(own.isOpen),
    changesAt: setup(isoOf(own.changesAtMs)),
    repsAvailable: reps(own.repsAvailable),
    members: reps(own.members),
    waiting: waits(own.waiting),
    averageWaitSeconds: waits(own.averageWaitSeconds),
    longestWaitSeconds: waits(own.longestWaitSeconds),
  };
  const theirs = center === null ? null : centerFigures(center, figure);
  return {
    queue,
    canTakeNow: own.isOpen === true && own.repsAvailable > 0,
    own: ours,
    unavailable: own.unavailable,
    center: theirs,
    centerProblem,
    differs: theirs === null ? [] : differing(ours, theirs),
  };
}

function centerFigures(
  { value, asOfMs }: NonNullable<QueueAvailability["center"]>,
  figure: (source: string, asOfMs: number, lag?: number) => (v: Figure["value"]) => Figure,
): Figures {
  const setup = figure("Dynamics, up to ten minutes behind", asOfMs, CENTER_SETUP_LAG_SECONDS);
  const reps = figure("Dynamics, up to five minutes behind", asOfMs, CENTER_REPS_LAG_SECONDS);
  const waits = figure("Dynamics, near real time", asOfMs);
  return {
    isOpen: setup(value.isOpen),
    changesAt: setup(isoOf(value.changesAtMs)),
    hasRep: reps(value.hasRep),
    repsAvailable: reps(value.repsAvailable),
    averageWaitSeconds: waits(value.averageWaitSeconds),
    position: waits(value.position),
  };
}

/** Only what both say. A centre that knows no wait answers 0, and we nothing: that is no difference. */
function differing(ours: Figures, theirs: Figures): readonly string[] {
  return Object.keys(ours).filter((name) => {
    const [a, b] = [ours[name]?.value, theirs[name]?.value];
    if (a === null || a === undefined || b === null || b === undefined) return false;
    return a !== b;
  });
}

const isoOf = (ms: number | null): string | null =>
  ms === null ? null : new Date(ms).toISOString();
