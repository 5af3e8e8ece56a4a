import { createHash, timingSafeEqual } from "node:crypto";
import type { Answer, RequestHead, Route } from "./route.ts";

export type MetricsRouteOptions = {
  /** Whoever asks sends it as `Authorization: Bearer …`. */
  readonly key: string;
  /** All metrics, in the text format of Prometheus (version 0.0.4). */
  readonly exposition: () => Promise<string>;
};

const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * `GET /metrics`, for whoever has the key: how many reps there are, how busy they are and what fails is nobody else's
 * to know. Any other caller gets 401, and nothing is counted up or read for it.
 */
export function metricsRoute({ key, exposition }: MetricsRouteOptions): Route {
  const wanted = digest(`Bearer ${key}`);
  const isAllowed = ({ headers }: RequestHead): boolean => {
    const given = headers.filter(([name]) => name === "authorization");
    const [line] = given;
    return given.length === 1 && line !== undefined && timingSafeEqual(digest(line[1]), wanted);
  };
  return {
    method: "GET",
    path: "/metrics",
    maxBytes: 0,
    contentTypes: [],
    authenticate: (head): Answer | null =>
      isAllowed(head)
        ? null
        : {
            status: 401,
            headers: { "www-authenticate": "Bearer" },
            json: { code: "unauthorized" },
            reason: "unauthorized",
          },
    handle: async () => ({
      status: 200,
      headers: { "cache-control": "no-store", "content-type": CONTENT_TYPE },
      text: await exposition(),
    }),
  };
}

/** Of one length, whatever is compared. */
const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
