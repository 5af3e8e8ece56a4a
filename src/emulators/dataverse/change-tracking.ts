import { badQuery, DataverseError } from "./error.ts";
import type { Settings } from "./settings.ts";
import type { Tables } from "./tables.ts";

const EXPIRED_VERSION_STAMP = "0x80044352";
const DAY_MS = 86_400_000;

/**
 * The tokens of delta links: a version of the organisation and when it was handed out, as
 * "919042!08/22/2017 08:10:44" (Microsoft: "Use change tracking to synchronize data with external
 * systems"). A token is good for `ExpireChangeTrackingInDays`, and ends early when the definition of
 * the table changes.
 */
export class DeltaTokens {
  readonly #tables: Tables;
  readonly #settings: Settings;
  readonly #nowMs: () => number;
  #goodFromVersion = 0;

  constructor(tables: Tables, settings: Settings, nowMs: () => number) {
    this.#tables = tables;
    this.#settings = settings;
    this.#nowMs = nowMs;
  }

  /** A token for everything that changes after this version. */
  issue(version: number): string {
    const good = Math.max(version, this.#goodFromVersion);
    const [date = "", time = ""] = new Date(this.#nowMs()).toISOString().slice(0, 19).split("T");
    const [year, month, day] = date.split("-");
    return `${good}!${month}/${day}/${year} ${time}`;
  }

  /** The version that a token stands for; refuses one that is malformed or has expired. */
  versionOf(token: string): number {
    const [, version, month, day, year, time] =
      /^(\d+)!(\d\d)\/(\d\d)\/(\d{4}) (\d\d:\d\d:\d\d)$/.exec(token) ?? [];
    const issuedMs = Date.parse(`${year}-${month}-${day}T${time}Z`);
    if (version === undefined || Number.isNaN(issuedMs)) {
      throw badQuery("The delta token is malformed.");
    }
    const days = Number(this.#tables.all("organizations")[0]?.["expirechangetrackingindays"]);
    const tooOld = this.#nowMs() - issuedMs > days * DAY_MS;
    if (!tooOld && Number(version) >= this.#goodFromVersion) return Number(version);
    // The code and the words are known; that the status is 400, and not 410, is our guess.
    throw new DataverseError(
      this.#settings.expiredTokenStatus,
      EXPIRED_VERSION_STAMP,
      "Version stamp associated with the client has expired. Please perform a full sync.",
    );
  }

  /** Ends every token that is out, as a change of the table's definition does. */
  expireAll(): void {
    this.#goodFromVersion = this.#tables.nextVersion();
  }
}
