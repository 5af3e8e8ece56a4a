import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { Webhook } from "standardwebhooks";
import type { CloudEvent } from "../../src/api/feed/cloud-event.ts";
import { LOOPBACK_TLS } from "../connectors/loopback.ts";

export type Delivery = {
  readonly id: string;
  readonly type: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly event: CloudEvent;
};

type Reply =
  | number
  | { readonly status: number; readonly headers: Readonly<Record<string, string>> };

/** An endpoint that remembers what it was told, and answers as `answer` says at that moment. */
export async function openSubscriber() {
  const deliveries: Delivery[] = [];
  const world = { answer: (_delivery: Delivery): Reply => 204, deliveries };
  const server = createServer(
    { cert: LOOPBACK_TLS.certPem, key: LOOPBACK_TLS.keyPem },
    (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(chunks).toString("utf8");
        const headers = request.headers as Record<string, string>;
        const delivery = {
          id: headers["webhook-id"] ?? "",
          type: headers["content-type"],
          headers,
          body,
          event: JSON.parse(body) as CloudEvent,
        };
        deliveries.push(delivery);
        const reply = world.answer(delivery);
        const { status, headers: sent } =
          typeof reply === "number" ? { status: reply, headers: {} } : reply;
        response.writeHead(status, sent);
        response.end();
      });
    },
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return Object.assign(world, { url: `https://localhost:${port}/hook` });
}

/** Throws unless the delivery was signed with this secret. The library compares the time with the clock on the wall. */
export function verify({ headers, body }: Delivery, secret: string): void {
  const at = new Date(Number(headers["webhook-timestamp"]) * 1000);
  const expected = new Webhook(secret).sign(headers["webhook-id"] ?? "", at, body);
  if (headers["webhook-signature"] !== expected) throw new Error("not signed with this secret");
}
