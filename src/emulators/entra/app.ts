/** An app registration with its credentials, and the permissions that an administrator consented to. */
export type EntraApp = {
  readonly clientId: string;
  readonly secrets: readonly { readonly value: string; readonly expired?: boolean | undefined }[];
  /** PEM */
  readonly certificates: readonly string[];
  /** Application permissions, such as "Presence.Read.All". */
  readonly roles: readonly string[];
  /** Where a sign-in may end; compared letter by letter. */
  readonly redirectUris?: readonly string[] | undefined;
  /** Delegated permissions that the registration lists: what `.default` asks a person for. */
  readonly registeredScopes?: readonly string[] | undefined;
  /** Delegated permissions consented for the whole tenant: nobody is asked for these. */
  readonly delegatedScopes?: readonly string[] | undefined;
};
