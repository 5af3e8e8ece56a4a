import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { askApi } from "../service/api.ts";
import { sendEvent } from "../service/partner.ts";

const SOCKETS = 50;
/** The emulated tenant lives in this process too, and must not be what is slow. */
const BREATH_MS = 100;
const AT_ONCE = 5;

/**
 * The integration `flood` asks for five thousand things at a time; somebody signs the end of a call with a secret of his own;
 * and fifty die in the middle of a sentence. All that until `stopped`; resolves to the statuses that were answered.
 */
export async function misbehave(
  url: string,
  person: string,
  stopped: () => boolean,
): Promise<ReadonlySet<number>> {
  const statuses = new Set<number>();
  const sockets = Array.from({ length: SOCKETS }, () => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write("PUT /api/v1/reps/x/holds/y HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n");
    return socket;
  });
  // Calls that others have reported, by the ids that they gave them.
  const items = Array.from({ length: 1_000 }, (_, index) => {
    return { op: "endHold", rep: person, hold: String(index) };
  });
  const flood = async (): Promise<void> => {
    while (!stopped()) {
      statuses.add((await askApi({ url }, "POST /bulk", { as: "flood", body: { items } })).status);
      await sleep(BREATH_MS);
    }
  };
  const lieOn = async (): Promise<void> => {
    while (!stopped()) {
      const lie = { type: "hold.ended", rep: person, hold: "0" };
      const secret = `whsec_${Buffer.alloc(32, 9).toString("base64")}`;
      statuses.add((await sendEvent({ url }, lie, { secret })).status);
      await sleep(BREATH_MS);
    }
  };
  try {
    await Promise.all([lieOn(), ...Array.from({ length: AT_ONCE }, flood)]);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  return statuses;
}
