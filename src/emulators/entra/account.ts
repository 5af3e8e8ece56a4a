/** Somebody who can sign in. */
export type EntraAccount = {
  readonly oid: string;
  readonly upn: string;
  readonly name: string;
  readonly enabled?: boolean | undefined;
  /** App roles that were assigned to the person; Microsoft: "ID token claims reference", roles. */
  readonly appRoles?: string[] | undefined;
};

/** What the person does with a consent page: "ask" shows it, "blocked" means that only an administrator may consent. */
export const CONSENT_ANSWERS = ["accept", "decline", "blocked", "ask"] as const;
export type ConsentAnswer = (typeof CONSENT_ANSWERS)[number];

/** The people of the tenant, who of them is at the keyboard, and what each has consented to. */
export class Accounts {
  readonly #byOid = new Map<string, EntraAccount>();
  readonly #consents = new Map<string, Set<string>>();
  /** Whoever is signed in at the browser: taken without a question. */
  present: string | null = null;
  consentAnswer: ConsentAnswer = "accept";

  constructor(accounts: readonly EntraAccount[]) {
    for (const account of accounts) this.put(account);
  }

  put(account: EntraAccount): void {
    this.#byOid.set(account.oid.toLowerCase(), account);
  }

  all(): readonly EntraAccount[] {
    return [...this.#byOid.values()];
  }

  /** By object id, or by the name that people sign in with. */
  find(key: string): EntraAccount | undefined {
    const wanted = key.toLowerCase();
    return this.#byOid.get(wanted) ?? this.all().find(({ upn }) => upn.toLowerCase() === wanted);
  }

  consentsOf(appId: string, oid: string): ReadonlySet<string> {
    return this.#consents.get(keyOf(appId, oid)) ?? new Set();
  }

  consent(appId: string, oid: string, permissions: readonly string[]): void {
    const given = new Set([...this.consentsOf(appId, oid), ...permissions]);
    this.#consents.set(keyOf(appId, oid), given);
  }

  withdrawConsent(appId: string, oid: string): void {
    this.#consents.delete(keyOf(appId, oid));
  }
}

function keyOf(appId: string, oid: string): string {
  return `${appId} ${oid}`.toLowerCase();
}
