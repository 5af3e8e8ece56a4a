import { z } from "zod";
import type { EmulatorResponse } from "../listener.ts";
import { refuse } from "./refusal.ts";

// "Combine multiple HTTP requests using JSON batching": 20 at most.
const MAX_ITEMS = 20;

const Item = z.object({
  id: z.string(),
  method: z.string(),
  url: z.string(),
  headers: z.record(z.string(), z.string()).optional(),
  body: z.unknown().optional(),
  dependsOn: z.array(z.string()).optional(),
});
type Item = z.output<typeof Item>;
const Batch = z.object({ requests: z.array(Item) });

export type BatchItem = { readonly method: string; readonly url: string; readonly body: unknown };

/**
 * Runs a batch, its items side by side: each is answered for itself, with its own throttling and faults, and an item
 * whose predecessor failed answers 424. The answers are not in the order of the requests.
 */
export async function answerBatch(
  body: unknown,
  answer: (item: BatchItem) => Promise<EmulatorResponse>,
): Promise<EmulatorResponse> {
  const batch = Batch.safeParse(body);
  if (!batch.success) return refuse(400, "BadRequest", "Invalid batch payload format.");
  const { requests } = batch.data;
  if (requests.length > MAX_ITEMS) {
    return refuse(
      400,
      "BadRequest",
      `Number of batch request steps exceeds the maximum value of ${MAX_ITEMS}.`,
    );
  }
  if (new Set(requests.map(({ id }) => id)).size < requests.length) {
    return refuse(400, "BadRequest", "Request Id values must be unique within a batch.");
  }
  const running = new Map<string, Promise<EmulatorResponse>>();
  const run = async ({ method, url, body: itemBody, dependsOn = [] }: Item) => {
    const statusOf = async (id: string): Promise<number> => (await running.get(id))?.status ?? 424;
    const earlier = await Promise.all(dependsOn.map((id) => statusOf(id)));
    return earlier.some((status) => status >= 400)
      ? refuse(424, "FailedDependency", "A request that this one depends on has failed.")
      : answer({ method, url, body: itemBody });
  };
  for (const request of requests) running.set(request.id, run(request));
  const answers = await Promise.all(
    [...running].map(async ([id, answered]) => ({ id, ...(await answered) })),
  );
  if (answers.some(({ hangUp }) => hangUp)) return { status: 200, hangUp: true };
  const responses = answers.toReversed().map(({ id, status, headers = {}, json }) => {
    const type = json === undefined ? {} : { "Content-Type": "application/json" };
    return {
      id,
      status,
      headers: { ...type, ...headers },
      ...(json === undefined ? {} : { body: json }),
    };
  });
  return { status: 200, json: { responses } };
}
