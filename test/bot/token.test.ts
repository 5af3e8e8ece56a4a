import { afterAll, beforeAll, expect, test } from "vitest";
import { createVerifier, type VerifyToken } from "../../src/bot/token.ts";
import { parseJson } from "../../src/http/json.ts";
import { type Issuer, NEGATIVES } from "../fuzz/jwt-negatives.ts";
import { FakeTeams, ISSUER } from "./teams.ts";

const APP_ID = "c9e8c047-2a34-40a1-b28a-b162d5f5327e";
const NOW_MS = 1_800_000_000_000;
/** Teams' tokens need not say when they were made, nor from when they count. */
const NOT_THEIRS = /^(iat|nbf missing)/;
const ROWS = NEGATIVES.filter(({ what }) => !NOT_THEIRS.test(what));

let teams: FakeTeams;
let verify: VerifyToken;
let issuer: Issuer;
beforeAll(async () => {
  teams = await FakeTeams.open();
  verify = createVerifier({
    metadataUrl: `${teams.url}/metadata`,
    issuer: ISSUER,
    appId: APP_ID,
    nowMs: () => NOW_MS,
    parseStrictly: (json) => parseJson(json, { strict: true }),
  });
  const [header, claims] = (await teams.token(NOW_MS, { claims: { aud: APP_ID } }))
    .split(".")
    .map((part) => Buffer.from(part, "base64url").toString("utf8"));
  issuer = {
    header: JSON.parse(header ?? "") as Issuer["header"],
    claims: JSON.parse(claims ?? "") as Issuer["claims"],
    nowSeconds: NOW_MS / 1_000,
    publicKey: teams.publicKey,
    signText: (text, payload) => teams.signText(text, payload),
  };
});
afterAll(() => teams.close());

test("[R220] the token that the rows below begin with is taken", async () => {
  const { header, claims, signText } = issuer;
  const token = await signText(JSON.stringify(header), JSON.stringify(claims));
  expect(await verify(`Bearer ${token}`)).toEqual({ appId: APP_ID, serviceUrl: teams.url });
});

test("[R220] there are more than a hundred ways to be refused", () => {
  expect(ROWS.length).toBeGreaterThan(100);
});

test.each(ROWS)("[R220, R335] refused: $flaw, $what", async ({ token }) => {
  expect(await verify(`Bearer ${await token(issuer)}`)).toBeNull();
});
