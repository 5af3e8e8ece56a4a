import { describe, it } from "vitest";
import { loadCore } from "../model/core.ts";
import { DEFECTS } from "./defects.ts";

const core = await loadCore(new URL("../../src", import.meta.url).href);

describe("what was found stays mended", () => {
  it.each(Object.entries(DEFECTS))("%s", (_name, play) => {
    play(core);
  });
});
