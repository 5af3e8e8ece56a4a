/**
 * The program of a thread that asks while the server's thread stands still. It opens as many connections as it is given
 * requests, and has each answered once. Told to, it sends them all again, and counts what comes as it comes.
 */
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";

export type Sending = {
  readonly port: number;
  readonly requests: readonly Uint8Array[];
  /** How many requests have left again, and how many of those were answered. */
  readonly counts: SharedArrayBuffer;
};
export const SENT = 0;
export const ANSWERED = 1;

async function send({ port, requests, counts }: Sending, told: MessagePort): Promise<void> {
  const seen = new Int32Array(counts);
  const count = (what: number): void => {
    Atomics.add(seen, what, 1);
    Atomics.notify(seen, what);
  };
  const opened = await Promise.all(
    requests.map(async (bytes): Promise<readonly [Socket, Uint8Array]> => {
      const socket = connect(port, "127.0.0.1");
      socket.write(bytes);
      await once(socket, "data");
      return [socket, bytes];
    }),
  );
  told.postMessage("opened");
  await once(told, "message");
  for (const [socket, bytes] of opened) {
    socket.once("data", () => count(ANSWERED));
    socket.write(bytes, () => count(SENT));
  }
}

if (parentPort) await send(workerData as Sending, parentPort);
