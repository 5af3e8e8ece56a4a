/**
 * The first floor: what physics allows. A hint comes in, its JSON is read, one write goes out, with the same client
 * library as ours, in the same process model. No state, nothing durable, no look at what is there.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createWriting, createWritingToDynamics, targetOf, teamsTargetOf } from "./way.ts";

const write = createWriting();
const writeToDynamics = createWritingToDynamics();
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks).toString("utf8");
    const written =
      request.url === "/webhooks/graph"
        ? writeToDynamics(teamsTargetOf(body))
        : write(targetOf(body));
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
    void written.catch(() => undefined);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`listening on ${(server.address() as AddressInfo).port}\n`);
});
