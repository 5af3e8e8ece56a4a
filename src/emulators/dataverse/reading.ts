import type { EmulatorRequest, EmulatorResponse } from "../listener.ts";
import type { Caller } from "./callers.ts";
import type { DeltaTokens } from "./change-tracking.ts";
import type { Table } from "./column.ts";
import { badQuery, CODE, DataverseError, doesNotExist } from "./error.ts";
import { Links } from "./links.ts";
import { parsePreferences, type Preferences } from "./preferences.ts";
import { etagOf, present } from "./presentation.ts";
import { parseQuery, type Query } from "./query.ts";
import { requireOrganizationRead, visibleTo } from "./rights.ts";
import { knownTable, type Many } from "./schema.ts";
import type { Row, Tables } from "./tables.ts";

/** Rows that one page holds at most (Microsoft: "Page results using OData"). */
const PAGE_LIMIT = 5000;
/** Options that Dataverse refuses together with `odata.track-changes`. */
const NOT_WITH_TRACKING = ["$filter", "$orderby", "$expand", "$top"] as const;

export type ReadContext = {
  readonly tables: Tables;
  readonly caller: Caller;
  /** Root of the Web API with its version, as the caller addressed it, without a slash at the end. */
  readonly root: string;
  readonly nowMs: number;
  /** Reads see the tables as they were then: now, or a while ago when a replica lags. */
  readonly asOfMs: number;
  readonly tracksChanges: boolean;
  readonly deltaTokens: DeltaTokens;
};

const JSON_HEADERS = {
  "content-type": "application/json; odata.metadata=minimal",
  "odata-version": "4.0",
} as const;

/** One row by its id: 404 when absent, 304 when the caller already holds this version. */
export function readRow(
  table: Table,
  id: string,
  request: EmulatorRequest,
  context: ReadContext,
): EmulatorResponse {
  const { links, preferences, query, visible } = prepare(table, request, context);
  const row = context.tables.get(table.set, id, context.asOfMs);
  if (!row) throw doesNotExist(table.logicalName, id);
  if (!visible(row)) throw notYours(table, id, context.caller);
  const plain = query.expansions.length === 0 && !preferences.annotations;
  if (plain && request.headers["if-none-match"] === etagOf(row)) {
    return { status: 304, headers: { etag: etagOf(row) } };
  }
  const shown = present(row, { table, annotations: preferences.annotations, ...query }, links);
  return answer(preferences, {
    "@odata.context": contextUrl(table, query, context, "/$entity"),
    ...shown,
  });
}

/** A list: filtered, ordered, cut into pages, or as the changes since a delta token. */
export function readList(
  table: Table,
  request: EmulatorRequest,
  context: ReadContext,
): EmulatorResponse {
  const { links, preferences, query, visible } = prepare(table, request, context);
  if (query.deltaToken !== undefined) {
    return readDelta(table, query, preferences, links, request, context);
  }
  const cookie = query.skipToken === undefined ? undefined : parseCookie(query.skipToken);
  if (preferences.trackChanges || cookie?.tracked) {
    return readTracked(table, request, context, cookie?.tracked);
  }

  const all = context.tables.all(table.set, context.asOfMs);
  const matching = all.filter((row) => visible(row) && query.matches(row));
  const ordered = query.compare ? matching.sort(query.compare) : matching;
  const wanted = query.top === undefined ? ordered : ordered.slice(0, query.top);
  const from = cookie?.offset ?? 0;
  const size = pageSize(preferences);
  const page = wanted.slice(from, from + size);
  const more = wanted.length > from + size;

  return answer(preferences, {
    "@odata.context": contextUrl(table, query, context),
    ...(query.count ? { "@odata.count": Math.min(matching.length, PAGE_LIMIT) } : {}),
    value: page.map((row) => show(row, table, query, preferences, links)),
    ...(more
      ? { "@odata.nextLink": nextLink(table, request, context, { offset: from + size }) }
      : {}),
  });
}

