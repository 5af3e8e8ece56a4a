const PATTERN = /^(-?)P(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;

/** Reads an OData `Edm.Duration` such as PT8H or P1DT30M into milliseconds; null when it is none. */
export function parseDurationMs(text: string): number | null {
  const match = PATTERN.exec(text);
  if (!match || /^-?P$/.test(text)) return null;
  const [days, hours, minutes, seconds] = match
    .slice(2)
    .map((part: string | undefined) => Number(part ?? 0)) as [number, number, number, number];
  const total = ((days * 24 + hours) * 60 + minutes) * 60_000 + seconds * 1000;
  return match[1] === "-" ? -total : total;
}
