import type { IncomingHttpHeaders } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { listen } from "../../src/emulators/listener.ts";

export type Delivery = {
  readonly headers: IncomingHttpHeaders;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
};

/** An endpoint that remembers what it was sent, and answers as `answers` says: first come, first used; then 200. */
export async function openReceiver(answers: (number | "silence")[] = []) {
  const deliveries: Delivery[] = [];
  const listener = await listen(async (request) => {
    deliveries.push({
      headers: request.headers,
      query: request.url.searchParams,
      body: JSON.parse(request.body.toString("utf8")) as Delivery["body"],
    });
    const status = answers.shift() ?? 200;
    if (status !== "silence") return { status };
    await pause(60_000, undefined, { ref: false });
    return { status: 200 };
  }, {});
  return {
    url: `${listener.url}/hook`,
    deliveries,
    [Symbol.asyncDispose]: () => listener.close(),
  };
}
