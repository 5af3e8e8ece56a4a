import { obey } from "./orders.ts";

const RealDate = Date;
let offsetMs = 0;
let frozenAtMs: number | null = null;

const nowMs = (): number => frozenAtMs ?? RealDate.now() + offsetMs;

/** The wall clock of this process. Timers and `performance` are monotonic, and nobody can set them. */
globalThis.Date = new Proxy(RealDate, {
  get: (target, key) => (key === "now" ? nowMs : (Reflect.get(target, key) as unknown)),
  construct: (target, given: unknown[]) =>
    Reflect.construct(target, given.length === 0 ? [nowMs()] : given) as object,
});

/** Sets the clock by so many milliseconds, from where it stands. */
obey("clock", (argument) => {
  offsetMs += Number(argument);
  frozenAtMs = null;
});
obey("freeze", () => {
  frozenAtMs = nowMs();
});
const fromStart = process.env["CLOCK_OFFSET_MS"];
if (fromStart !== undefined) offsetMs = Number(fromStart);

/** Does nothing else for so many milliseconds: the event loop stands still. */
obey("stall", (argument) => {
  const untilMs = performance.now() + Number(argument);
  while (performance.now() < untilMs);
});
