/** What the documents leave open, and what a test wants otherwise. Each default is the documented or reported case. */
export type PushSettings = {
  /** Over the maximum life, the documents say that a request fails; the alternative is to shorten it. */
  overMaxExpiry: "refuse" | "clamp";
  /** Reported for renewal and reauthorisation; documented for creation only. */
  validateOnRenew: boolean;
  /** The code of a failed handshake: the older one is reported widely, the newer one is a guess. */
  validationErrorCode: "InvalidRequest" | "ValidationError";
  /** Put behind each validation token, which is opaque by contract. */
  validationSuffix: string;
  pageSize: number;
  /** As many as the tenant may have. Microsoft: 10 000 on Teams resources, shared by all applications. */
  tenantQuota: number;
  /** The time between two reauthorizationRequired, which the documents call illustrative; 0 for none. */
  reauthorizationEveryMs: number;

  /** How long a notification is under way; the documents say under 10 s on average and 1 min at most. */
  delayMinMs: number;
  delayMaxMs: number;
  /** Shares are probabilities in [0, 1]. */
  dropShare: number;
  duplicateShare: number;
  /** The newest change is sent first, each in a request of its own. */
  reorder: boolean;
  /** The most notifications in one request; no page gives the figure. */
  batchSize: number;
  /** Both spellings of `resource` are published. */
  resourceForm: "filter" | "path";
  /** The published expiry of a basic notification has no time zone. */
  expiryZone: "" | "Z";

  validationTimeoutMs: number;
  firstTimeoutMs: number;
  retryTimeoutMs: number;
  /** The first pause before another attempt, doubled each time; no page gives the figure. */
  retryBaseMs: number;
  slowAfterMs: number;
  dropAfterMs: number;
  /** From how many responses on an endpoint is judged: 100 in the text of 2022, unsaid since. */
  minimumResponses: number;

  tokenVersion: "1.0" | "2.0";
  /** "published" names Microsoft's issuers, although the emulated Entra signs. */
  tokenIssuer: "emulated" | "published";
  tokenFault: TokenFault;
};

/** How validation tokens can be wrong; "null" is Graph's own way of saying that it could get none. */
export const TOKEN_FAULTS = [
  "none",
  "null",
  "expired",
  "wrongCaller",
  "wrongAudience",
  "wrongTenant",
  "foreignKey",
] as const;
export type TokenFault = (typeof TOKEN_FAULTS)[number];

const MINUTE_MS = 60_000;

export function defaultSettings(): PushSettings {
  return {
    overMaxExpiry: "refuse",
    validateOnRenew: true,
    validationErrorCode: "InvalidRequest",
    validationSuffix: "",
    pageSize: 100,
    tenantQuota: 10_000,
    reauthorizationEveryMs: 15 * MINUTE_MS,
    delayMinMs: 0,
    delayMaxMs: 0,
    dropShare: 0,
    duplicateShare: 0,
    reorder: false,
    batchSize: 100,
    resourceForm: "filter",
    expiryZone: "",
    validationTimeoutMs: 10_000,
    firstTimeoutMs: 3000,
    retryTimeoutMs: 10_000,
    retryBaseMs: 10_000,
    slowAfterMs: 3000,
    dropAfterMs: 10_000,
    minimumResponses: 100,
    tokenVersion: "2.0",
    tokenIssuer: "emulated",
    tokenFault: "none",
  };
}
