import {
  CardFactory,
  type MessagingExtensionAttachment,
  type MessagingExtensionResult,
  type TurnContext,
} from "botbuilder";
import type { Router } from "./adapter.ts";
import type { Desk, Shared } from "./desk.ts";
import type { Turn } from "./turn.ts";

const MOST_RESULTS = 15;

/** Names of the manifest's compose extension; test/app-package.test.ts holds the two together. */
export const SEARCHES = { findRep: "rep", findQueue: "queue" } as const;
/** What is typed comes under this name; on the first run there is only `initialRun`, which is no name of anybody. */
export const TYPED = "name";

/** Microsoft: "Link unfurling" takes cards up to this version, and knows no newer actions than their fallbacks. */
const UNFURLED_VERSION = "1.3";

/**
 * Search from the compose box, and links to the console: whoever types sees only what she may see. What is put into the
 * message is a card that shows everybody nothing but a name, and each viewer what that viewer may see.
 */
export function addExtension(
  router: Router,
  desk: Desk,
  whoAsks: (context: TurnContext) => Turn | null,
): void {
  for (const [command, kind] of Object.entries(SEARCHES)) {
    router.messageExtensions.query<Readonly<Record<string, unknown>>>(
      command,
      async (context, _state, { skip, parameters }) => {
        const turn = whoAsks(context);
        const typed = parameters[TYPED];
        const wanted = typeof typed === "string" ? typed : "";
        // The client asks for more when the end of the list is reached.
        const page = {
          skip: Number.isSafeInteger(skip) && skip > 0 ? skip : 0,
          most: MOST_RESULTS,
        };
        const found = turn ? await desk.search(turn, kind, wanted, page) : [];
        return result(found.map(attachmentOf));
      },
    );
  }

  router.messageExtensions.queryLink(async (context, _state, url: unknown) => {
    const turn = whoAsks(context);
    const shared = turn && typeof url === "string" ? await desk.linked(turn, url) : null;
    if (!shared) return result([]);
    return result([
      attachmentOf({ ...shared, card: { ...shared.card, version: UNFURLED_VERSION } }),
    ]);
  });
}

const CARD_BEGINS = '<span class="inline-compose-card"';
const CARD_ENDS = "</span>";

/** What somebody typed around a card that she put into her message: in the text, HTML stands in the card's place. */
export function withoutCards(text: string): string {
  const begins = text.indexOf(CARD_BEGINS);
  if (begins < 0) return text;
  const ends = text.lastIndexOf(CARD_ENDS);
  const after = ends < begins ? "" : text.slice(ends + CARD_ENDS.length);
  return `${text.slice(0, begins)} ${after}`.trim();
}

const result = (attachments: MessagingExtensionAttachment[]): MessagingExtensionResult => ({
  type: "result",
  attachmentLayout: "list",
  attachments,
});

const attachmentOf = ({ card, name, detail }: Shared): MessagingExtensionAttachment => ({
  ...CardFactory.adaptiveCard(card),
  preview: CardFactory.thumbnailCard(name, detail),
});
