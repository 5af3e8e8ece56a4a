import { describe, it } from "vitest";
import { loadCore } from "../model/core.ts";
import { SCENARIOS } from "./scenarios.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);

describe("the status that is wanted", () => {
  it.each(Object.entries(SCENARIOS))("%s", (_name, play) => {
    play(core);
  });
});
