import { intend } from "./intent.ts";
import type { Policy } from "./policy.ts";
import { endpointOf, type Pause, type Rep } from "./rep.ts";
import { targetOf, topOf } from "./resolve.ts";

/**
 * Stops syncing a rep, or starts it again. While she is paused everything is read and remembered as always, and
 * nothing is written but what takes our own back; so a rep who is resumed is where she would have been.
 * Asked for what already is, it changes nothing.
 *
 * | rule | a paused rep's system                              | what it should show                           |
 * |------|-----------------------------------------------------|-----------------------------------------------|
 * | R113 | shows nothing of ours                               | what it shows: it is left alone               |
 * | R114 | has our cover (Teams)                               | what lies beneath: the cover is withdrawn     |
 * | R114 | was replaced by us (Dynamics), a call is on         | what it shows, until the call is over         |
 * | R114 | was replaced by us (Dynamics), no call is on        | what she last chose there herself             |
 */
export function setPaused(rep: Rep, pause: Pause | null, nowMs: number): Rep {
  if ((rep.paused === null) === (pause === null)) return rep;
  const source = pause?.by ?? rep.paused?.by ?? "";
  const kind = pause ? "paused" : "resumed";
  return intend({ ...rep, paused: pause }, { kind, source, status: rep.base.status, atMs: nowMs });
}

/**
 * True when nothing of ours is left anywhere, or nothing that anybody could still take back; and nothing may arrive late
 * any more that would look like a choice of hers to whoever meets her anew.
 */
export function isReleased(rep: Rep, policy: Policy, nowMs: number): boolean {
  if (topOf(rep)?.kind === "hold") return false;
  return policy.systems.every(({ name, absence }) => {
    const { pending, late, tried, absent, leaseUntilMs } = endpointOf(rep, name);
    if (late.some(({ expiresAtMs }) => expiresAtMs > nowMs)) return false;
    if (absent && absence === "withdraws") return true;
    if (pending) return false;
    if (tried >= rep.intent) return true;
    const ranOut = leaseUntilMs !== null && leaseUntilMs <= nowMs;
    return ranOut || targetOf(rep, name, policy) === null;
  });
}
