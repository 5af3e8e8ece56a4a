import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { EmulatorRequest, EmulatorResponse } from "../listener.ts";
import { CODE, DataverseError } from "./error.ts";

const MAX_PARTS = 1000;
const CRLF = "\r\n";

/**
 * Runs a `$batch` (Microsoft: "Execute batch operations using the Web API"): parts in order, stopping
 * at the first error unless the caller prefers to go on. Change sets run in order too, but what they
 * changed is not undone: the presence actions are not transactional.
 */
export async function runBatch(
  request: EmulatorRequest,
  continueOnError: boolean,
  run: (part: EmulatorRequest) => Promise<EmulatorResponse>,
): Promise<EmulatorResponse> {
  const parts = splitParts(request.headers["content-type"], request.body.toString("utf8"), request);
  if (parts.length > MAX_PARTS) throw malformed(`A batch holds ${MAX_PARTS} requests at most.`);
  const boundary = `batchresponse_${randomUUID()}`;
  let text = "";
  for (const part of parts) {
    const answer = await run(part);
    if (answer.hangUp) return answer;
    text += `--${boundary}${CRLF}${responsePart(answer)}`;
    if (answer.status >= 400 && !continueOnError) break;
  }
  return {
    status: 200,
    headers: { "content-type": `multipart/mixed; boundary=${boundary}`, "odata-version": "4.0" },
    text: `${text}--${boundary}--${CRLF}`,
  };
}

function splitParts(
  contentType: string | undefined,
  body: string,
  outer: EmulatorRequest,
): EmulatorRequest[] {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType ?? "")?.[1];
  if (boundary === undefined) throw malformed("The batch request has no boundary.");
  const literal = boundary.replaceAll(/[^\w-]/g, (character) => `\\${character}`);
  const line = new RegExp(`(?:^|\\r?\\n)--${literal}(?:--)?[ \\t]*(?=\\r?\\n|$)`);
  const pieces = body.split(line);
  return pieces
    .slice(1)
    .filter((piece) => piece.trim() !== "")
    .flatMap((piece) => {
      const { head, rest } = cutHead(piece);
      const type = /content-type:\s*(.+)/i.exec(head)?.[1];
      if (type?.includes("multipart/mixed")) return splitParts(type, rest, outer);
      return [parsePart(rest, outer)];
    });
}

function parsePart(source: string, outer: EmulatorRequest): EmulatorRequest {
  const { head, rest } = cutHead(source.trimStart());
  const [first = "", ...lines] = head.split(/\r?\n/);
  const [, method, target] = /^(\w+) (\S+) HTTP\/1\.[01]$/.exec(first.trim()) ?? [];
  if (method === undefined || target === undefined) {
    throw malformed(`'${first}' is not the first line of a request.`);
  }
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon > 0)
      headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  const { authorization, callerobjectid, mscrmcallerid } = outer.headers;
  return {
    method,
    url: new URL(target, new URL("./", outer.url)),
    headers: { authorization, callerobjectid, mscrmcallerid, ...headers },
    body: Buffer.from(rest.trim()),
  };
}

function cutHead(source: string): { head: string; rest: string } {
  const gap = /\r?\n\r?\n/.exec(source);
  if (!gap) return { head: source.trim(), rest: "" };
  return { head: source.slice(0, gap.index).trim(), rest: source.slice(gap.index + gap[0].length) };
}

function responsePart(answer: EmulatorResponse): string {
  const headers = Object.entries({ "content-type": "application/json", ...answer.headers });
  const body = answer.json === undefined ? (answer.text ?? "") : JSON.stringify(answer.json);
  return [
    "Content-Type: application/http",
    "Content-Transfer-Encoding: binary",
    "",
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ""}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    "",
    body,
    "",
  ].join(CRLF);
}

function malformed(message: string): DataverseError {
  return new DataverseError(400, CODE.malformedBody, message);
}
