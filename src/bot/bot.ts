import { TurnState } from "@microsoft/teams-ai";
import { type Activity, ActivityTypes, CardFactory, TurnContext } from "botbuilder";
import type { ParsedJson } from "../http/json.ts";
import type { Route } from "../http/route.ts";
import { Access, type AccessRules } from "./access.ts";
import {
  answerPress,
  answerSearch,
  BotAdapter,
  type BotToken,
  messageOf,
  Router,
} from "./adapter.ts";
import type { Answer } from "./asker.ts";
import { Audit } from "./audit.ts";
import { noteCard, refusalCard } from "./cards/note-card.ts";
import { languagesFor } from "./commands/languages.ts";
import { type Phrase, say } from "./commands/words.ts";
import { Conversations } from "./conversations.ts";
import { Desk } from "./desk.ts";
import { createEntry } from "./entry.ts";
import { addExtension, withoutCards } from "./extension.ts";
import { Outbox } from "./outbox.ts";
import { Own } from "./own.ts";
import type { BotPort } from "./port.ts";
import { Postings } from "./postings.ts";
import { Reading } from "./reading.ts";
import { Sealer } from "./seal.ts";
import type { VerifyToken } from "./token.ts";
import { activitySchema, type Turn, turnOf } from "./turn.ts";
import { Watches } from "./watches.ts";

export type BotOptions = {
  readonly port: BotPort;
  readonly rules: AccessRules;
  readonly appId: string;
  /** For what the bot sends; `null` only where `verify` is. */
  readonly token: BotToken;
  readonly verify: VerifyToken | null;
  readonly tenantId: string | null;
  readonly serviceHosts: readonly string[];
  /** Where links to the console begin, without a trailing slash; `null`: there are none. */
  readonly consoleUrl: string | null;
  readonly parse: (body: Buffer) => ParsedJson;
  readonly onFault: (error: unknown) => void;
};

export type Bot = {
  readonly route: Route;
  /** What the console shows at a place to somebody whose token was verified (src/bot/reading.ts). */
  readonly read: Reading["at"];
  /** Takes up what was kept; before the first request. */
  start(): Promise<void>;
  stop(): void;
};

const TICK_MS = 5_000;
const SECRET = { kind: "bot.seal", id: "key" } as const;

/** The whole bot, as one route and two things it does by itself: watching and posting. */
export async function createBot(options: BotOptions): Promise<Bot> {
  const { port, rules, appId, token, verify, tenantId, serviceHosts, parse, onFault } = options;
  const { consoleUrl } = options;
  const { nowMs } = port;
  const adapter = new BotAdapter(appId, token);
  const access = new Access(rules, port);
  const audit = new Audit(port);
  const sealer = new Sealer(await sealKey(port), nowMs);
  const conversations = new Conversations(port);
  const outbox = new Outbox(adapter, port);
  const watches = new Watches(port, conversations, outbox, async ({ who, target }) => {
    const standing = await access.standing(who, null);
    if (target.kind === "queue") return standing.isManager;
    const person = port.people().find(({ identity }) => identity.rep === target.rep);
    return (
      person !== undefined && (standing.manages(person) || person.identity.teamsUserId === who)
    );
  });
  const postings = new Postings({ port, access, conversations, outbox, sealer });
  const own = new Own(port, audit, conversations, watches);
  const desk = new Desk({ port, access, audit, sealer, own, watches, postings, consoleUrl });

  const reading = new Reading(desk);
  const router = new Router({ turnStateFactory: () => new TurnState() });
  addRoutes(router, desk, conversations, outbox);
  addExtension(router, desk, whoAsks);

  // The SDK calls this for what a handler throws; it must answer an invoke, and must not throw itself.
  adapter.onTurnError = async (context, error) => {
    onFault(error);
    try {
      const [words] = languagesFor(context.activity.locale ?? null);
      const says = say(words, "somethingFailed");
      const card = refusalCard(words, says);
      if (isSearch(context)) await answerSearch(context, says);
      else if (context.activity.type === ActivityTypes.Invoke) await answerPress(context, card);
      else if (context.activity.type === ActivityTypes.Message) {
        await context.sendActivity(messageOf(card));
      }
    } catch (again) {
      onFault(again);
    }
  };

  const route = createEntry({
    verify,
    tenantId,
    serviceHosts,
    parse,
    receive: (activity) =>
      adapter.receive(activity as unknown as Activity, async (context) => {
        const routed = await router.run(context);
        if (!routed && context.activity.type === ActivityTypes.Invoke) {
          const [words] = languagesFor(context.activity.locale ?? null);
          await answerPress(context, refusalCard(words, say(words, "cardNotYours")));
        }
      }),
  });

  let cancel: (() => void) | null = null;
  let stopped = false;
  const tick = async (): Promise<void> => {
    // What keeps one of the two from looking is often what the other has to tell of.
    await watches.tick((target) => desk.available(target)).catch(onFault);
    await postings.tick().catch(onFault);
    if (!stopped) cancel = port.after(TICK_MS, () => void tick());
  };
  return {
    route,
    read: (reader, place) => reading.at(reader, place),
    start: async () => {
      await Promise.all([conversations.load(), watches.load(), postings.load()]);
      access.start();
      cancel = port.after(TICK_MS, () => void tick());
    },
    stop: () => {
      stopped = true;
      cancel?.();
      access.stop();
    },
  };
}

