import { setTimeout as pause } from "node:timers/promises";
import { listen } from "../../src/emulators/listener.ts";
import { createLoopbackTls } from "../../src/emulators/tls.ts";

type Item = Readonly<Record<string, unknown>> & {
  readonly resourceData?: { readonly id: string };
};

type Posted = {
  readonly path: string;
  readonly value: readonly Item[];
  readonly validationTokens?: readonly string[] | null;
};

type Echo = { readonly status: number; readonly type: string; readonly text: string };

/**
 * A subscriber's endpoint: it echoes validation tokens as plain text, and remembers what it is told. A
 * test may spoil the echo, give other statuses (first come, first used; then 202), or make it slow.
 */
export async function openEndpoint() {
  const posted: Posted[] = [];
  const validated: { readonly path: string; readonly raw: string; readonly token: string }[] = [];
  const behaviour = {
    statuses: [] as number[],
    pauseMs: 0,
    echo: (token: string): Echo => ({ status: 200, type: "text/plain", text: token }),
  };
  const listener = await listen(
    async ({ url, body }) => {
      if (behaviour.pauseMs > 0) await pause(behaviour.pauseMs, undefined, { ref: false });
      const path = url.pathname;
      const token = url.searchParams.get("validationToken");
      if (token !== null) {
        validated.push({ path, raw: url.search, token });
        const { status, type, text } = behaviour.echo(token);
        return { status, headers: { "content-type": type }, text };
      }
      posted.push({ path, ...(JSON.parse(body.toString("utf8")) as Omit<Posted, "path">) });
      return { status: behaviour.statuses.shift() ?? 202 };
    },
    { tls: await createLoopbackTls(Date.now()) },
  );
  return {
    url: `${listener.url}/hook`,
    origin: listener.url,
    posted,
    validated,
    behaviour,
    /** The users of every change told so far, in the order in which they came. */
    users: () =>
      posted.flatMap(({ value }) => value.flatMap(({ resourceData: data }) => data?.id ?? [])),
    forget: () => {
      posted.length = 0;
      validated.length = 0;
    },
    close: () => listener.close(),
    [Symbol.asyncDispose]: () => listener.close(),
  };
}
export type NotificationEndpoint = Awaited<ReturnType<typeof openEndpoint>>;
