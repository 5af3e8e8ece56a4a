import type { PaceLimits } from "./controller/pace.ts";

/**
 * Close below the documented limits, which count what our own registration sends and nobody else: Graph 1 500 in 30 s,
 * Dataverse 6 000 in 300 s. A window holds at most a burst, what the rate gives, and twice as many as leave while one
 * read is waited for (`Pace`): 1 470 and 5 840. What is left over is for calls that no pace counts.
 */
export const TEAMS_PACE: PaceLimits = { burst: 50, perSecond: 46 };
export const DYNAMICS_PACE: PaceLimits = { burst: 100, perSecond: 19 };
