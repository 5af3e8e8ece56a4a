import type { RepDocument, StoredHistoryEntry } from "../engine/engine.ts";
import { type Status, STATUSES } from "../presence/status.ts";
import { nameOf, type SystemName } from "../presence/identity.ts";
import { maskOf, overrideOf } from "../reconcile/explain.ts";
import type { Policy } from "../reconcile/policy.ts";
import { type Endpoint, endpointOf, type Rep } from "../reconcile/rep.ts";
import { isSatisfied, statusOf, targetOf, topOf } from "../reconcile/resolve.ts";
import type {
  LayerView,
  ManualView,
  OriginView,
  PersonView,
  RepView,
  ShiftView,
  SystemView,
  TeamView,
} from "./cards/view.ts";

/** The hold by which the bot sets a status until some time: one for each rep. No partner's id can be like it. */
export const BOT_HOLD = "lockstep bot:set";

/** What is known of a rep, for a card. */
export function repView(
  name: string,
  { rep }: RepDocument,
  policy: Policy,
  lastReadAtMs: (system: SystemName) => number,
  nextShift: ShiftView | null,
): RepView {
  const top = topOf(rep);
  const origin = baseOrigin(rep);
  const botHold = Object.entries(rep.holds).find(([id]) => id === BOT_HOLD)?.[1];
  return {
    name,
    status: statusOf(rep),
    origin: top ? { kind: top.system ? "shown" : "reported", where: nameOf(top.source) } : origin,
    beneath: top ? { status: rep.base.status, origin } : null,
    sinceMs: sinceMsOf(rep),
    systems: policy.systems.map(({ name: system }) =>
      systemView(rep, system, policy, lastReadAtMs),
    ),
    layers: layersOf(rep),
    overridden: botHold
      ? { status: botHold.status, source: nameOf(botHold.source), untilMs: botHold.untilMs }
      : null,
    manual: manualOf(rep, policy),
    nextShift,
    detail: null,
    paused: rep.paused !== null,
    asOfMs: Math.max(rep.intentAtMs, ...policy.systems.map((s) => lastReadAtMs(s.name))),
  };
}

function baseOrigin({ base: { origin }, systems }: Rep): OriginView {
  if (origin === null) return { kind: "nothing chosen" };
  return { kind: origin in systems ? "chosen" : "set", where: nameOf(origin) };
}

function manualOf(rep: Rep, policy: Policy): ManualView | null {
  const override = overrideOf(rep, policy);
  if (!override) return null;
  const { system, ...more } = override;
  return { where: nameOf(system), ...more };
}

/** When she came to show what she shows; `null` where that was before anybody looked. */
function sinceMsOf(rep: Rep): number | null {
  const top = topOf(rep);
  if (!top) return rep.base.atMs === 0 ? null : rep.base.atMs;
  if (top.system) return rep.overlays[top.system]?.atMs ?? null;
  const held = Object.values(rep.holds).filter(({ status }) => status === top.status);
  return held.reduce<number | null>(
    (first, { sinceMs }) => (first === null ? sinceMs : Math.min(first, sinceMs)),
    null,
  );
}

function systemView(
  rep: Rep,
  system: SystemName,
  policy: Policy,
  lastReadAtMs: (system: SystemName) => number,
): SystemView {
  const endpoint = endpointOf(rep, system);
  return {
    name: nameOf(system),
    status: endpoint.absent ? "Offline" : endpoint.seen,
    note: noteOf(rep, system, endpoint, policy),
    readAtMs: endpoint.seen === null ? 0 : lastReadAtMs(system),
    mask: maskOf(rep, system),
  };
}

function noteOf(
  rep: Rep,
  system: SystemName,
  endpoint: Endpoint,
  policy: Policy,
): SystemView["note"] {
  if (endpoint.absent) return "signed out";
  if (endpoint.pending) return "underway";
  if (endpoint.health !== "ok") return endpoint.health;
  if (!isInStep(rep, system, policy)) return "differs";
  return endpoint.cover === "none" ? "in step" : "covered";
}

/** True when the system shows what it should, or nobody can do anything about it now. */
function isInStep(rep: Rep, system: SystemName, policy: Policy): boolean {
  const { absent, seen } = endpointOf(rep, system);
  if (absent || seen === null) return true;
  return isSatisfied(rep, system, targetOf(rep, system, policy), policy);
}

/** True when every system shows what it should. */
export function isAllInStep(rep: Rep, policy: Policy): boolean {
  return policy.systems.every(({ name }) => isInStep(rep, name, policy));
}

function layersOf(rep: Rep): readonly LayerView[] {
  const holds = Object.values(rep.holds).map(({ status, source, untilMs }) => ({
    status,
    source: nameOf(source),
    untilMs,
  }));
  const overlays = Object.entries(rep.overlays).map(([system, { status, untilMs }]) => ({
    status,
    source: nameOf(system),
    untilMs,
  }));
  return [...holds, ...overlays];
}

export function personView(name: string, { rep }: RepDocument, policy: Policy): PersonView {
  return {
    name,
    status: statusOf(rep),
    sinceMs: sinceMsOf(rep),
    inStep: isAllInStep(rep, policy),
  };
}

export function teamView(people: readonly PersonView[], asOfMs: number): TeamView {
  const counts = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<
    Status,
    number
  >;
  for (const { status } of people) counts[status] += 1;
  return { people, counts, outOfStep: people.filter(({ inStep }) => !inStep).length, asOfMs };
}

/** What she showed at a moment: the last intent before it, as the history tells it. */
export function statusAt(entries: readonly StoredHistoryEntry[], atMs: number): Status | null {
  const before = entries.filter((entry) => entry.kind === "intent" && entry.atMs <= atMs).at(-1);
  const status = before?.detail["status"];
  return STATUSES.find((known) => known === status) ?? null;
}
