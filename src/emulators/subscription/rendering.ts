import { randomUUID } from "node:crypto";
import { encryptFor } from "./encryption.ts";
import { describeChange, describeLifecycle, type Change, type Notice } from "./notification.ts";
import type { PushSettings, TokenFault } from "./settings.ts";

/** Parts of a notification that can be spoilt, for the receiver to notice. */
export const SPOILABLE = [
  "clientState",
  "subscriptionId",
  "tenantId",
  "dataSignature",
  "data",
  "dataKey",
  "certificateId",
] as const;
export type Spoilable = (typeof SPOILABLE)[number];

/** What a validation token shall say; `appId` is the audience. */
export type TokenOrder = {
  readonly appId: string;
  readonly version: "1.0" | "2.0";
  readonly issuer: "emulated" | "published";
  readonly fault: Exclude<TokenFault, "null">;
};

export type Rendering = {
  readonly tenantId: string;
  readonly settings: PushSettings;
  /** Undefined when no Entra is there to sign. */
  readonly mintToken: ((order: TokenOrder) => Promise<string>) | undefined;
  readonly takeSpoilt: () => Spoilable | null;
};

/** The body of one request: all its notices, and one validation token for each application among rich ones. */
export async function renderBody(
  notices: readonly Notice[],
  rendering: Rendering,
): Promise<string> {
  const value = notices.map((notice) => renderNotice(notice, rendering));
  const audiences = new Set(
    notices.flatMap(({ kind, subscription }) =>
      kind === "change" && subscription.includeResourceData
        ? [subscription.notificationUrlAppId ?? subscription.appId]
        : [],
    ),
  );
  if (audiences.size === 0) return JSON.stringify({ value });
  return JSON.stringify({ value, validationTokens: await mintFor([...audiences], rendering) });
}

async function mintFor(
  audiences: readonly string[],
  { settings, mintToken }: Rendering,
): Promise<readonly string[] | null> {
  const { tokenFault: fault, tokenVersion: version, tokenIssuer: issuer } = settings;
  if (fault === "null" || mintToken === undefined) return null;
  return Promise.all(audiences.map((appId) => mintToken({ appId, version, issuer, fault })));
}

function renderNotice(
  notice: Notice,
  { tenantId, settings, takeSpoilt }: Rendering,
): Readonly<Record<string, unknown>> {
  if (notice.kind === "lifecycle") return describeLifecycle(notice, tenantId, settings);
  const item = { ...describeChange(notice, tenantId, settings), ...encryptedPart(notice) };
  const part = takeSpoilt();
  return part === null ? item : spoil(item, part);
}

function encryptedPart({ subscription, userId, availability, activity }: Change) {
  const { includeResourceData, encryptionCertificate, encryptionCertificateId } = subscription;
  if (!includeResourceData || encryptionCertificate === null || encryptionCertificateId === null) {
    return {};
  }
  const encryptedContent = encryptFor(
    { id: encryptionCertificateId, derBase64: encryptionCertificate },
    {
      "@odata.id": `users/${userId}/presence`,
      "@odata.type": "#microsoft.graph.presence",
      id: userId,
      availability,
      activity,
    },
  );
  return { encryptedContent };
}

function spoil(
  item: Readonly<Record<string, unknown>>,
  part: Spoilable,
): Readonly<Record<string, unknown>> {
  switch (part) {
    case "clientState":
    case "subscriptionId":
    case "tenantId":
      return { ...item, [part]: randomUUID() };
    case "certificateId":
      return spoilContent(item, "encryptionCertificateId", () => randomUUID());
    case "data":
    case "dataKey":
    case "dataSignature":
      return spoilContent(item, part, flipFirstByte);
  }
}

function spoilContent(
  item: Readonly<Record<string, unknown>>,
  field: string,
  change: (text: string) => string,
): Readonly<Record<string, unknown>> {
  const content = item["encryptedContent"] as Readonly<Record<string, string>> | undefined;
  if (content === undefined) return item;
  return { ...item, encryptedContent: { ...content, [field]: change(content[field] ?? "") } };
}

function flipFirstByte(base64: string): string {
  const bytes = Buffer.from(base64, "base64");
  bytes.writeUInt8(bytes.readUInt8(0) ^ 0xff, 0);
  return bytes.toString("base64");
}
