import { Application, TeamsAdapter, type TurnState } from "@microsoft/teams-ai";
import {
  type Activity,
  ActivityTypes,
  type ConversationReference,
  type InvokeResponse,
  type TurnContext,
} from "botbuilder";
import { ServiceClientCredentialsFactory } from "botframework-connector";
import type { Card } from "./cards/element.ts";
import type { Conversation } from "./conversations.ts";
import type { Sender } from "./outbox.ts";

/** A token for the Bot Connector; `null` where nobody asks for one, on this computer only. */
export type BotToken = (() => Promise<string>) | null;

const AUDIENCE = "https://api.botframework.com";
const ADAPTIVE = "application/vnd.microsoft.card.adaptive";

/** The part of the SDK's connector client that tries again by itself. */
type Retrying = {
  readonly client: {
    readonly pipeline: { removePolicy(named: { readonly name: string }): unknown };
  };
};

type Credentials = Awaited<ReturnType<ServiceClientCredentialsFactory["createCredentials"]>>;

/** Signs what the bot sends with the service's own credential; the SDK's would keep another copy of the secret. */
class OwnCredentials extends ServiceClientCredentialsFactory {
  readonly #appId: string;
  readonly #token: BotToken;

  constructor(appId: string, token: BotToken) {
    super();
    this.#appId = appId;
    this.#token = token;
  }

  override isValidAppId(appId: string): Promise<boolean> {
    return Promise.resolve(appId === this.#appId);
  }

  /** Never: who sent an activity is decided before the SDK sees it. */
  override isAuthenticationDisabled(): Promise<boolean> {
    return Promise.resolve(false);
  }

  override createCredentials(): Promise<Credentials> {
    const token = this.#token;
    const credentials: Pick<Credentials, "signRequest"> = {
      signRequest: async (request) => {
        if (token) request.headers.set("authorization", `Bearer ${await token()}`);
        return request;
      },
    };
    return Promise.resolve(credentials as Credentials);
  }
}

/**
 * The SDK's adapter without its door: activities come in verified, and what they answer to an invoke goes back as a
 * value. Everything that leaves for Teams leaves through it.
 */
export class BotAdapter extends TeamsAdapter implements Sender {
  readonly #appId: string;

  constructor(appId: string, token: BotToken) {
    // One key set switches every default of the SDK off, so all are given.
    const configuration = {
      MicrosoftAppId: appId,
      ToChannelFromBotLoginUrl: "https://login.microsoftonline.com/botframework.com",
      ToChannelFromBotOAuthScope: AUDIENCE,
      ToBotFromChannelTokenIssuer: AUDIENCE,
      OAuthUrl: "https://token.botframework.com",
      ToBotFromChannelOpenIdMetadataUrl:
        "https://login.botframework.com/v1/.well-known/openidconfiguration",
      ToBotFromEmulatorOpenIdMetadataUrl:
        "https://login.microsoftonline.com/botframework.com/v2.0/.well-known/openid-configuration",
      CallerId: "urn:botframework:azure",
      ValidateAuthority: "true",
    };
    super(configuration, new OwnCredentials(appId, token));
    this.#appId = appId;
    // The outbox tries again, for every answer that is worth it and unevenly; the SDK's client would do so below it.
    this.use(async (context, next) => {
      const connector = context.turnState.get<Retrying | undefined>(this.ConnectorClientKey);
      connector?.client.pipeline.removePolicy({ name: "defaultRetryPolicy" });
      await next();
    });
  }

  /** Runs one verified activity through the bot. What it answers, if it was an invoke. */
  async receive(
    activity: Activity,
    logic: (context: TurnContext) => Promise<void>,
  ): Promise<InvokeResponse | undefined> {
    const claimsIdentity = this.createClaimsIdentity(this.#appId);
    const authenticated = {
      audience: AUDIENCE,
      callerId: "urn:botframework:azure",
      claimsIdentity,
      connectorFactory: this.botFrameworkAuthentication.createConnectorFactory(claimsIdentity),
    };
    return this.processActivity(authenticated, activity, logic);
  }

  send(conversation: Conversation, card: Card): Promise<string> {
    return this.#within(conversation, async (context) => {
      const sent = await context.sendActivity(messageOf(card));
      return sent?.id ?? "";
    });
  }

  async update(conversation: Conversation, messageId: string, card: Card): Promise<void> {
    await this.#within(conversation, async (context) => {
      await context.updateActivity({ ...messageOf(card), id: messageId });
      return "";
    });
  }

  async #within(
    { reference }: Conversation,
    act: (context: TurnContext) => Promise<string>,
  ): Promise<string> {
    // The SDK would swallow what is thrown inside into onTurnError, and we must know whether to try again.
    const outcomes: PromiseSettledResult<string>[] = [];
    const known = reference as unknown as Partial<ConversationReference>;
    await this.continueConversationAsync(this.#appId, known, async (context) => {
      outcomes.push(...(await Promise.allSettled([act(context)])));
    });
    const [outcome] = outcomes;
    if (!outcome) throw new Error("it was not sent");
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  }
}

/** Routes without typing indicators: the SDK cannot switch them off, and shares one timer among all turns. */
export class Router extends Application<TurnState> {
  override startTypingTimer(): void {}
}

export function messageOf(card: Card): Partial<Activity> {
  return {
    type: ActivityTypes.Message,
    summary: card.fallbackText,
    attachments: [{ contentType: ADAPTIVE, content: card }],
  };
}

/**
 * Answers a button with a card for the one who pressed it. Sent by ourselves: once a handler of the SDK has returned a
 * card with `refresh`, the SDK edits the message for everybody from then on, and shows one person's view to all.
 */
export async function answerPress(context: TurnContext, card: Card): Promise<void> {
  const body = { statusCode: 200, type: ADAPTIVE, value: card };
  await context.sendActivity({ type: ActivityTypes.InvokeResponse, value: { status: 200, body } });
}

/** Answers a search or a link with words where there can be no result. */
export async function answerSearch(context: TurnContext, text: string): Promise<void> {
  const body = { composeExtension: { type: "message", text } };
  await context.sendActivity({ type: ActivityTypes.InvokeResponse, value: { status: 200, body } });
}
