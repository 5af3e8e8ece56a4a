import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";

type Message = {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly activity: Readonly<Record<string, unknown>>;
};

export const APP_ID = "22222222-2222-4222-8222-222222222222";
export const TENANT_ID = "33333333-3333-4333-8333-333333333333";
export const ISSUER = "https://api.botframework.com";

export type Forgery = {
  readonly claims?: JWTPayload;
  readonly header?: Readonly<Record<string, unknown>>;
  /** Sign with a key that Teams does not have. */
  readonly foreignKey?: boolean;
};

/**
 * Teams as the bot sees it: the keys that sign its messages, and the connector that takes the answers. It imports
 * nothing of ours.
 */
export class FakeTeams {
  readonly url: string;
  readonly messages: Message[] = [];
  /** Statuses with which the next messages are refused. */
  readonly refusals: number[] = [];
  /** As Teams publishes it. */
  readonly publicKey: JWK;
  readonly #server: Server;
  readonly #keys: Awaited<ReturnType<typeof generateKeyPair>>;
  readonly #foreign: Awaited<ReturnType<typeof generateKeyPair>>;

  private constructor(
    server: Server,
    keys: Awaited<ReturnType<typeof generateKeyPair>>,
    foreign: Awaited<ReturnType<typeof generateKeyPair>>,
    publicKey: JWK,
  ) {
    this.publicKey = publicKey;
    this.#server = server;
    this.#keys = keys;
    this.#foreign = foreign;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async open(): Promise<FakeTeams> {
    const [keys, foreign] = await Promise.all([generateKeyPair("RS256"), generateKeyPair("RS256")]);
    const jwk = { ...(await exportJWK(keys.publicKey)), kid: "teams", endorsements: ["msteams"] };
    const other = {
      ...(await exportJWK(foreign.publicKey)),
      kid: "webchat",
      endorsements: ["webchat"],
    };
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const path = request.url ?? "";
        const answer = (status: number, json: object): void => {
          response.writeHead(status, { "content-type": "application/json" });
          response.end(JSON.stringify(json));
        };
        if (path === "/metadata") {
          answer(200, { issuer: ISSUER, jwks_uri: `${teams.url}/keys` });
          return;
        }
        if (path === "/keys") {
          answer(200, { keys: [jwk, other] });
          return;
        }
        const refusal = teams.refusals.shift();
        if (refusal !== undefined) {
          answer(refusal, { error: { code: "Refused", message: "not now" } });
          return;
        }
        const text = Buffer.concat(chunks).toString("utf8");
        const { method = "", headers } = request;
        const activity = JSON.parse(text || "{}") as Record<string, unknown>;
        teams.messages.push({ method, path, authorization: headers.authorization, activity });
        answer(201, { id: `message-${teams.messages.length}` });
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const teams = new FakeTeams(server, keys, foreign, jwk);
    return teams;
  }

  /** A token as Teams makes it at `nowMs`, or one that differs in what `forgery` says. */
  token(
    nowMs: number,
    { claims = {}, header = {}, foreignKey = false }: Forgery = {},
  ): Promise<string> {
    const nowSeconds = Math.floor(nowMs / 1000);
    const payload = {
      iss: ISSUER,
      aud: APP_ID,
      serviceurl: this.url,
      nbf: nowSeconds - 10,
      exp: nowSeconds + 3_600,
      ...claims,
    };
    const { privateKey } = foreignKey ? this.#foreign : this.#keys;
    return new SignJWT(payload)
      .setProtectedHeader({ alg: "RS256", kid: "teams", typ: "JWT", ...header })
      .sign(privateKey);
  }

  /** Signs two texts, as a rule of JSON, with the key that Teams uses. */
  async signText(header: string, payload: string): Promise<string> {
    const encoded = [header, payload].map((text) => Buffer.from(text).toString("base64url"));
    const signed = Buffer.from(encoded.join("."));
    const signature = await crypto.subtle.sign("RSASSA-PKCS1-v1_5", this.#keys.privateKey, signed);
    return [...encoded, Buffer.from(signature).toString("base64url")].join(".");
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.closeAllConnections();
      this.#server.close(() => resolve());
    });
  }
}
