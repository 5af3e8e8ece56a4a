import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { NotificationKeys } from "../../src/connectors/teams/notification-keys.ts";
import { openContent } from "../../src/connectors/teams/encrypted-content.ts";
import { createSealing } from "../../src/connectors/teams/sealing.ts";
import { createVault } from "../../src/connectors/teams/vault.ts";
import { encryptFor } from "./graph-crypto.ts";
import { Kept } from "./kept.ts";
import "../fuzz/same-cases.ts";

const [OLD, NEW, FOREIGN] = [randomBytes(32), randomBytes(32), randomBytes(32)] as const;
const DAY_MS = 86_400_000;
const REP = "6b5a5cf0-9a5e-4b57-9a2a-7f5d4b9a0001";

test("[R135] what is sealed comes back, whatever it is, and looks different each time", () => {
  const sealing = createSealing([NEW]);
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string(), (plain, about) => {
      const sealed = sealing.seal(plain, about);
      expect(sealing.open(sealed, about)).toBe(plain);
      expect(sealing.seal(plain, about)).not.toBe(sealed);
    }),
  );
});

test("[R135] nothing that was changed, cut, moved or sealed by another is opened", () => {
  const sealing = createSealing([NEW]);
  const sealed = sealing.seal("a refresh token", "subscriber/one");
  const bytes = Buffer.from(sealed.slice(3), "base64url");
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(sealing.open(`v1.${changed.toString("base64url")}`, "subscriber/one")).toBeNull();
  }
  const cuts = Array.from({ length: sealed.length }, (_, length) => sealed.slice(0, length));
  expect(cuts.filter((cut) => sealing.open(cut, "subscriber/one") !== null)).toEqual([]);
  expect(sealing.open(sealed, "subscriber/two")).toBeNull();
  expect(sealing.open(`v2${sealed.slice(2)}`, "subscriber/one")).toBeNull();
  expect(createSealing([FOREIGN, OLD]).open(sealed, "subscriber/one")).toBeNull();
});

test("[R135] two keys may live: what the old one sealed is read, sealed anew, and then needs it no more", async () => {
  const kept = new Kept();
  const shape = z.object({ secret: z.string() });
  await createVault(kept, createSealing([OLD])).keep("kind", "one", { secret: "s3cret" });
  const both = createVault(kept, createSealing([NEW, OLD]));
  expect(await both.all("kind", shape)).toEqual({
    entries: [{ id: "one", value: { secret: "s3cret" } }],
    unreadable: [],
  });
  expect((await createVault(kept, createSealing([NEW])).all("kind", shape)).unreadable).toEqual([
    "one",
  ]);
  await both.reseal("kind");
  const alone = await createVault(kept, createSealing([NEW])).all("kind", shape);
  expect(alone.entries).toEqual([{ id: "one", value: { secret: "s3cret" } }]);
  expect(JSON.stringify([...kept.records.values()])).not.toContain("s3cret");
});

test("[R133] a certificate serves 30 days, and the key of the one before stays", async () => {
  const kept = new Kept();
  const vault = createVault(kept, createSealing([NEW]));
  let nowMs = 1_800_000_000_000;
  const open = async (): Promise<NotificationKeys> => {
    const keys = new NotificationKeys({ vault, nowMs: () => nowMs });
    await keys.load();
    return keys;
  };
  const keys = await open();
  const [first, again] = await Promise.all([keys.current(), keys.current()]);
  expect(again).toEqual(first);
  nowMs += 29 * DAY_MS;
  expect(await (await open()).current()).toEqual(first);
  nowMs += DAY_MS;
  const second = await keys.current();
  expect(second.encryptionCertificateId).not.toBe(first.encryptionCertificateId);

  const restarted = await open();
  for (const certificate of [first, second]) {
    const sent = encryptFor(certificate, { id: REP });
    const key = restarted.privateKey(sent.encryptionCertificateId);
    expect(key && openContent(sent, key)).toEqual({ ok: true, user: REP });
  }
  nowMs += 30 * DAY_MS;
  await restarted.current();
  expect(restarted.privateKey(first.encryptionCertificateId)).toBeNull();
  expect(kept.records.size).toBe(2);
  expect(JSON.stringify([...kept.records.values()])).not.toMatch(/PRIVATE|BEGIN/);
}, 30_000);
