import { expect, test } from "vitest";
import { AddressForbidden, createLocator, isPublic } from "../../src/api/subscriptions/address.ts";

test.each([
  "0.0.0.0",
  "10.255.255.255",
  "100.64.0.1",
  "127.8.8.8",
  "169.254.169.254",
  "172.31.0.1",
  "192.168.1.1",
  "198.19.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::ffff:8.8.8.8",
  "64:ff9b::808:808",
  "fe80::1",
  "fd00::1",
  "ff02::1",
  "2001:db8::1",
  "2002:7f00:1::",
  "not an address",
])("[R198] %s is inside, or nowhere", (address) => {
  expect(isPublic(address)).toBe(false);
});

test.each(["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111"])(
  "[R198] %s is outside",
  (address) => {
    expect(isPublic(address)).toBe(true);
  },
);

test("[R198] a name with one address inside is refused whole, unless it is allowed", async () => {
  const found = [
    { address: "8.8.8.8", family: 4 },
    { address: "10.0.0.1", family: 4 },
  ];
  const locate = createLocator(new Set(), async () => found);
  await expect(locate("rebind.example")).rejects.toThrow(AddressForbidden);
  const allowed = createLocator(new Set(["crm.internal"]), async () => found);
  expect(await allowed("CRM.internal")).toEqual(found);
});
