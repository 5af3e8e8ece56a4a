/** Where a fault is proved, or why it cannot strike yet. */
type Proof = { readonly in: readonly string[] } | { readonly notYet: string };
type Entry = { readonly says: string } & Proof;

const HERE = "test/faults";
const PUSH = "test/connectors/teams-push-faults.test.ts";

/**
 * The faults that the service survives, F1 to F38. Each has a test that names it in its title, or a reason why
 * there is nothing to test; catalogue.test.ts holds that true.
 */
export const CATALOGUE: Readonly<Record<string, Entry>> = {
  F1: { says: "all hints dropped", in: [`${HERE}/hints.test.ts`] },
  F2: { says: "each hint a hundred times", in: [`${HERE}/hints.test.ts`] },
  F3: { says: "hints shuffled and four hours late", in: [`${HERE}/hints.test.ts`] },
  F4: { says: "reads are stale", in: [`${HERE}/writes.test.ts`] },
  F5: { says: "a write is lost", in: [`${HERE}/writes.test.ts`, `${HERE}/upstream.test.ts`] },
  F6: { says: "an answer is lost", in: [`${HERE}/writes.test.ts`, `${HERE}/upstream.test.ts`] },
  F7: { says: "a write is applied a minute late", in: [`${HERE}/writes.test.ts`] },
  F8: { says: "a write is absorbed for ever", in: [`${HERE}/writes.test.ts`] },
  F9: {
    says: "429 with every kind of Retry-After",
    in: [`${HERE}/upstream.test.ts`, `${HERE}/other-system.test.ts`],
  },
  F10: { says: "half of the answers are 5xx", in: [`${HERE}/upstream.test.ts`] },
  F11: {
    says: "401 in mid-flight",
    in: [`${HERE}/upstream.test.ts`, `${HERE}/other-system.test.ts`],
  },
  F12: { says: "no tokens to be had", in: [`${HERE}/upstream.test.ts`] },
  F13: { says: "the refresh token is revoked", in: [PUSH] },
  F14: { says: "a subscription is gone, or is there twice", in: [PUSH] },
  F15: { says: "every lifecycle notification, and one unknown", in: [PUSH] },
  F16: { says: "a handshake during the start", in: ["test/connectors/teams-push.test.ts"] },
  F17: { says: "kill -9 at named failpoints, 207 times", in: [`${HERE}/kill.test.ts`] },
  F18: {
    says: "the store is torn, cut or altered",
    in: [`${HERE}/disk.test.ts`, "test/engine/sqlite-crash.test.ts"],
  },
  F19: { says: "the disk is full", in: [`${HERE}/disk.test.ts`, "test/engine/sqlite.test.ts"] },
  F20: { says: "the disk fails", in: [`${HERE}/disk.test.ts`] },
  F21: { says: "the clock jumps or stands still", in: [`${HERE}/clocks.test.ts`] },
  F22: { says: "the systems' clocks are wrong", in: [`${HERE}/clocks.test.ts`] },
  F23: { says: "the event loop stands still", in: [`${HERE}/process.test.ts`] },
  F24: { says: "a heap of 96 MB", in: [`${HERE}/process.test.ts`] },
  F25: { says: "500 slow sockets and slow bodies", in: [`${HERE}/edge.test.ts`] },
  F26: {
    says: "a reset in the middle of a body, both ways",
    in: [`${HERE}/edge.test.ts`, `${HERE}/upstream.test.ts`],
  },
  F27: { says: "garbage, half, HTML, a huge answer", in: [`${HERE}/upstream.test.ts`] },
  F28: { says: "words that nobody knows", in: [`${HERE}/roster.test.ts`] },
  F29: { says: "a rep is doubled, removed or bound anew", in: [`${HERE}/roster.test.ts`] },
  F30: { says: "a custom presence is deleted", in: [`${HERE}/roster.test.ts`] },
  F31: { says: "another automation keeps writing", in: [`${HERE}/fight.test.ts`] },
  F32: {
    says: "two instances",
    notYet: "an instance has its own store; two on one store wait for the shared engine",
  },
  F33: {
    says: "a shift ends during a call",
    in: ["test/scenarios/shift-ends-during-a-call.test.ts"],
  },
  F34: {
    says: "calls that overlap, and one whose end is lost",
    in: ["test/scenarios/desk-phone-call-over-lunch.test.ts", "test/controller/controller.test.ts"],
  },
  F35: { says: "every key is replaced under load", in: [`${HERE}/rotation.test.ts`] },
  F36: { says: "a restart storm", in: [`${HERE}/restart.test.ts`] },
  F37: { says: "the store is down while webhooks arrive", in: [`${HERE}/disk.test.ts`] },
  F38: { says: "SIGTERM", in: [`${HERE}/process.test.ts`] },
};
