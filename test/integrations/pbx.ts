import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { obtained } from "./debian.ts";

const RING_MS = 200;
const SCENARIO = join(import.meta.dirname, "pbx.sipp.xml");

/** A PBX each of whose lines is idle when it is first asked about, then rings, and is talked on. */
type Pbx = AsyncDisposable & {
  readonly port: number;
  /** From now on every call ends with the step that it is in, and its line is idle. */
  hangUp(): Promise<void>;
};

/** How it plays: so many `lines` may be watched, and a talk consists of steps of `stepMs`. */
type Play = { readonly lines: number; readonly stepMs: number };
export type StartPbx = (play: Play) => Promise<Pbx>;

/** SIPp plays the PBX: Debian has it. Where it cannot be had this says so, and is `null`. */
export async function findSipp(): Promise<StartPbx | null> {
  if (await obtained("sipp", "sip-tester")) return startSipp;
  process.stderr.write("SIPp cannot be had here: only a SIP peer of our own plays the PBX\n");
  return null;
}

async function listening(): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

async function freePort(): Promise<number> {
  const socket = await listening();
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}

async function startSipp({ lines, stepMs }: Play): Promise<Pbx> {
  const port = await freePort();
  const address = ["-i", "127.0.0.1", "-p", String(port)];
  // The one that asks to hang up counts as a call, too.
  const played = ["-sf", SCENARIO, "-m", String(lines + 1), "-d", String(stepMs)];
  const child = spawn("sipp", [...played, ...address, "-nostdin"], { stdio: "ignore" });
  // Whoever subscribes before it listens sends again, as over UDP one must.
  return {
    port,
    hangUp: () => askToHangUp(port),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}

/** The scenario knows this line, and takes a subscription to it for a wish. */
async function askToHangUp(port: number): Promise<void> {
  const socket = await listening();
  const own = socket.address().port;
  const answered = once(socket, "message").then(() => true);
  const lines = [
    `SUBSCRIBE sip:hangup@127.0.0.1:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${own};branch=z9hG4bK${randomUUID()}`,
    `From: <sip:test@127.0.0.1:${own}>;tag=test`,
    `To: <sip:hangup@127.0.0.1:${port}>`,
    `Call-ID: ${randomUUID()}`,
    "CSeq: 1 SUBSCRIBE",
    "Event: dialog",
    "Content-Length: 0",
  ];
  do socket.send(`${lines.join("\r\n")}\r\n\r\n`, port, "127.0.0.1");
  while (!(await Promise.race([answered, sleep(200, false)])));
  socket.close();
}

/** What stands in for SIPp: written from the RFCs, as the one who watches was. */
export const startOwnPeer: StartPbx = async ({ stepMs }) => {
  const socket = await listening();
  const { port } = socket.address();
  const seen = new Set<string>();
  let [open, over] = [true, false];

  async function play(send: (version: number, state: string) => void): Promise<void> {
    send(0, "");
    await sleep(RING_MS);
    send(1, "early");
    await sleep(RING_MS);
    send(2, "confirmed");
    do await sleep(stepMs);
    while (open && !over);
    send(3, "terminated");
  }

  socket.on("message", (data, from) => {
    const text = data.toString("utf8");
    if (!text.startsWith("SUBSCRIBE ")) return;
    const header = (name: string): string =>
      new RegExp(`^${name}: (.*)\r$`, "m").exec(text)?.[1] ?? "";
    const callId = header("Call-ID");
    const send = (lines: readonly string[], body = ""): void => {
      const all = [...lines, `Content-Length: ${Buffer.byteLength(body)}`, "", body];
      if (open) socket.send(all.join("\r\n"), from.port, from.address);
    };
    const dialog = [`Call-ID: ${callId}`];
    const accepted = [
      "SIP/2.0 200 OK",
      `Via: ${header("Via")}`,
      `From: ${header("From")}`,
      `To: ${header("To")};tag=pbx`,
    ];
    send([...accepted, ...dialog, `CSeq: ${header("CSeq")}`, "Expires: 600"]);
    if (seen.has(callId)) return;
    seen.add(callId);
    void play((version, state) => {
      const inner = state === "" ? "" : `<dialog id="c"><state>${state}</state></dialog>`;
      const kind = version === 0 ? "full" : "partial";
      const body = `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="${version}" state="${kind}" entity="sip:a@b">${inner}</dialog-info>`;
      const head = [
        `NOTIFY sip:lockstep@${from.address}:${from.port} SIP/2.0`,
        `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${callId}${version}`,
        `From: ${header("To")};tag=pbx`,
        `To: ${header("From")}`,
        ...dialog,
        `CSeq: ${version + 1} NOTIFY`,
        "Event: dialog",
        "Subscription-State: active;expires=600",
        "Content-Type: application/dialog-info+xml",
      ];
      send(head, body);
    });
  });
  return {
    port,
    hangUp: async () => void (over = true),
    [Symbol.asyncDispose]: async () => {
      open = false;
      socket.close();
    },
  };
};
