/**
 * The second floor: the calls that the protocol makes, in its order, with the same client libraries, and nothing else.
 * A hint comes in; Dynamics is read, Teams is read, Teams is written. No state, nothing durable, one call for each rep.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createReading, createWriting, targetOf } from "./way.ts";

const write = createWriting();
const { readDynamics, readTeams } = createReading();
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const target = targetOf(Buffer.concat(chunks).toString("utf8"));
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
    const perform = async (): Promise<void> => {
      const presence = await readDynamics(target);
      await readTeams(target);
      await write({ ...target, presence });
    };
    void perform().catch(() => undefined);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`listening on ${(server.address() as AddressInfo).port}\n`);
});
