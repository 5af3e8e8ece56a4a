import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { type DataverseOptions, startDataverse } from "../../src/emulators/dataverse/dataverse.ts";
import { namedPeople } from "../../src/emulators/people.ts";
import { createLoopbackTls } from "../../src/emulators/tls.ts";

export const SUPERVISOR_APP = "0f0f0f0f-1111-4222-8333-444444444444";
export const READER_APP = "0f0f0f0f-1111-4222-8333-555555555555";
export const ROLELESS_APP = "0f0f0f0f-1111-4222-8333-666666666666";
export const SUPERVISOR_USER = "1e1e1e1e-1111-4222-8333-444444444444";

export const people = namedPeople();
export const [nadia, tomas, meiling, priya] = people.users.map((user) => user.systemUserId) as [
  string,
  string,
  string,
  string,
];

const tls = await createLoopbackTls(Date.now());
setDefaultCACertificates([...getCACertificates(), tls.caPem]);

type Headers = Readonly<Record<string, string>>;
export type Json = Readonly<Record<string, unknown>>;
export type Answer = {
  readonly status: number;
  readonly headers: globalThis.Headers;
  readonly text: string;
  /** The body, when it is a JSON object. */
  readonly json: Json;
  /** Its `value`, when it is a list. */
  readonly rows: readonly Json[];
};

/**
 * An organisation over a real HTTPS socket and a caller of its Web API. Tokens are stubs: the bearer
 * token is the application id, so that the test decides who calls. Closes itself with `await using`.
 */
export async function openOrganization(options: Partial<DataverseOptions> = {}) {
  const dataverse = await startDataverse({
    ...people,
    tenantId: "7a7a7a7a-1111-4222-8333-444444444444",
    verify: (token) =>
      Promise.resolve(
        token === "bad"
          ? { ok: false }
          : { ok: true, appId: token, roles: [], tenantId: "", audience: dataverse.url },
      ),
    applicationUsers: [
      {
        appId: SUPERVISOR_APP,
        systemUserId: SUPERVISOR_USER,
        roles: ["Omnichannel Supervisor", "Delegate"],
      },
      {
        appId: READER_APP,
        systemUserId: "1e1e1e1e-1111-4222-8333-555555555555",
        roles: ["Omnichannel Agent"],
      },
      { appId: ROLELESS_APP, systemUserId: "1e1e1e1e-1111-4222-8333-666666666666", roles: [] },
    ],
    projectionDelayMs: 0,
    projectionRetryMs: 10,
    tls,
    ...options,
  });
  const call = async (
    method: string,
    path: string,
    headers: Headers = {},
    body?: string,
  ): Promise<Answer> => {
    const url = path.startsWith("https:") ? path : `${dataverse.url}/api/data/v9.2/${path}`;
    const answer = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${SUPERVISOR_APP}`, ...headers },
      body,
    });
    const text = await answer.text();
    const isJson = answer.headers.get("content-type")?.includes("json") ?? false;
    const json = (isJson && text !== "" ? JSON.parse(text) : {}) as Json;
    const rows = (json["value"] ?? []) as Json[];
    return { status: answer.status, headers: answer.headers, text, json, rows };
  };
  return {
    dataverse,
    control: dataverse.control,
    get: (path: string, headers?: Headers) => call("GET", path, headers),
    call,
    setPresence: (agentId: string, presenceId: string, headers?: Headers) =>
      call(
        "POST",
        "CCaaS_ModifyAgentPresence",
        headers,
        JSON.stringify({ ApiVersion: "1.0", AgentId: agentId, PresenceId: presenceId }),
      ),
    /** The rep's row, once `holds` is true of it; fails after a while that no healthy run needs. */
    rowWhen: (userId: string, holds: (row: Json) => boolean): Promise<Json> =>
      eventually(() => {
        const { row } = dataverse.control.state({ userId });
        return row && holds(row) ? row : undefined;
      }),
    [Symbol.asyncDispose]: () => dataverse.close(),
  };
}

/** Polls until there is a value; the deadline is no expectation, only the end of patience. */
export async function eventually<Value>(
  look: () => Value | undefined | Promise<Value | undefined>,
): Promise<Value> {
  const deadlineMs = Date.now() + 60_000;
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    if (Date.now() > deadlineMs) throw new Error("it did not come true in time");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
