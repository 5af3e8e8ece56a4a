import { z } from "zod";
import type { GraphRequest } from "./graph.ts";
import { malformed, type Refused } from "./graph-error.ts";

/** Microsoft: "Combine multiple HTTP requests using JSON batching": 20 at most. */
export const PER_BATCH = 20;

const JSON_BODY = { "Content-Type": "application/json" };

const answer = z.object({ responses: z.array(z.unknown()) });
const item = z.object({
  id: z.string(),
  status: z.int().min(200).max(599),
  headers: z.record(z.string(), z.unknown()).optional().catch({}),
  body: z.unknown().optional(),
});

/** What one request of a batch was answered. */
export type ItemAnswer = Pick<Refused, "status" | "retryAfter"> & { readonly body: unknown };

type Item = Pick<GraphRequest, "path" | "body">;

/** The body of a batch: what has a body is posted, the rest is asked for. Their places are their ids. They run side by side. */
export function batchOf(items: readonly Item[]): unknown {
  const requests = items.map(({ path: url, body }, place) => {
    const id = String(place);
    return body === undefined
      ? { id, method: "GET", url }
      : { id, method: "POST", url, headers: JSON_BODY, body };
  });
  return { requests };
}

/**
 * The answers by their ids: Graph gives them in no order. What is no answer is missing. Throws `SystemError` if the text
 * is no answer to a batch.
 */
export function answersIn(text: string): ReadonlyMap<string, ItemAnswer> {
  const answers = new Map<string, ItemAnswer>();
  for (const one of responsesIn(text)) {
    const { data } = item.safeParse(one);
    if (!data) continue;
    const { id, status, headers = {}, body } = data;
    answers.set(id, { status, retryAfter: retryAfterIn(headers), body });
  }
  return answers;
}

/** The body as it would have come alone. */
export function textOf({ body }: ItemAnswer): string {
  return body === undefined ? "" : JSON.stringify(body);
}

function responsesIn(text: string): readonly unknown[] {
  try {
    return answer.parse(JSON.parse(text)).responses;
  } catch {
    throw malformed();
  }
}

function retryAfterIn(headers: Readonly<Record<string, unknown>>): string | null {
  const name = Object.keys(headers).find((one) => one.toLowerCase() === "retry-after");
  return name === undefined ? null : String(headers[name]);
}
