import type { KeptIntegration } from "../../api/integrations/integration.ts";
import type { Engine, StoredHistoryEntry } from "../../engine/engine.ts";
import { textTable } from "../text-table.ts";

const PAGE = 1_000;

/** One thing that somebody set, reported or administered. `rep` is `null` for what was done with an integration. */
type Act = {
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
  readonly rep: string | null;
  readonly status: string | null;
  readonly untilMs: number | null;
};

/** Who set what since a time, oldest first, as a table or as JSON; of everybody where no `name` is given. */
export async function audited(
  engine: Engine,
  integrations: ReadonlyMap<string, KeptIntegration>,
  query: { readonly name: string | null; readonly sinceMs: number; readonly asJson: boolean },
): Promise<string> {
  const { name, sinceMs, asJson } = query;
  const acts = [...(await eventsSince(engine, sinceMs)), ...administered(integrations)]
    .filter(({ who, atMs }) => atMs >= sinceMs && (name === null || who === name))
    .toSorted((a, b) => a.atMs - b.atMs);
  if (asJson) return JSON.stringify(acts);
  if (acts.length === 0) return "Nothing was set or reported in that time.";
  const lines = acts.map(({ atMs, who, what, rep, status, untilMs }) => [
    timeOf(atMs),
    who,
    status === null ? what : `${what} ${status}`,
    rep ?? "",
    untilMs === null ? "" : timeOf(untilMs),
  ]);
  return textTable([["when", "who", "what", "rep", "until"], ...lines], { width: 130 });
}

async function eventsSince(engine: Engine, sinceMs: number): Promise<readonly Act[]> {
  const acts: Act[] = [];
  for (let [after, more] = [0, true]; more;) {
    const page = await engine.history({ sinceMs, after, limit: PAGE });
    acts.push(...page.filter(({ kind }) => kind === "event").map(actOf));
    after = page.at(-1)?.position ?? after;
    more = page.length === PAGE;
  }
  return acts;
}

function actOf({ atMs, rep, cause, detail }: StoredHistoryEntry): Act {
  const { source, type, status, untilMs } = detail;
  return {
    atMs,
    who: String(source ?? cause?.source ?? "unknown"),
    what: String(type ?? ""),
    rep,
    status: typeof status === "string" ? status : null,
    untilMs: typeof untilMs === "number" ? untilMs : null,
  };
}

function administered(integrations: ReadonlyMap<string, KeptIntegration>): readonly Act[] {
  return [...integrations].flatMap(([who, { acts }]) =>
    acts.map(({ atMs, what }) => ({ atMs, who, what, rep: null, status: null, untilMs: null })),
  );
}

const timeOf = (atMs: number): string => new Date(atMs).toISOString();