/**
 * The whole table as the beginning of following its changes. The delta link on the last page stands for
 * the version at the first, so that what changes between two pages is told again rather than lost.
 */
function readTracked(
  table: Table,
  request: EmulatorRequest,
  context: ReadContext,
  tracked?: Tracked,
): EmulatorResponse {
  const { links, preferences, query } = prepare(table, request, context);
  requireTrackable(table, query, context);
  const { tables, asOfMs } = context;
  const version = tracked?.version ?? versionSeen(table, context);
  const after = tracked?.after ?? "";
  const rows = tables
    .all(table.set, asOfMs)
    .filter((row) => String(row[table.key]) > after)
    .sort((a, b) => (String(a[table.key]) < String(b[table.key]) ? -1 : 1));
  const page = rows.slice(0, pageSize(preferences));
  const more = rows.length > page.length;
  const last = String(page.at(-1)?.[table.key]);
  return answer(preferences, {
    "@odata.context": contextUrl(table, query, context),
    value: page.map((row) => show(row, table, query, preferences, links)),
    ...(more
      ? { "@odata.nextLink": nextLink(table, request, context, { version, after: last }) }
      : { "@odata.deltaLink": deltaUrl(table, request, context, version) }),
  });
}

/** The rows that one row is related to: `queues(id)/queuemembership_association`. */
export function readRelated(
  from: Table,
  id: string,
  many: Many,
  request: EmulatorRequest,
  context: ReadContext,
): EmulatorResponse {
  const row = context.tables.get(from.set, id, context.asOfMs);
  if (!row) throw doesNotExist(from.logicalName, id);
  if (!visibleTo(context.caller, from)(row)) throw notYours(from, id, context.caller);
  const table = knownTable(many.target);
  const { links, preferences, query, visible } = prepare(table, request, context);
  const related = links
    .gather(many, id)
    .filter((one) => visible(one) && query.matches(one))
    .toSorted(query.compare ?? (() => 0));
  return answer(preferences, {
    "@odata.context": contextUrl(table, query, context),
    ...(query.count ? { "@odata.count": related.length } : {}),
    value: related
      .slice(0, query.top ?? PAGE_LIMIT)
      .map((one) => show(one, table, query, preferences, links)),
  });
}

/** `set/$count`: the number as plain text, which ends at the length of a page. */
export function countRows(
  table: Table,
  request: EmulatorRequest,
  context: ReadContext,
): EmulatorResponse {
  const { query, visible } = prepare(table, request, context);
  const all = context.tables.all(table.set, context.asOfMs);
  const count = all.filter((row) => visible(row) && query.matches(row)).length;
  return {
    status: 200,
    headers: { "content-type": "text/plain", "odata-version": "4.0" },
    text: String(Math.min(count, PAGE_LIMIT)),
  };
}

function notYours(table: Table, id: string, caller: Caller): DataverseError {
  return new DataverseError(
    403,
    CODE.privilegeDenied,
    `Principal user (Id=${caller.userId}, type=8) does not have ReadAccess right(s) for record ` +
      `with id ${id} of entity ${table.logicalName}.`,
  );
}

/** Microsoft: "Use change tracking to synchronize data with external systems". */
function readDelta(
  table: Table,
  query: Query,
  preferences: Preferences,
  links: Links,
  request: EmulatorRequest,
  context: ReadContext,
): EmulatorResponse {
  requireTrackable(table, query, context);
  const since = context.deltaTokens.versionOf(query.deltaToken ?? "");
  const changes = context.tables.changesAfter(table.set, since, context.asOfMs);
  const page = changes.slice(0, pageSize(preferences));
  const more = changes.length > page.length;
  const version = more ? (page.at(-1)?.version ?? since) : versionSeen(table, context);
  const link = deltaUrl(table, request, context, Math.max(version, since));
  const deletedContext = `${context.root}/$metadata#${table.set}/$deletedEntity`;
  return answer(preferences, {
    "@odata.context": contextUrl(table, query, context, "/$delta"),
    value: page.map(({ id, row }) =>
      row
        ? show(row, table, query, preferences, links)
        : { "@odata.context": deletedContext, id, reason: "deleted" },
    ),
    [more ? "@odata.nextLink" : "@odata.deltaLink"]: link,
  });
}

