import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { FakeTeams } from "../bot/teams.ts";

/** Somebody in front of a Teams client: what Teams says of her in everything that she sends. */
export type Sender = {
  readonly name: string;
  readonly objectId: string;
  readonly tenantId: string;
};

/** What the bot answered to one activity. */
export type Answered = { readonly kind: string; readonly status: number; readonly text: string };

type Activity = {
  readonly type: string;
  readonly name?: string;
  readonly id?: string;
  readonly serviceUrl: string;
  readonly from: object;
  readonly conversation: object;
  readonly channelData?: object;
};

export type SigningProxyOptions = {
  readonly teams: FakeTeams;
  readonly appId: string;
  /** The bot's address. */
  readonly target: string;
};

const PRESS = "invoke adaptiveCard/action";

/**
 * Stands between the Playground, which signs nothing, and a bot that believes only what Teams has signed: it puts the
 * token on that Teams would. The Playground has one user; while `sender` is set, somebody else sits in front of it.
 */
export class SigningProxy {
  readonly url: string;
  readonly answers: Answered[] = [];
  sender: Sender | null = null;
  /** The conversation into which everything goes while it is set, wherever it was said. */
  conversationId: string | null = null;
  readonly #server: Server;
  readonly #options: SigningProxyOptions;
  /** The last one of each kind. */
  readonly #last = new Map<string, Activity>();
  #replays = 0;

  private constructor(server: Server, options: SigningProxyOptions) {
    this.#server = server;
    this.#options = options;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/messages`;
  }

  static async start(options: SigningProxyOptions): Promise<SigningProxy> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        // The Playground asks with HEAD whether anybody is there.
        if (request.method !== "POST") {
          response.writeHead(200).end();
          return;
        }
        proxy.#forward(Buffer.concat(chunks).toString("utf8")).then(
          ({ status, text }) => {
            response.writeHead(status, { "content-type": "application/json" }).end(text);
          },
          () => response.writeHead(502).end(),
        );
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const proxy = new SigningProxy(server, options);
    return proxy;
  }

  /** Has somebody else do what was done last, a press if nothing else is said, from her own client. */
  again(sender: Sender, kind = PRESS): Promise<Answered> {
    const last = this.#last.get(kind);
    if (!last) throw new Error(`there was no ${kind} yet`);
    this.#replays += 1;
    return this.#send(sentBy(sender, { ...last, id: `again-${this.#replays}` }));
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.closeAllConnections();
      this.#server.close(() => resolve());
    });
  }

  async #forward(body: string): Promise<Answered> {
    const said = sentBy(this.sender, JSON.parse(body) as Activity);
    const id = this.conversationId;
    const activity = id === null ? said : { ...said, conversation: { ...said.conversation, id } };
    this.#last.set(kindOf(activity), activity);
    const answered = await this.#send(activity);
    this.answers.push(answered);
    return answered;
  }

  async #send(activity: Activity): Promise<Answered> {
    const { teams, appId, target } = this.#options;
    const claims = { aud: appId, serviceurl: activity.serviceUrl };
    const token = await teams.token(Date.now(), { claims });
    const answer = await fetch(target, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify(activity),
    });
    return { kind: kindOf(activity), status: answer.status, text: await answer.text() };
  }
}

const kindOf = ({ type, name = "" }: Activity): string => `${type} ${name}`.trim();

function sentBy(sender: Sender | null, activity: Activity): Activity {
  if (!sender) return activity;
  const { name, objectId, tenantId } = sender;
  return {
    ...activity,
    from: { ...activity.from, id: `29:${objectId}`, name, aadObjectId: objectId },
    conversation: { ...activity.conversation, tenantId },
    channelData: { ...activity.channelData, tenant: { id: tenantId } },
  };
}
