import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { BODY_REFUSALS } from "../src/http/body.ts";

const ROOT = join(import.meta.dirname, "..");
const CODE =
  /"((?:entra|graph|dataverse|engine|policy|bot|console|body|json|signature|token|push|handshake|event|rep|cli|availability|api|write)-[a-z0-9]+(?:-[a-z0-9]+)*)"/g;

/** Everything that the service itself may say; the emulators speak with Microsoft's codes. */
async function sources(): Promise<string> {
  const entries = await readdir(join(ROOT, "src"), { recursive: true });
  const ours = entries.filter((name) => name.endsWith(".ts") && !/^(emulators|story)\//.test(name));
  const texts = await Promise.all(ours.map((name) => readFile(join(ROOT, "src", name), "utf8")));
  return texts.join("\n");
}

describe("the codes in docs/operations.md", () => {
  let source: string;
  /** Code and the cell after it: the retry class, or the HTTP status of a refusal. */
  let listed: ReadonlyMap<string, string>;

  beforeAll(async () => {
    source = await sources();
    const page = await readFile(join(ROOT, "docs/operations.md"), "utf8");
    const rows = [...page.matchAll(/^\| `([a-z0-9]+(?:-[a-z0-9]+)+)` \| (\w+) \|/gm)];
    expect(new Set(rows.map(([, code]) => code)).size).toBe(rows.length);
    listed = new Map(rows.map(([, code = "", next = ""]) => [code, next]));
  });

  test("are those of the source, no more and no less", () => {
    const used = new Set([...source.matchAll(CODE)].map(([, code = ""]) => code));
    expect(used.size).toBeGreaterThan(60);
    expect([...listed.keys()].toSorted()).toEqual([...used].toSorted());
  });

  test("have the retry class that the source gives them", () => {
    const stated = [...source.matchAll(/code: ([^\n]+),\n\s*retry: "(\w+)"/g)].flatMap(
      ([, codes = "", retry = ""]) =>
        [...codes.matchAll(CODE)].map(([, code = ""]) => [code, retry] as const),
    );
    expect(stated.length).toBeGreaterThan(25);
    const wrong = stated.filter(([code, retry]) => listed.get(code) !== retry);
    expect(wrong).toEqual([]);
  });

  test("have the status that a refused body gets", () => {
    for (const [code, status] of Object.entries(BODY_REFUSALS)) {
      expect([code, listed.get(code)]).toEqual([code, String(status)]);
    }
  });
});