/** One key for all restarts, so that buttons outlive them. */
async function sealKey({ engine }: BotPort): Promise<Buffer> {
  const kept = (await engine.kept(SECRET.kind)).find(({ id }) => id === SECRET.id);
  if (typeof kept?.body === "string") return Buffer.from(kept.body, "base64url");
  const key = crypto.getRandomValues(Buffer.alloc(32));
  await engine.keep({ ...SECRET, body: key.toString("base64url"), expiresAtMs: null });
  return key;
}

/** Who asks, of an activity that passed the door. */
function whoAsks(context: TurnContext): Turn | null {
  const parsed = activitySchema.safeParse(context.activity);
  return parsed.success ? turnOf(parsed.data) : null;
}

function addRoutes(router: Router, desk: Desk, conversations: Conversations, outbox: Outbox): void {
  const refusing =
    (phrase: Phrase) =>
    (context: TurnContext): Answer => {
      const [words] = languagesFor(context.activity.locale ?? null);
      return { card: refusalCard(words, say(words, phrase)) };
    };
  const nobody = refusing("notAllowed");
  const onlyAlone = refusing("onlyAlone");
  const send = async (context: TurnContext, texts: readonly string[]): Promise<void> => {
    for (const text of texts) {
      await outbox.reply(() => context.sendActivity({ type: ActivityTypes.Message, text }));
    }
  };
  const reply = async (context: TurnContext, { card, follow = [] }: Answer): Promise<void> => {
    await outbox.reply(() => context.sendActivity(messageOf(card)));
    await send(context, follow);
  };

  router.activity(ActivityTypes.Message, async (context) => {
    const turn = whoAsks(context);
    if (!turn) return reply(context, nobody(context));
    await conversations.remember(turn, TurnContext.getConversationReference(context.activity));
    const activity: { readonly text?: string | null; readonly value?: unknown } = context.activity;
    const { value, text } = activity;
    if (isSubmitted(value)) {
      // What answers a message is read by everybody there; only what answers an invoke is for one alone.
      if (turn.place !== "personal") return reply(context, onlyAlone(context));
      return reply(context, await desk.pressed(turn, value.ref, value));
    }
    const said = withoutCards(text ?? "");
    // A card that she put there out of our search asks nothing.
    if (said === "" && said !== text) return;
    return reply(context, await desk.typed(turn, said));
  });

  router.adaptiveCards.actionExecute<Record<string, unknown>>(
    /^/,
    async (context, _state, data) => {
      const turn = whoAsks(context);
      const { card, follow = [] } = turn
        ? await desk.pressed(turn, data["ref"], data)
        : nobody(context);
      await answerPress(context, card);
      await send(context, follow);
      // Answered already: what is returned here, the SDK leaves.
      return "";
    },
  );

  // Both arrive when the bot is installed; only this one greets, and only where one person is.
  router.activity(ActivityTypes.InstallationUpdate, async (context) => {
    const turn = whoAsks(context);
    const { action } = context.activity;
    const id = context.activity.conversation.id.split(";")[0] ?? "";
    if (action === "remove" || action === "remove-upgrade") {
      await conversations.forget(id);
      return;
    }
    if (!turn) return;
    await conversations.remember(turn, TurnContext.getConversationReference(context.activity));
    if (action !== "add" || turn.place !== "personal") return;
    const [words] = languagesFor(turn.locale);
    await context.sendActivity({
      type: ActivityTypes.Message,
      attachments: [CardFactory.adaptiveCard(noteCard(words, say(words, "welcome")))],
    });
  });

  router.conversationUpdate("membersRemoved", async (context) => {
    const { membersRemoved, recipient, conversation } = context.activity;
    if (!membersRemoved?.some(({ id }) => id === recipient.id)) return;
    await conversations.forget(conversation.id.split(";")[0] ?? conversation.id);
  });
}

function isSearch({ activity: { type, name = "" } }: TurnContext): boolean {
  return type === ActivityTypes.Invoke && name.startsWith("composeExtension/query");
}

/** A button pressed in a client without Action.Execute comes as a message with a value. */
function isSubmitted(value: unknown): value is { readonly ref: unknown } & object {
  return typeof value === "object" && value !== null && "ref" in value;
}
