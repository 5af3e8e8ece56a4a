import { isWrite, type Operation } from "./operation.ts";

export type Limit = { readonly requests: number; readonly windowSeconds: number };

export const BUCKETS = [
  "presence",
  "subscriptionWrites",
  "reauthorizations",
  "subscriptionReads",
  "subscriptionLists",
] as const;
export type Bucket = (typeof BUCKETS)[number];

// "Get presence for multiple users" says 1 500 requests in 30 s for an app and a tenant. Another page
// allows 10 000; whoever survives the lower figure survives both. The others are from "Microsoft Graph
// service-specific throttling limits: Subscriptions", for an app and a tenant.
const LIMITS: Readonly<Record<Bucket, Limit>> = {
  presence: { requests: 1500, windowSeconds: 30 },
  subscriptionWrites: { requests: 500, windowSeconds: 20 },
  reauthorizations: { requests: 1000, windowSeconds: 20 },
  subscriptionReads: { requests: 500, windowSeconds: 20 },
  subscriptionLists: { requests: 25, windowSeconds: 20 },
};

/** Users and batches are not limited here: a batch counts by its items. */
function bucketOf(operation: Operation): Bucket | null {
  if (isWrite(operation)) return "presence";
  switch (operation) {
    case "getPresence":
    case "getPresencesByUserId":
      return "presence";
    case "createSubscription":
    case "updateSubscription":
    case "deleteSubscription":
      return "subscriptionWrites";
    case "reauthorizeSubscription":
      return "reauthorizations";
    case "getSubscription":
      return "subscriptionReads";
    case "listSubscriptions":
      return "subscriptionLists";
    case "listUsers":
    case "getUser":
    case "checkMemberGroups":
    case "listGroupUsers":
    case "batch":
      return null;
  }
}

/** A sliding window for each application and kind of request; a refused request does not count against it. */
export class Throttle {
  readonly #limits = new Map<Bucket, Limit>();
  readonly #admitted = new Map<string, number[]>();

  setLimit(bucket: Bucket, limit: Limit): void {
    this.#limits.set(bucket, limit);
  }

  /** Gives null when the request may pass, else the milliseconds until one may. */
  admit(operation: Operation, appId: string, nowMs: number): number | null {
    const bucket = bucketOf(operation);
    if (bucket === null) return null;
    const { requests, windowSeconds } = this.#limits.get(bucket) ?? LIMITS[bucket];
    const windowMs = windowSeconds * 1000;
    const key = `${bucket} ${appId}`;
    const admitted = this.#admitted.get(key) ?? [];
    const firstInside = admitted.findIndex((atMs) => atMs > nowMs - windowMs);
    admitted.splice(0, firstInside === -1 ? admitted.length : firstInside);
    this.#admitted.set(key, admitted);
    if (admitted.length < requests) {
      admitted.push(nowMs);
      return null;
    }
    return (admitted[admitted.length - requests] ?? nowMs) + windowMs - nowMs;
  }
}
