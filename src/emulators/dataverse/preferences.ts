import type { IncomingHttpHeaders } from "node:http";

/** What the `Prefer` header asks for (Microsoft: "Compose HTTP requests and handle errors", preference headers). */
export type Preferences = {
  readonly maxPageSize?: number;
  readonly annotations: boolean;
  readonly trackChanges: boolean;
  readonly continueOnError: boolean;
  /** A create or update answers with the row as it is now. */
  readonly representation: boolean;
  /** The value for the `Preference-Applied` header of the answer, when anything applied. */
  readonly applied?: string;
};

export function parsePreferences(headers: IncomingHttpHeaders): Preferences {
  const header = headers["prefer"];
  const source = Array.isArray(header) ? header.join(",") : (header ?? "");
  const size = /odata\.maxpagesize=(\d+)/.exec(source)?.[1];
  const annotations = /odata\.include-annotations="?([^"]*)"?/.exec(source)?.[1] ?? "";
  const wanted = annotations.includes("*") || annotations.includes("FormattedValue");
  const trackChanges = source.includes("odata.track-changes");
  const representation = source.includes("return=representation");
  const applied = [
    ...(representation ? ["return=representation"] : []),
    ...(size === undefined ? [] : [`odata.maxpagesize=${size}`]),
    ...(wanted ? [`odata.include-annotations="${annotations}"`] : []),
    ...(trackChanges ? ["odata.track-changes"] : []),
  ];
  return {
    maxPageSize: size === undefined ? undefined : Math.max(1, Number(size)),
    annotations: wanted,
    trackChanges,
    representation,
    continueOnError: source.includes("odata.continue-on-error"),
    applied: applied.length === 0 ? undefined : applied.join(","),
  };
}
