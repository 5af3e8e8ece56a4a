import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  createEntraKeys,
  type EntraKeys,
  type FetchKeys,
} from "../../src/connectors/entra-keys.ts";

const TENANT = "5f0c6a3e-7a44-4a6f-9d5b-6f0b6f6d1c11";
const AUTHORITY = "https://login.example";
const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const JWK = publicKey.export({ format: "jwk" });
const MINUTE_MS = 60_000;

/** An authority that answers when it is told to, and a clock that moves when it is told to. */
type Stage = {
  readonly keys: EntraKeys;
  nowMs: number;
  published: readonly string[];
  answer: "well" | "down" | "refuses" | "nonsense" | "endless";
  readonly asked: string[];
};

function stage(tenant = TENANT): Stage {
  const bodyOf = (url: string): string => {
    if (made.answer === "nonsense") return "<html>";
    if (url.endsWith("openid-configuration")) {
      return JSON.stringify({ issuer: `${AUTHORITY}/${TENANT}/v2.0` });
    }
    const rsa = made.published.map((kid) => ({ ...JWK, kid, use: "sig" }));
    // Beside ours, one that is too short and one of another kind, with other members.
    const others = [
      { kty: "RSA", kid: "weak", n: "AQAB", e: "AQAB" },
      { kty: "EC", kid: "curve", crv: "P-256", x: "AQAB", y: "AQAB" },
    ];
    return JSON.stringify({ keys: [...rsa, ...others] });
  };
  const fetch: FetchKeys = async (url, options) => {
    made.asked.push(url);
    expect(options.redirect).toBe("error");
    await Promise.resolve();
    if (made.answer === "down") throw new Error("ECONNREFUSED");
    async function* body(): AsyncIterable<Uint8Array> {
      yield Buffer.from(bodyOf(url));
      while (made.answer === "endless") yield Buffer.alloc(65_536, " ");
    }
    return { ok: made.answer !== "refuses", body: body() };
  };
  const made: Stage = {
    nowMs: 1_800_000_000_000,
    published: ["one"],
    answer: "well",
    asked: [],
    keys: createEntraKeys({ authority: AUTHORITY, tenant, nowMs: () => made.nowMs, fetch }),
  };
  return made;
}

describe("[R103] the signing keys of a tenant", () => {
  test("are fetched once for however many ask, and not again the same day", async () => {
    const { keys, asked } = stage();
    const all = await Promise.all(Array.from({ length: 100 }, () => keys.current()));
    expect(all.every((known) => known?.has("one") && known.tenantId === TENANT)).toBe(true);
    expect(await keys.current()).toBe(all[0]);
    expect(asked).toEqual([`${AUTHORITY}/${TENANT}/discovery/v2.0/keys`]);
  });

  test("are looked through again for one that is unknown, at most every five minutes", async () => {
    const made = stage();
    await made.keys.current();
    made.published = ["two"];
    expect((await made.keys.lookFor("two"))?.has("one"), "a withdrawn key is forgotten").toBe(
      false,
    );
    for (let second = 0; second < 299; second += 1) {
      made.nowMs += 1_000;
      expect(await made.keys.lookFor(`invented ${second}`)).toBeNull();
    }
    expect(made.asked).toHaveLength(2);
    made.nowMs += 1_000;
    const looks = Array.from({ length: 50 }, (_, at) => made.keys.lookFor(`invented ${at}`));
    expect(await Promise.all(looks)).toEqual(Array.from({ length: 50 }, () => null));
    expect(made.asked).toHaveLength(3);
  });

  test.each(["down", "refuses", "nonsense", "endless"] as const)(
    "serve on while the authority %s, and are asked for again",
    async (answer) => {
      const made = stage();
      const known = await made.keys.current();
      made.answer = answer;
      made.nowMs += 25 * 60 * MINUTE_MS;
      expect(await made.keys.lookFor("two")).toBeNull();
      expect(await made.keys.current()).toBe(known);
      made.answer = "well";
      made.published = ["one", "two"];
      made.nowMs += 5 * MINUTE_MS;
      expect((await made.keys.lookFor("two"))?.has("one")).toBe(true);
    },
  );

  test("that were never had are tried for again after ten seconds, not at every token", async () => {
    const made = stage();
    made.answer = "down";
    for (let at = 0; at < 20; at += 1) expect(await made.keys.current()).toBeNull();
    expect(made.asked).toHaveLength(1);
    made.answer = "well";
    made.nowMs += 10_000;
    expect((await made.keys.current())?.has("one")).toBe(true);
  });

  test("are fetched anew once a day, and whoever asks meanwhile need not wait", async () => {
    const made = stage();
    const known = await made.keys.current();
    made.published = ["two"];
    made.nowMs += 24 * 60 * MINUTE_MS;
    expect(await made.keys.current()).toBe(known);
    await made.keys.lookFor("two");
    expect(made.asked).toHaveLength(2);
    expect((await made.keys.current())?.has("two")).toBe(true);
  });

  test("of a tenant named by its domain come with the id that its tokens bear", async () => {
    const made = stage("contoso.example");
    expect(await made.keys.current()).toMatchObject({ tenantId: TENANT });
    expect(made.asked.toSorted()).toEqual([
      `${AUTHORITY}/contoso.example/discovery/v2.0/keys`,
      `${AUTHORITY}/contoso.example/v2.0/.well-known/openid-configuration`,
    ]);
  });
});
