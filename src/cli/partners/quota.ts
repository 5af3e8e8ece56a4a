import { DEFAULT_QUOTA, type Quota } from "../../api/integrations/integration.ts";
import { UsageError } from "../command.ts";

/** What `--quota` can limit, in the words of the command line. */
export const QUOTAS = (
  [
    ["burst", "burst"],
    ["holds-per-rep", "holdsPerRep"],
    ["shifts", "shifts"],
    ["subscriptions", "subscriptions"],
    ["streams", "streams"],
  ] as const
).map(([name, field]) => ({ name, field, usually: DEFAULT_QUOTA[field] }));

/** A burst is a third of a minute's requests unless it is given. Throws `UsageError`. */
export function quotaOf(rate: string | null, given: readonly string[]): Partial<Quota> {
  if (rate !== null && !/^[1-9]\d{0,5}$/.test(rate)) throw new UsageError("--rate takes a number.");
  const requestsPerMinute = Number(rate);
  const rated =
    rate === null
      ? {}
      : { requestsPerMinute, burst: Math.max(1, Math.ceil(requestsPerMinute / 3)) };
  const limits = given.map((text) => {
    const [, what = "", number = ""] = /^([a-z-]+)=([1-9]\d{0,6})$/.exec(text) ?? [];
    const quota = QUOTAS.find(({ name }) => name === what);
    if (!quota) {
      const names = QUOTAS.map(({ name }) => name).join(", ");
      throw new UsageError(`--quota takes one of ${names}, and a number: shifts=100.`);
    }
    return [quota.field, Number(number)] as const;
  });
  return { ...rated, ...Object.fromEntries(limits) };
}
