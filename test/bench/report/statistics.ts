/** The value that `share` (0 to 1) of the samples do not exceed, by nearest rank; NaN of none. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const rank = Math.min(sorted.length, Math.max(1, Math.ceil(sorted.length * share)));
  return sorted[rank - 1] ?? Number.NaN;
}

/** The middle one, or the mean of the two in the middle; NaN of none. */
export function median(samples: readonly number[]): number {
  const sorted = samples.filter((one) => !Number.isNaN(one)).toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}

/** Three significant digits at most, no exponent; a dash for what was not measured. */
export function figure(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return "–";
  const [size, sign] = [Math.abs(value), value < 0 ? "-" : ""];
  if (size >= 100) return sign + Math.round(size).toLocaleString("en-US").replaceAll(",", "\u202f");
  return sign + String(Number(size.toPrecision(3)));
}
