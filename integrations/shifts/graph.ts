import { collected, type Plan, shiftOf } from "./plan.ts";

/** Gives an app-only token for Microsoft Graph with Schedule.Read.All. */
export type Token = () => Promise<string>;

type GraphShift = {
  readonly id?: string;
  readonly userId?: string;
  readonly sharedShift?: { readonly startDateTime?: string; readonly endDateTime?: string } | null;
};
type Page = { readonly value?: readonly GraphShift[]; readonly "@odata.nextLink"?: string };

const MAX_PAGES = 200;
const TIMEOUT_MS = 30_000;

/**
 * The published shifts of a team between two instants, page after page. Drafts (`draftShift`) are nobody's shift
 * yet. Microsoft: "List shifts", "shift resource type". Throws when Graph refuses, or leads elsewhere.
 */
export async function readGraph(given: {
  readonly graphUrl: string;
  readonly teamId: string;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly token: Token;
}): Promise<Plan> {
  const { graphUrl, teamId, fromMs, untilMs, token } = given;
  const [from, until] = [new Date(fromMs).toISOString(), new Date(untilMs).toISOString()];
  const filter = `sharedShift/startDateTime ge ${from} and sharedShift/startDateTime le ${until}`;
  let url: string | undefined =
    `${graphUrl}/v1.0/teams/${encodeURIComponent(teamId)}/schedule/shifts?$filter=${encodeURIComponent(filter)}`;
  const found: GraphShift[] = [];
  for (let pages = 0; url !== undefined; pages += 1) {
    // The token goes nowhere but to Graph, and a page that leads to itself has an end.
    if (new URL(url).origin !== new URL(graphUrl).origin || pages === MAX_PAGES) {
      throw new Error("Graph's next page is not one of Graph");
    }
    const answer = await fetch(url, {
      headers: { authorization: `Bearer ${await token()}` },
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!answer.ok) throw new Error(`Graph answered ${answer.status} to the list of shifts`);
    const page = (await answer.json()) as Page;
    found.push(...(page.value ?? []));
    url = page["@odata.nextLink"];
  }
  const published = found.filter(({ sharedShift }) => sharedShift);
  return collected(
    published.map(({ id = "", userId = "", sharedShift }, index) =>
      shiftOf(
        {
          id,
          person: userId,
          from: sharedShift?.startDateTime ?? "",
          until: sharedShift?.endDateTime ?? "",
        },
        `shift ${index + 1}`,
      ),
    ),
  );
}
