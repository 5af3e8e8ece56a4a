import type { Engine } from "../../src/engine/engine.ts";
import { type OpenedEngine, registerEngineContract } from "../engine/contract.ts";
import { Platter, VolatileEngine } from "./disk.ts";

async function open(): Promise<OpenedEngine> {
  const platter = new Platter();
  const spin = (): Engine =>
    new VolatileEngine(platter, {
      flushMs: () => 0,
      readMs: () => 0,
      flush: () => "well",
      after: (_delayMs, fire) => setImmediate(fire),
      nowMs: () => performance.now(),
      written: () => undefined,
      isAlive: () => true,
    });
  const engine = spin();
  return {
    engine,
    reopen: async () => {
      await engine.close();
      return spin();
    },
    dispose: () => engine.close(),
  };
}

registerEngineContract("simulated disk", open);
