import { z } from "zod";
import type { TeamsAccount } from "../../directory/account.ts";
import { teamsUserId } from "../../presence/identity.ts";
import { answersIn, batchOf, PER_BATCH, textOf } from "./batch.ts";
import type { Graph } from "./graph.ts";
import { malformed, refusal } from "./graph-error.ts";

export type AccountFinder = {
  /**
   * The accounts with these principal names or mail addresses, as far as there are any. Addresses that nobody has
   * are missing from the answer. Throws `SystemError`; without User.ReadBasic.All its code is `graph-forbidden`.
   */
  find(addresses: readonly string[], signal: AbortSignal): Promise<readonly TeamsAccount[]>;
};

const AT_ONCE = 4;
const COLUMNS = "$select=id,userPrincipalName,mail";

const account = z.object({
  id: z.string(),
  userPrincipalName: z.string().nullish(),
  mail: z.string().nullish(),
});
const page = z.object({ value: z.array(z.unknown()) });

/** Looks accounts up by address, twenty to a call: by principal name first, by mail whoever is left. */
export function createAccountFinder(graph: Graph, nowMs: () => number): AccountFinder {
  async function lookUp(urls: readonly string[], signal: AbortSignal): Promise<unknown[]> {
    const body = batchOf(urls.map((path) => ({ path })));
    const appRole = "User.ReadBasic.All";
    const text = await graph.post({ path: "/$batch", body, appRole }, signal);
    const answers = answersIn(text);
    return urls.map((_, place) => {
      const answer = answers.get(String(place));
      if (!answer) throw malformed();
      if (answer.status === 200) return answer.body;
      // A server that cannot filter by mail says 400, and knows nobody by it.
      if (answer.status === 404 || answer.status === 400) return null;
      throw refusal({ ...answer, text: textOf(answer), appRole, nowMs: nowMs() });
    });
  }

  async function all(
    addresses: readonly string[],
    urlOf: (address: string) => string,
    signal: AbortSignal,
  ): Promise<unknown[]> {
    const parts: (readonly string[])[] = [];
    for (let start = 0; start < addresses.length; start += PER_BATCH) {
      parts.push(addresses.slice(start, start + PER_BATCH));
    }
    const answers: unknown[][] = parts.map(() => []);
    let next = 0;
    const work = async (): Promise<void> => {
      for (let at = next++; at < parts.length; at = next++) {
        answers[at] = await lookUp((parts[at] ?? []).map(urlOf), signal);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return answers.flat();
  }

  return {
    async find(addresses, signal) {
      const wanted = [...new Set(addresses.map((address) => address.toLowerCase()))];
      const named = await all(wanted, byName, signal);
      const unnamed = wanted.filter((_, at) => named[at] === null);
      const mailed = await all(unnamed, byMail, signal);
      const rows = [...named, ...mailed.flatMap((one) => page.safeParse(one).data?.value ?? [])];
      return rows.flatMap(accountOf);
    },
  };
}

const byName = (address: string): string => `/users/${encodeURIComponent(address)}?${COLUMNS}`;

/** Two accounts with one mail address are ambiguous, so two are asked for. */
const byMail = (address: string): string =>
  `/users?$filter=${encodeURIComponent(`mail eq '${address.replaceAll("'", "''")}'`)}&${COLUMNS}&$top=2`;

function accountOf(row: unknown): TeamsAccount[] {
  const found = account.safeParse(row);
  if (!found.success) return [];
  const { id, userPrincipalName, mail } = found.data;
  return [
    {
      user: teamsUserId(id),
      principalName: userPrincipalName?.toLowerCase() ?? null,
      mail: mail?.toLowerCase() ?? null,
    },
  ];
}
