import { execFile, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";

const run = promisify(execFile);
const SCENARIO = join(import.meta.dirname, "pbx.sipp.xml");

/** A PBX whose lines are idle, ring, are talked on for some seconds, and are idle again. */
export type Pbx = { readonly port: number; readonly kind: "sipp" | "our own" };

const has = async (command: string): Promise<boolean> =>
  run(command, ["-v"]).then(
    () => true,
    // SIPp says its version and leaves with 99.
    (error: unknown) => (error as { readonly code?: unknown }).code !== "ENOENT",
  );

/** SIPp plays the PBX: Debian has it. Where it cannot be had, a peer that was written from the RFCs does. */
export async function startPbx(lines: number): Promise<Pbx> {
  const apt = ["install", "-y", "--no-install-recommends", "sip-tester"];
  if (!(await has("sipp"))) await run("apt-get", apt).catch(() => undefined);
  return (await has("sipp")) ? startSipp(lines) : startPeer();
}

async function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}

async function startSipp(lines: number): Promise<Pbx> {
  const port = await freePort();
  const options = [
    "-sf",
    SCENARIO,
    "-i",
    "127.0.0.1",
    "-p",
    String(port),
    "-m",
    String(lines),
    "-nostdin",
  ];
  const child = spawn("sipp", options, { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  await sleep(300);
  return { port, kind: "sipp" };
}

const STEPS: readonly (readonly [afterMs: number, dialog: string])[] = [
  [0, ""],
  [1_000, "early"],
  [1_000, "confirmed"],
  [9_000, "terminated"],
];

async function startPeer(): Promise<Pbx> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  const seen = new Set<string>();
  let open = true;
  onTestFinished(() => {
    open = false;
    socket.close();
  });
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
    const notify = async (): Promise<void> => {
      for (const [version, [afterMs, state]] of STEPS.entries()) {
        await sleep(afterMs);
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
      }
    };
    void notify();
  });
  return { port, kind: "our own" };
}
