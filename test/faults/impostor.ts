import { createServer, request as httpsRequest } from "node:https";
import type { IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { LOOPBACK_TLS } from "../connectors/loopback.ts";

/** An answer of the system, or what somebody between makes of it. */
export type Reply = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Send so many bytes of the body, and hang up. */
  readonly cutAfterBytes?: number;
};

export type Tamper = (reply: Reply, asked: { readonly path: string }) => Reply;

/** Somebody between the service and a system who is trusted and should not be: a broken gateway. */
export type Impostor = {
  readonly port: number;
  /** Replies that were not what the system had said. */
  readonly tampered: number;
  tamper(how: Tamper): void;
  close(): Promise<void>;
};

export async function startImpostor(systemUrl: string): Promise<Impostor> {
  const { port: systemPort } = new URL(systemUrl);
  let tamper: Tamper = (reply) => reply;
  let tampered = 0;

  const ask = (
    path: string,
    method: string,
    headers: IncomingHttpHeaders,
    body: Buffer,
  ): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const options = { host: "localhost", port: systemPort, path, method, headers };
      const asked = httpsRequest({ ...options, ca: LOOPBACK_TLS.caPem }, (answer) => {
        buffer(answer).then(
          (text) =>
            resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }),
          reject,
        );
      });
      asked.once("error", reject);
      asked.end(body);
    });

  const server = createServer({ key: LOOPBACK_TLS.keyPem, cert: LOOPBACK_TLS.certPem });
  server.on("request", (request, response) => {
    const { url: path = "", method = "GET", headers } = request;
    const answer = async (): Promise<void> => {
      const truth = await ask(path, method, headers, await buffer(request));
      const reply = tamper(truth, { path });
      if (reply !== truth) tampered += 1;
      const { "transfer-encoding": _chunked, ...kept } = reply.headers;
      response.writeHead(reply.status, { ...kept, "content-length": reply.body.length });
      if (reply.cutAfterBytes === undefined) {
        response.end(reply.body);
        return;
      }
      response.write(reply.body.subarray(0, reply.cutAfterBytes), () => request.socket.destroy());
    };
    answer().catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get tampered() {
      return tampered;
    },
    tamper: (how) => {
      tamper = how;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
