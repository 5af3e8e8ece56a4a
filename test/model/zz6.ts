import { walk } from "./walk.ts"; import { loadCore } from "./core.ts";
const core = await loadCore(new URL("../../src", import.meta.url).href);
for (const s of process.argv.slice(2).map(Number)) { const r=walk(s,core); console.log(s, r.violation, r.steps); 
 const t = r.trace.filter(x=>/teams|Teams|signs|dynamics|crash|desk|meeting/.test(x) && !/is read$|\(same\)|unusable|stale/.test(x)); console.log(t.slice(-34).join("\n")); }
