import { networkCode } from "../../connectors/network.ts";
import { CommandError } from "../command.ts";
import type { BotProbe } from "./bot.ts";

const TIMEOUT_MS = 10_000;

/** How far this computer's clock is ahead of Entra's, from the Date of an answer that anybody may have. */
export async function readSkew(
  authority: { readonly host: string; readonly tenantId: string },
  nowMs: () => number,
  signal: AbortSignal,
): Promise<{ readonly skewMs: number | null }> {
  const url = `${authority.host}/${authority.tenantId}/v2.0/.well-known/openid-configuration`;
  try {
    const sentAtMs = nowMs();
    const answer = await fetch(url, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    await answer.body?.cancel();
    const theirs = Date.parse(answer.headers.get("date") ?? "");
    if (Number.isNaN(theirs)) return { skewMs: null };
    // Their date has whole seconds: half of one is the best guess, as is half of the journey.
    const ours = (sentAtMs + nowMs()) / 2;
    return { skewMs: Math.round(ours - theirs - 500) };
  } catch (error) {
    throw new CommandError(
      "cli-entra-unreachable",
      `Check the network, AUTHORITY_HOST and NODE_EXTRA_CA_CERTS (${networkCode(error)}).`,
    );
  }
}

/** Posts a message that nobody signed. */
export async function probeBot(url: string, signal: AbortSignal): Promise<BotProbe> {
  try {
    const { status, body } = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"type":"event"}',
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    await body?.cancel();
    return { status };
  } catch (error) {
    return { reason: networkCode(error) };
  }
}
