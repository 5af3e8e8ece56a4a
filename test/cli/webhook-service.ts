import pino from "pino";
import { createDynamicsInbound } from "../../src/connectors/dynamics/inbound.ts";
import type { Hint } from "../../src/connectors/dynamics/webhook.ts";
import { createHttpServer } from "../../src/http/server.ts";

/** The webhook of a running service, with what has arrived there. */
export async function openWebhookService(
  keys: string[],
  isNews: (hint: Hint) => boolean = () => true,
) {
  const results: string[] = [];
  const arrived: string[] = [];
  const server = createHttpServer({
    log: pino({ level: "silent" }),
    nowMs: Date.now,
    routes: [
      createDynamicsInbound({
        keys,
        organization: () => null,
        organizationIds: [],
        repOfAgentStatus: () => null,
        isRep: () => true,
        isNews,
        hint: (rep) => arrived.push(rep),
        sweep: () => undefined,
        count: (result) => results.push(result),
      }),
    ],
  });
  const { port } = await server.listen(0, "127.0.0.1");
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    webhookUrl: `${url}/webhooks/dataverse`,
    /** The reps that Dataverse has told of, in order. */
    arrived,
    /** What became of each webhook, in order. */
    results,
    [Symbol.asyncDispose]: () => server.close(0),
  };
}
