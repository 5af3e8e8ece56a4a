import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { FakeTeams } from "../bot/teams.ts";

/**
 * Stands between the Playground, which signs nothing, and a bot that believes only what Teams has signed: it puts the
 * token on that Teams would.
 */
export async function startSigningProxy(options: {
  readonly teams: FakeTeams;
  readonly appId: string;
  /** The bot's address. */
  readonly target: string;
}): Promise<{ readonly url: string; close(): Promise<void> }> {
  const { teams, appId, target } = options;
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      // The Playground asks with HEAD whether anybody is there.
      if (request.method !== "POST") {
        response.writeHead(200).end();
        return;
      }
      const body = Buffer.concat(chunks).toString("utf8");
      forward(body).then(
        ({ status, text }) => {
          response.writeHead(status, { "content-type": "application/json" }).end(text);
        },
        () => response.writeHead(502).end(),
      );
    });
  });
  const forward = async (body: string): Promise<{ status: number; text: string }> => {
    const { serviceUrl } = JSON.parse(body) as { readonly serviceUrl: string };
    const claims = { aud: appId, serviceurl: serviceUrl };
    const token = await teams.token(Date.now(), { claims });
    const answer = await fetch(target, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body,
    });
    return { status: answer.status, text: await answer.text() };
  };
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/messages`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
