import type { SystemError } from "../connector.ts";
import type { Page } from "./connect-page.ts";

const AGAIN = { href: "/connect/teams", text: "Sign in again" } as const;

export const CONNECTED: Page = {
  status: 200,
  mood: "good",
  title: "The account is connected",
  paragraphs: [
    "Changes of presence in Teams now reach Lockstep as Microsoft sends them, for up to 650 reps with each connected account.",
    "You may close this page.",
  ],
  link: { href: "/connect/teams", text: "Connect another account, to watch more reps" },
};

export const DISCONNECTED = (wasConnected: boolean): Page => ({
  status: 200,
  mood: "good",
  title: wasConnected ? "The account is disconnected" : "The account was not connected",
  paragraphs: [
    "Lockstep keeps no sign-in of this account. Presence is still kept in step: Teams is read every few seconds.",
  ],
});

export const NO_ADMINISTRATOR: Page = {
  status: 403,
  mood: "bad",
  title: "This is for administrators",
  paragraphs: [
    "You signed in, but only who holds the app role Presence.Admin sees the connected accounts and takes them away.",
    "Assign it to yourself (Entra admin center, Enterprise applications, Users and groups), or disconnect an account by signing in with it.",
  ],
  link: { href: "/connect/teams/disconnect", text: "Disconnect the account that I sign in with" },
};

export const REMOVAL_STALE: Page = {
  status: 400,
  mood: "bad",
  title: "This button cannot be used any more",
  paragraphs: [
    "It is older than ten minutes, or it has been pressed already. Nothing was changed.",
  ],
  link: { href: "/connect/teams/accounts", text: "Sign in again, to see the accounts" },
};

function saysOf(account: ConnectedAccount, nowMs: number): string {
  const { reps, state, problem } = account;
  const some = reps === 1 ? "1 rep" : `${reps} reps`;
  switch (state) {
    case "spare":
      return "Watches nobody: the others have room.";
    case "live":
      return `Changes of ${some} are announced${heard(account, nowMs)}.`;
    case "signed out":
      return `Is signed out; ${some} polled. Sign in with it again, or take it away.`;
    case "waits":
      return `Is being set up; ${some} polled until then${problem === null ? "" : ` (${problem})`}.`;
    default:
      return state satisfies never;
  }
}

/** How much a live subscription tells, when it did last, and how long it lasts if it is not renewed. */
function heard(account: ConnectedAccount, nowMs: number): string {
  const { lastNotifiedAtMs, notificationsPerMinute, expiresAtMs, silences } = account;
  const minutes = (ms: number): number => Math.max(0, Math.round(ms / 60_000));
  return [
    lastNotifiedAtMs === null
      ? "; none came yet"
      : `: ${notificationsPerMinute.toFixed(1)} a minute, the last ${minutes(nowMs - lastNotifiedAtMs)} min ago`,
    ...(expiresAtMs === null
      ? []
      : [`good for ${minutes(expiresAtMs - nowMs)} min unless renewed`]),
    ...(silences === 0 ? [] : [`replaced ${silences} times for silence`]),
  ].join("; ");
}

/** The connected accounts, each with what is known of it and a button that takes it away. */
export function accountsPage(
  accounts: readonly ConnectedAccount[],
  refOf: (account: string) => string,
  nowMs: number,
): Page {
  const none =
    "No account is connected. Teams is read every few seconds, and nobody is out of step.";
  return {
    status: 200,
    mood: "good",
    title: "Connected accounts",
    paragraphs: [
      accounts.length === 0
        ? none
        : "Each is named by its object id in Entra. Without it the reps that it watches move to the others, or are polled.",
    ],
    rows: accounts.map((account) => ({
      title: account.id,
      says: saysOf(account, nowMs),
      button: "Disconnect",
      to: "/connect/teams/accounts",
      ref: refOf(account.id),
    })),
    link: { href: "/connect/teams", text: "Connect another account" },
  };
}

export type ConnectedAccount = {
  /** Entra object id. */
  readonly id: string;
  readonly reps: number;
  readonly state: "spare" | "live" | "waits" | "signed out";
  /** The code of its last failure. */
  readonly problem: string | null;
  readonly lastNotifiedAtMs: number | null;
  readonly notificationsPerMinute: number;
  readonly expiresAtMs: number | null;
  /** How often it was replaced for silence since it was last heard. */
  readonly silences: number;
};

export const NOT_ADMITTED: Page = {
  status: 403,
  mood: "bad",
  title: "This account may not be connected",
  paragraphs: [
    "You signed in, but Lockstep takes an account only if it belongs to its own tenant, and an administrator has said so.",
    "Either assign the app role Presence.Admin to the account (Entra admin center, Enterprise applications, Users and groups), or add its object id to the setting SUBSCRIBER_ACCOUNTS and restart.",
  ],
  link: AGAIN,
};

export const STALE: Page = {
  status: 400,
  mood: "bad",
  title: "This sign-in cannot be used",
  paragraphs: [
    "It was begun more than ten minutes ago, in another browser, or it has been used already. Nothing was changed.",
  ],
  link: AGAIN,
};

export const unset = (what: string): Page => ({
  status: 503,
  mood: "bad",
  title: "Connecting accounts is not set up",
  paragraphs: [
    `Missing: ${what}. See docs/configuration.md.`,
    "Nothing is out of step because of that: Teams is read every few seconds. A connected account only brings changes sooner.",
  ],
});

/** Microsoft: "Microsoft Entra authentication and authorization error codes". */
const BY_NUMBER: Readonly<Record<string, string>> = {
  65001:
    "Nobody has consented to the permission Presence.Read.All for this application yet. Sign in again and accept, or let an administrator grant it for the whole tenant.",
  65004: "The permission was declined on the consent page. Sign in again and accept.",
  90094:
    "Your tenant lets only an administrator consent. Ask one to grant the delegated permission Presence.Read.All to this application.",
  90095: "Your request for consent went to an administrator. Sign in again once it is approved.",
  50105:
    "The application is open to assigned accounts only. Assign this account under Enterprise applications, Users and groups.",
  50020: "The account belongs to another tenant. Use one of the tenant that Lockstep runs for.",
  53003: "A Conditional Access policy keeps the account out. Exempt it, or use another one.",
  50011:
    "The redirect address is not registered. Add PUBLIC_URL followed by /connect/teams/callback to the app registration, as a web address.",
};

/** What came back instead of a code, in words. Nothing of what Entra sent is repeated but its number. */
export function refusalByEntra(error: string, description: string): Page {
  const [, number = ""] = /AADSTS(\d{4,8})/.exec(description) ?? [];
  const isConsent = error === "access_denied" || error === "consent_required";
  const otherwise = isConsent
    ? "The sign-in was cancelled, or the permission was not given. Sign in again and accept, or ask an administrator to grant it."
    : "Entra did not sign the account in. Try again; if it lasts, look the number up in Microsoft's list of sign-in error codes.";
  return {
    status: 403,
    mood: "bad",
    title: isConsent ? "The permission was not given" : "The account was not signed in",
    paragraphs: [
      BY_NUMBER[number] ?? otherwise,
      number ? `Entra calls this AADSTS${number}.` : "Nothing was changed.",
    ],
    link: AGAIN,
  };
}

export function failure({ code, nextStep, retry }: SystemError): Page {
  return {
    status: retry === "rejected" ? 400 : 503,
    mood: "bad",
    title: "The account was not connected",
    paragraphs: [nextStep, `The code in the log is ${code}.`],
    link: AGAIN,
  };
}
