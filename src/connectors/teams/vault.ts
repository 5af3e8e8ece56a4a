import { z } from "zod";
import type { Engine } from "../../engine/engine.ts";
import type { Sealing } from "./sealing.ts";

const body = z.object({ sealed: z.string() });

type Entry<Value> = { readonly id: string; readonly value: Value };

/** Secrets among the engine's kept records: accounts, subscriptions, private keys. Nothing of them lies open. */
export type Vault = {
  keep(kind: string, id: string, value: unknown, expiresAtMs?: number): Promise<void>;
  /** Those that cannot be opened, or are not of this shape, are left out and counted. */
  all<Value>(
    kind: string,
    shape: z.ZodType<Value>,
  ): Promise<{ readonly entries: readonly Entry<Value>[]; readonly unreadable: readonly string[] }>;
  forget(kind: string, id: string): Promise<void>;
  /** Seals all records of a kind with the newest key, so that an older one can be thrown away. */
  reseal(kind: string): Promise<void>;
};

export function createVault(
  records: Pick<Engine, "keep" | "kept" | "forget">,
  sealing: Sealing,
): Vault {
  const about = (kind: string, id: string): string => `${kind}/${id}`;

  return {
    async keep(kind, id, value, expiresAtMs) {
      const sealed = sealing.seal(JSON.stringify(value), about(kind, id));
      await records.keep({ kind, id, body: { sealed }, expiresAtMs: expiresAtMs ?? null });
    },

    async all(kind, shape) {
      const entries: Entry<z.output<typeof shape>>[] = [];
      const unreadable: string[] = [];
      for (const { id, body: stored } of await records.kept(kind)) {
        const { sealed = "" } = body.safeParse(stored).data ?? {};
        const plain = sealing.open(sealed, about(kind, id));
        const parsed = plain === null ? null : shape.safeParse(JSON.parse(plain));
        if (parsed?.success) entries.push({ id, value: parsed.data });
        else unreadable.push(id);
      }
      return { entries, unreadable };
    },

    async forget(kind, id) {
      await records.forget(kind, id);
    },

    async reseal(kind) {
      for (const { id, body: stored, expiresAtMs } of await records.kept(kind)) {
        const { sealed = "" } = body.safeParse(stored).data ?? {};
        const plain = sealing.open(sealed, about(kind, id));
        if (plain === null) continue;
        const anew = { sealed: sealing.seal(plain, about(kind, id)) };
        await records.keep({ kind, id, body: anew, expiresAtMs });
      }
    },
  };
}
