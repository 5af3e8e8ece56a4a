import { walk } from "./walk.ts"; import { loadCore } from "./core.ts";
const core = await loadCore(new URL("../../src", import.meta.url).href);
const t = Date.now(); const bad: Record<string, number[]> = {}; let st=0,w=0;
const N = Number(process.argv[2]);
for (let s=0;s<N;s++){ const r=walk(s,core); st+=r.steps; w+=r.writes; if(r.violation) (bad[r.violation.invariant+": "+r.violation.says.replace(/\d+/g,'#')]??=[]).push(s); }
console.log(N, st, w, (Date.now()-t)/1000); for (const [k,v] of Object.entries(bad)) console.log(k, v.length, v.slice(0,5));