function versionSeen(table: Table, { tables, asOfMs, nowMs }: ReadContext): number {
  return asOfMs >= nowMs ? tables.version : tables.versionOf(table.set, asOfMs);
}

function pageSize({ maxPageSize }: Preferences): number {
  return Math.min(maxPageSize ?? PAGE_LIMIT, PAGE_LIMIT);
}

function prepare(table: Table, request: EmulatorRequest, context: ReadContext) {
  const links = new Links(context.tables, context.asOfMs);
  return {
    links,
    preferences: parsePreferences(request.headers),
    query: parseQuery(request.url.searchParams, table, links),
    visible: visibleTo(context.caller, table),
  };
}

function show(row: Row, table: Table, query: Query, preferences: Preferences, links: Links) {
  return present(row, { table, annotations: preferences.annotations, ...query }, links);
}

function answer(preferences: Preferences, json: unknown): EmulatorResponse {
  const { applied } = preferences;
  const headers: Record<string, string> = { ...JSON_HEADERS };
  if (applied !== undefined) headers["preference-applied"] = applied;
  return { status: 200, headers, json };
}

function requireTrackable(table: Table, query: Query, context: ReadContext): void {
  requireOrganizationRead(context.caller, table);
  if (!context.tracksChanges) {
    throw badQuery(`Change tracking is not enabled for the table ${table.logicalName}.`);
  }
  const refused = NOT_WITH_TRACKING.find((option) => query.options.has(option));
  if (refused) throw badQuery(`The query option ${refused} is not supported with change tracking.`);
}

function contextUrl(table: Table, query: Query, context: ReadContext, suffix = ""): string {
  const nested = query.expansions.map((it) => `${it.navigation}(${it.columns.join(",")})`);
  const selected = query.options.has("$select") ? [...query.columns, ...nested] : nested;
  const list = selected.length === 0 ? "" : `(${selected.join(",")})`;
  return `${context.root}/$metadata#${table.set}${list}${suffix}`;
}

type Tracked = { readonly version: number; readonly after: string };

/**
 * Dataverse's paging cookie is opaque to callers; ours holds an offset, so that, as there, rows that
 * appear or vanish between two pages may be seen twice or not at all. With change tracking it holds
 * the last key instead, and the version at the first page.
 */
function nextLink(
  table: Table,
  request: EmulatorRequest,
  context: ReadContext,
  position: { readonly offset: number } | Tracked,
): string {
  const search = new URLSearchParams(request.url.searchParams);
  const cookie =
    "offset" in position
      ? `<cookie offset="${position.offset}" istracking="False" />`
      : `<cookie version="${position.version}" last="${position.after}" istracking="True" />`;
  search.set("$skiptoken", cookie);
  return `${context.root}/${table.set}?${search.toString()}`;
}

function parseCookie(skipToken: string): { readonly offset?: number; readonly tracked?: Tracked } {
  const offset = /offset="(\d+)"/.exec(skipToken)?.[1];
  if (offset !== undefined) return { offset: Number(offset) };
  const [, version, after] = /version="(\d+)" last="([0-9a-f-]+)"/.exec(skipToken) ?? [];
  if (version === undefined || after === undefined) {
    throw badQuery("The skip token is malformed.");
  }
  return { tracked: { version: Number(version), after } };
}

/** The address of the changes after `version`, with the columns that the request selects. */
function deltaUrl(
  table: Table,
  request: EmulatorRequest,
  context: ReadContext,
  version: number,
): string {
  const select = request.url.searchParams.get("$select");
  const search = new URLSearchParams(select === null ? {} : { $select: select });
  search.set("$deltatoken", context.deltaTokens.issue(version));
  return `${context.root}/${table.set}?${search.toString()}`;
}
