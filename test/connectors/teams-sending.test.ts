import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Credential } from "../../src/connectors/credential.ts";
import { createGraph } from "../../src/connectors/teams/graph.ts";
import { failureOf, patience } from "./contract.ts";
import { LOOPBACK_TLS } from "./loopback.ts";

type Sent = { readonly headers: Readonly<Record<string, string>>; readonly bytes: Buffer };

const credential: Credential = {
  token: () => Promise.resolve("a-token"),
  replacement: () => Promise.resolve("another-token"),
};

describe("what Graph sends", () => {
  let server: Server;
  let sent: Sent;
  let asked: unknown;
  const ask = (): Promise<string> => {
    const { port } = server.address() as AddressInfo;
    const graphUrl = `https://localhost:${port}`;
    const graph = createGraph({ graphUrl, credential, nowMs: Date.now });
    return graph.ask("GET", { path: "/users", appRole: "User.ReadBasic.All" }, patience());
  };

  beforeAll(async () => {
    const { keyPem: key, certPem: cert } = LOOPBACK_TLS;
    server = createServer({ key, cert }, (request, response) => {
      asked = request.headers["accept-encoding"];
      response.writeHead(200, sent.headers).end(sent.bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test("is asked for compressed, and read as it was", async () => {
    const text = JSON.stringify({ value: ["é".repeat(50_000)] });
    sent = { headers: { "content-encoding": "gzip" }, bytes: gzipSync(text) };
    expect(await ask()).toBe(text);
    expect(asked).toBe("gzip");
    sent = { headers: {}, bytes: Buffer.from(text) };
    expect(await ask()).toBe(text);
  });

  test.each<[string, Sent, string]>([
    [
      "6 MiB in 6 KiB",
      {
        headers: { "content-encoding": "gzip" },
        bytes: gzipSync(Buffer.alloc(6 * 1024 * 1024, " ")),
      },
      "graph-answer-oversized",
    ],
    [
      "bytes that only say that they are compressed",
      { headers: { "content-encoding": "gzip" }, bytes: Buffer.from("{}") },
      "graph-answer-malformed",
    ],
    [
      "what nobody asked for",
      { headers: { "content-encoding": "br" }, bytes: Buffer.from("{}") },
      "graph-answer-malformed",
    ],
  ])(
    "[R74] %s is an answer that nobody can read, after a request that arrived",
    async (_form, given, code) => {
      sent = given;
      expect(await failureOf(ask())).toMatchObject({ code, surelyNotApplied: false });
    },
  );
});
