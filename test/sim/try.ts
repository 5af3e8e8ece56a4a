import { CLIMATES, type ClimateName } from "./climate.ts";
import { realDrive } from "./drive.ts";
import { simulate } from "./simulation.ts";

const [climate = "network", from = "0", count = "10", lines = "0"] = process.argv.slice(2);
const drive = await realDrive();
const names = climate === "all" ? (Object.keys(CLIMATES) as ClimateName[]) : [climate as ClimateName];
for (const name of names) {
  const started = performance.now();
  let events = 0, writes = 0, bad = 0;
  const kinds = new Map<string, number[]>();
  const covered = new Map<string, number>();
  for (let seed = Number(from); seed < Number(from) + Number(count); seed += 1) {
    const r = await simulate(seed, name, drive);
    events += r.events; writes += r.writes;
    for (const [k, v] of r.covered) covered.set(k, (covered.get(k) ?? 0) + v);
    if (r.violation) {
      bad += 1;
      const k = r.violation.message.replace(/[a-f0-9-]{36}/g, "REP").slice(0, 160);
      kinds.set(k, [...(kinds.get(k) ?? []), seed]);
      if (Number(lines) > 0) console.log(r.lines.slice(-Number(lines)).join("\n"));
    }
  }
  const s = (performance.now() - started) / 1000;
  console.log(name, { bad, count, events, writes, seconds: s.toFixed(2), perSecond: Math.round(events / s) });
  for (const [k, v] of [...kinds].sort((a,b)=>b[1].length-a[1].length)) console.log("  ", v.length, k, "seeds", v.slice(0, 8).join(" "));
  if (process.env["COVER"]) console.log(Object.fromEntries([...covered].sort()));
}
