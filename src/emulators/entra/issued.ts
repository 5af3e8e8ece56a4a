import { randomBytes } from "node:crypto";

/** What a sign-in granted, for as long as its refresh tokens live. */
export type Delegation = {
  readonly clientId: string;
  readonly oid: string;
  readonly nonce: string | null;
};

type Code = Delegation & {
  readonly redirectUri: string;
  readonly scope: string;
  readonly challenge: { readonly value: string; readonly method: "S256" | "plain" } | null;
  readonly issuedAtMs: number;
  redeemed: boolean;
};

/** Why a refresh token that looks good is refused. */
export const REVOCATIONS = ["revoked", "expired", "secondFactor", "consent"] as const;
export type Revocation = (typeof REVOCATIONS)[number];

export type RefreshToken = Delegation & {
  readonly issuedAtMs: number;
  readonly scope: string;
  revocation: Revocation | null;
};

/** Authorization codes and refresh tokens: opaque words to everybody but this server. */
export class Issued {
  readonly #codes = new Map<string, Code>();
  readonly #refreshTokens = new Map<string, RefreshToken>();

  addCode(code: Omit<Code, "redeemed">): string {
    const word = `1.${randomBytes(48).toString("base64url")}`;
    this.#codes.set(word, { ...code, redeemed: false });
    return word;
  }

  code(word: string): Code | undefined {
    return this.#codes.get(word);
  }

  addRefreshToken(token: Omit<RefreshToken, "revocation">): string {
    const word = `1.${randomBytes(64).toString("base64url")}`;
    this.#refreshTokens.set(word, { ...token, revocation: null });
    return word;
  }

  refreshToken(word: string): RefreshToken | undefined {
    return this.#refreshTokens.get(word);
  }

  /** Makes every refresh token of a person (or of everybody) useless, and tells how many there were. */
  revoke(oid: string | undefined, revocation: Revocation): number {
    const wanted = [...this.#refreshTokens.values()].filter(
      (token) => oid === undefined || token.oid.toLowerCase() === oid.toLowerCase(),
    );
    for (const token of wanted) token.revocation = revocation;
    return wanted.length;
  }
}
