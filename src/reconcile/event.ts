import type { HoldId, SystemName } from "../presence/identity.ts";
import type { Status } from "../presence/status.ts";
import { choose, endHolds, intend, lift, putHold, releaseHold, takeBack } from "./intent.ts";
import type { Policy } from "./policy.ts";
import { baseOf, type Cause, type Rep } from "./rep.ts";

/**
 * What somebody tells us that cannot be read back later: a partner's call, the end of a shift, a command.
 * `untilMs` is epoch milliseconds; a hold without a heartbeat ends then.
 */
export type RepEvent =
  | {
      readonly type: "hold.started";
      readonly hold: HoldId;
      readonly status: Status;
      readonly untilMs: number;
    }
  | { readonly type: "hold.renewed"; readonly hold: HoldId; readonly untilMs: number }
  | { readonly type: "hold.ended"; readonly hold: HoldId }
  | {
      readonly type: "status.set";
      readonly status: Status;
      /** When it ends by itself; absent: when something else is chosen. */
      readonly untilMs?: number;
      /** Ends reported holds too, which would lie over it otherwise. */
      readonly endsHolds?: boolean;
    }
  /** Takes the last command back: what she had chosen before is wanted again. */
  | { readonly type: "status.released"; readonly endsHolds?: boolean }
  /** Her manual status gives way: nothing of it hides calls any more. `choice`: the intent of the base that is meant. */
  | { readonly type: "manual.lifted"; readonly choice: number }
  | { readonly type: "shift.ended" }
  | { readonly type: "shift.started" };

/** Who said it, when we took it, and the id under which it was accepted. */
export type EventOrigin = {
  readonly source: SystemName;
  readonly eventId: string;
  readonly atMs: number;
};

/**
 * Takes one event into account. A call that is ended or renewed without having started changes nothing; a
 * shift end is a choice of Offline, over which a live call still lies; a shift start takes back the last
 * shift's Offline and invents nothing in its place.
 */
export function takeEvent(rep: Rep, event: RepEvent, origin: EventOrigin, policy: Policy): Rep {
  const cause = (kind: Cause["kind"], status: Status): Cause => ({ kind, status, ...origin });
  const { source } = origin;
  switch (event.type) {
    case "hold.started": {
      const { hold, status, untilMs } = event;
      return putHold(rep, hold, { source, status, untilMs }, cause("hold", status));
    }
    case "hold.renewed": {
      const known = rep.holds[event.hold];
      if (!known) return rep;
      const renewed = { ...known, untilMs: event.untilMs };
      return putHold(rep, event.hold, renewed, cause("hold", known.status));
    }
    case "hold.ended": {
      const status = rep.holds[event.hold]?.status ?? "Available";
      return releaseHold(rep, event.hold, cause("hold ended", status));
    }
    case "status.set": {
      const command = { untilMs: event.untilMs ?? null };
      const choice = { status: event.status, origin: source, native: null, command };
      const freed = event.endsHolds ? endHolds(rep, origin.atMs) : rep;
      return choose(freed, choice, cause("command", event.status), policy);
    }
    case "status.released": {
      const freed = event.endsHolds ? endHolds(rep, origin.atMs) : rep;
      return takeBack(freed, cause("command ended", rep.base.status));
    }
    case "manual.lifted": {
      return event.choice === rep.base.intent
        ? lift(rep, source, cause("manual lifted", rep.base.status))
        : rep;
    }
    case "shift.ended": {
      const choice = { status: "Offline" as const, origin: source, native: null };
      return choose(rep, choice, cause("shift", "Offline"), policy);
    }
    case "shift.started": {
      if (rep.base.status !== "Offline") return rep;
      const next = intend(rep, cause("shift", "Available"));
      const { tick, intent, intentAtMs: atMs } = next;
      return { ...next, base: baseOf({ status: "Available", tick, intent, atMs }) };
    }
    default:
      event satisfies never;
      return rep;
  }
}
