import { z } from "zod";
import type { EntraApp } from "./app.ts";
import { command } from "./command.ts";
import type { Signing } from "./signing.ts";

/** What the controls change and the endpoints obey. */
export type EntraState = {
  readonly apps: Map<string, EntraApp>;
  readonly signing: Signing;
  tokenLifetimeSeconds: number;
  down: boolean;
  tokenRequests: number;
  tokensIssued: number;
};

const app = z.strictObject({
  clientId: z.string(),
  secrets: z.array(z.strictObject({ value: z.string(), expired: z.boolean().optional() })),
  certificates: z.array(z.string()),
  roles: z.array(z.string()),
});

export type EntraControl = ReturnType<typeof createEntraControl>;

export function createEntraControl(state: EntraState) {
  return {
    /** New tokens get a new key; old ones stay valid unless `retireOld`. */
    rotateSigningKey: command(
      z.strictObject({ retireOld: z.boolean().default(false) }),
      ({ retireOld }) => state.signing.rotate(retireOld),
    ),
    setTokenLifetime: command(z.strictObject({ seconds: z.number().positive() }), ({ seconds }) => {
      state.tokenLifetimeSeconds = seconds;
    }),
    /** Every endpoint answers 503 until `down` is false again. */
    setDown: command(z.strictObject({ down: z.boolean() }), ({ down }) => {
      state.down = down;
    }),
    /** Registers an app, or replaces its credentials and roles: tokens already issued keep the old roles. */
    putApp: command(app, (registered) => {
      state.apps.set(registered.clientId.toLowerCase(), registered);
    }),
    /** A token of any header and claims, texts of JSON as a rule, by the key that signs just now. */
    signText: command(
      z.strictObject({ header: z.string(), payload: z.string() }),
      ({ header, payload }) => state.signing.signText(header, payload),
    ),
    tokenRequests: command(z.strictObject({}), () => ({
      requests: state.tokenRequests,
      issued: state.tokensIssued,
    })),
  };
}
