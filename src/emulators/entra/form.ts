import type { EmulatorRequest } from "../listener.ts";

/**
 * Reads a token request's fields. Entra takes `multipart/form-data` as well as the usual
 * `application/x-www-form-urlencoded`; Microsoft's own Dynamics walk-throughs call it with `curl --form`.
 */
export async function readForm(request: EmulatorRequest): Promise<ReadonlyMap<string, string>> {
  const type = request.headers["content-type"] ?? "";
  if (!type.toLowerCase().startsWith("multipart/form-data")) {
    return new Map(new URLSearchParams(request.body.toString("utf8")));
  }
  const parts = await new Response(new Uint8Array(request.body), {
    headers: { "content-type": type },
  }).formData();
  const fields = new Map<string, string>();
  for (const [name, value] of parts) {
    if (typeof value === "string") fields.set(name, value);
  }
  return fields;
}
