import type { Service } from "../service/launch.ts";

/** A connection for each step: one that is kept may just be closing when a busy machine comes to use it. */
const connection = "close";

/** An administrator's browser: it keeps one cookie, and reaches the service behind its public address. */
export async function connectAccount(service: Pick<Service, "url">): Promise<string> {
  const begun = await fetch(`${service.url}/connect/teams`, {
    redirect: "manual",
    headers: { connection },
  });
  const cookie = begun.headers.get("set-cookie")?.split(";")[0] ?? "";
  const signedIn = await fetch(begun.headers.get("location") ?? "", {
    redirect: "manual",
    headers: { connection },
  });
  const { pathname, search } = new URL(signedIn.headers.get("location") ?? "");
  const answer = await fetch(`${service.url}${pathname}${search}`, {
    headers: { cookie, connection },
  });
  return answer.text();
}
