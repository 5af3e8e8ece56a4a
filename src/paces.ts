import type { PaceLimits } from "./controller/pace.ts";

/** Below the documented limits, so that others of the tenant find room: Graph 1 500/30 s, Dataverse 6 000/300 s. */
export const TEAMS_PACE: PaceLimits = { burst: 100, perSecond: 40 };
export const DYNAMICS_PACE: PaceLimits = { burst: 100, perSecond: 15 };
