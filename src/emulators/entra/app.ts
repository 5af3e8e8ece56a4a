/** An app registration with its credentials, and the application roles that an administrator consented to. */
export type EntraApp = {
  readonly clientId: string;
  readonly secrets: readonly { readonly value: string; readonly expired?: boolean }[];
  /** PEM */
  readonly certificates: readonly string[];
  /** Application permissions, such as "Presence.Read.All". */
  readonly roles: readonly string[];
};
