import { randomUUID } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { parseDialogInfo } from "./dialog-info.ts";
import { type Change, IDLE, type Line, taken } from "./line.ts";
import { allOf, formatSip, headerOf, parseSip, type SipMessage, tagOf } from "./sip-message.ts";

export type WatcherOptions = {
  readonly pbx: { readonly host: string; readonly port: number };
  /** Our own address as the PBX reaches it; port 0 takes a free one. */
  readonly local: { readonly host: string; readonly port: number };
  /** What the PBX calls the lines: `201` in `sip:201@pbx`. */
  readonly lines: readonly string[];
  readonly onChange: (line: string, change: Change, receivedAtMs: number) => void;
  /** A line is not watched just now, and why. */
  readonly onTrouble: (line: string, why: string) => void;
};

/** One subscription: a SIP dialog of its own (RFC 6665). */
type Watch = {
  readonly line: string;
  readonly callId: string;
  readonly tag: string;
  remoteTag: string;
  sequence: number;
  known: Line;
  timer: NodeJS.Timeout | null;
  acknowledged: boolean;
};

const EXPIRES_SECONDS = 600;
/** RFC 3261, timers T1 and F: a request over UDP is sent again, each time later, for 32 s. */
const T1_MS = 500;
const GIVE_UP_MS = 32_000;
const AGAIN_MS = 30_000;

/**
 * Watches the lines of a PBX by the dialog event package (RFC 4235) over UDP. It subscribes, answers notifications,
 * renews before the end, and subscribes anew when the PBX forgets. Only the PBX itself is listened to.
 */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #watches = new Map<string, Watch>();
  #socket: Socket | null = null;
  #port = 0;

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { local, lines } = this.#options;
    const socket = createSocket(local.host.includes(":") ? "udp6" : "udp4");
    this.#socket = socket;
    socket.on("message", (data, from) => {
      const { host, port } = this.#options.pbx;
      if (from.address === host && from.port === port) this.#receive(data.toString("utf8"));
    });
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(local.port, local.host, () => resolve());
    });
    socket.on("error", () => undefined);
    this.#port = socket.address().port;
    for (const line of lines) this.#subscribe(line);
  }

  stop(): void {
    for (const { timer } of this.#watches.values()) if (timer) clearTimeout(timer);
    this.#watches.clear();
    this.#socket?.close();
    this.#socket = null;
  }

  #subscribe(line: string, known: Line = IDLE): void {
    // The versions of a new subscription begin anew; what was talking before is compared with the first full state.
    const watch: Watch = {
      line,
      callId: randomUUID(),
      tag: randomUUID().slice(0, 8),
      remoteTag: "",
      sequence: 0,
      known: { ...known, version: -1 },
      timer: null,
      acknowledged: false,
    };
    this.#watches.set(watch.callId, watch);
    this.#ask(watch);
  }

  #ask(watch: Watch): void {
    watch.sequence += 1;
    watch.acknowledged = false;
    const { pbx, local } = this.#options;
    const uri = `sip:${watch.line}@${pbx.host}:${pbx.port}`;
    const us = `sip:lockstep@${local.host}:${this.#port}`;
    const remote = watch.remoteTag === "" ? "" : `;tag=${watch.remoteTag}`;
    const branch = `z9hG4bK${randomUUID()}`;
    const text = formatSip(`SUBSCRIBE ${uri} SIP/2.0`, [
      ["Via", `SIP/2.0/UDP ${local.host}:${this.#port};branch=${branch};rport`],
      ["Max-Forwards", "70"],
      ["From", `<${us}>;tag=${watch.tag}`],
      ["To", `<${uri}>${remote}`],
      ["Call-ID", watch.callId],
      ["CSeq", `${watch.sequence} SUBSCRIBE`],
      ["Contact", `<${us}>`],
      ["Event", "dialog"],
      ["Accept", "application/dialog-info+xml"],
      ["Expires", String(EXPIRES_SECONDS)],
    ]);
    this.#sendUntilAnswered(watch, text, T1_MS, 0);
  }

  #sendUntilAnswered(watch: Watch, text: string, waitMs: number, waitedMs: number): void {
    if (watch.acknowledged || this.#watches.get(watch.callId) !== watch) return;
    if (waitedMs >= GIVE_UP_MS) {
      this.#lose(watch, "the PBX does not answer");
      return;
    }
    this.#send(text);
    const again = (): void =>
      this.#sendUntilAnswered(watch, text, Math.min(waitMs * 2, 4_000), waitedMs + waitMs);
    watch.timer = setTimeout(again, waitMs);
  }

  #receive(text: string): void {
    const message = parseSip(text);
    const watch = message ? this.#watches.get(headerOf(message, "call-id")) : undefined;
    if (!message) return;
    if (message.request?.method === "NOTIFY") {
      if (!watch) this.#answer(message, "481 Subscription does not exist");
      else this.#notified(watch, message);
    } else if (message.request) this.#answer(message, "405 Method Not Allowed");
    else if (watch) this.#answered(watch, message);
  }

  #answered(watch: Watch, message: SipMessage): void {
    const { status } = message;
    if (status < 200 || headerOf(message, "cseq") !== `${watch.sequence} SUBSCRIBE`) return;
    watch.acknowledged = true;
    if (watch.timer) clearTimeout(watch.timer);
    if (status >= 300) {
      this.#lose(watch, `the PBX answered ${status}`);
      return;
    }
    watch.remoteTag = tagOf(headerOf(message, "to"));
    const granted = Number(headerOf(message, "expires")) || EXPIRES_SECONDS;
    // Renewed well before the end, so that a lost renewal can be sent again.
    watch.timer = setTimeout(() => this.#ask(watch), granted * 750);
  }

  #notified(watch: Watch, message: SipMessage): void {
    const receivedAtMs = Date.now();
    this.#answer(message, "200 OK");
    watch.remoteTag ||= tagOf(headerOf(message, "from"));
    const info = message.body === "" ? null : parseDialogInfo(message.body);
    if (info) {
      const { line, change } = taken(watch.known, info);
      watch.known = line;
      if (change.began.length + change.ended.length > 0) {
        this.#options.onChange(watch.line, change, receivedAtMs);
      }
    }
    if (/^terminated/i.test(headerOf(message, "subscription-state"))) {
      this.#lose(watch, "the PBX ended the subscription", T1_MS);
    }
  }

  /** What was talking stays so until its time is over, or the next subscription says otherwise. */
  #lose(watch: Watch, why: string, againMs = AGAIN_MS): void {
    if (watch.timer) clearTimeout(watch.timer);
    this.#watches.delete(watch.callId);
    this.#options.onTrouble(watch.line, why);
    const parked = { ...watch, callId: randomUUID() };
    this.#watches.set(parked.callId, parked);
    parked.timer = setTimeout(() => {
      this.#watches.delete(parked.callId);
      this.#subscribe(watch.line, watch.known);
    }, againMs);
  }

  #answer(message: SipMessage, status: string): void {
    const to = headerOf(message, "to");
    this.#send(
      formatSip(`SIP/2.0 ${status}`, [
        ...allOf(message, "via").map((via) => ["Via", via] as const),
        ["From", headerOf(message, "from")],
        ["To", tagOf(to) === "" ? `${to};tag=${randomUUID().slice(0, 8)}` : to],
        ["Call-ID", headerOf(message, "call-id")],
        ["CSeq", headerOf(message, "cseq")],
      ]),
    );
  }

  #send(text: string): void {
    const { host, port } = this.#options.pbx;
    this.#socket?.send(text, port, host);
  }
}
