import { z } from "zod";

/** What answers at the webhook's address when it is called as Dataverse would. */
export type WebhookProbe =
  | { readonly kind: "accepted" }
  | { readonly kind: "wrong key" }
  /** Something answers, and it is not this service's webhook. */
  | { readonly kind: "somebody else"; readonly status: number }
  | { readonly kind: "no answer"; readonly reason: string };

const TIMEOUT_MS = 10_000;

/** A well-formed webhook about a table that is none of ours: it is authenticated, and nothing follows. */
const BODY = JSON.stringify({
  MessageName: "Update",
  PrimaryEntityName: "lockstep_probe",
  PrimaryEntityId: "00000000-0000-0000-0000-000000000000",
});

const ourAnswer = z.union([
  z.object({ result: z.literal("ignored") }),
  z.object({ code: z.literal("unauthorized") }),
]);

/**
 * Calls the webhook of a running service with a key, or with none, and says what came back. Changes nothing there.
 * It is called from here: whether Microsoft's network reaches it too, only Microsoft's network knows.
 */
export async function probeWebhook(
  url: string,
  key: string | null,
  signal: AbortSignal,
): Promise<WebhookProbe> {
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(key === null ? {} : { "x-lockstep-key": key }),
      },
      body: BODY,
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const { status } = answer;
    const parsed = ourAnswer.safeParse(await answer.json().catch(() => null));
    if (status === 200 && parsed.success) return { kind: "accepted" };
    if (status === 401 && parsed.success) return { kind: "wrong key" };
    return { kind: "somebody else", status };
  } catch (error) {
    const { cause } = error as { readonly cause?: { readonly code?: unknown } };
    const code = typeof cause?.code === "string" ? cause.code : "it took too long";
    return { kind: "no answer", reason: code };
  }
}
