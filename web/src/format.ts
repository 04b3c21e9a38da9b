// Numbers as people read them: few digits, a unit, a dash for what is not there.

export const dash = "–";

export function count(value: number): string {
  if (value < 10_000) return String(Math.round(value));
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]] as const)
    if (value >= size) return (value / size).toFixed(value / size < 100 ? 1 : 0) + unit;
  return String(value);
}

export function rate(perSecond: number): string {
  if (perSecond === 0) return "0";
  return perSecond < 10 ? perSecond.toFixed(1) : count(perSecond);
}

export function milliseconds(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return dash;
  if (ms === 0) return "0 µs";
  if (ms < 0.9995) return `${(ms * 1000).toFixed(ms < 0.00995 ? 1 : 0)} µs`;
  if (ms < 999.5) return `${ms.toFixed(ms < 99.95 ? 1 : 0)} ms`;
  return `${(ms / 1000).toFixed(2)} s`;
}

// A round value at an axis: "100 µs", "1 ms".
export function roundMilliseconds(ms: number): string {
  const [value, unit] = ms < 1 ? [ms * 1000, "µs"] : ms < 1000 ? [ms, "ms"] : [ms / 1000, "s"];
  return `${Number(value.toPrecision(3))} ${unit}`;
}

export function nanoseconds(ns: number | null): string {
  return milliseconds(ns === null ? null : ns / 1e6);
}

export function percent(share: number, digits = 1): string {
  const value = share * 100;
  if (value === 0) return "0 %";
  if (value < 0.1) return "< 0.1 %";
  return `${Number(value.toFixed(digits))} %`;
}

export function basisPoints(bp: number): string {
  return `${Number((bp / 100).toFixed(2))} %`;
}

export function bytes(value: number): string {
  return value === 0 ? dash : `${(value / (1 << 20)).toFixed(1)} MiB`;
}

export function duration(seconds: number): string {
  const s = Math.floor(seconds);
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m${String(s % 60).padStart(2, "0")}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}h${String(Math.floor((s % 3600) / 60)).padStart(2, "0")}m`;
  return `${Math.floor(s / 86400)}d${Math.floor((s % 86400) / 3600)}h`;
}

export function ratio(value: number | null | undefined): string {
  if (value === null || value === undefined) return dash;
  if (value === 0) return "0×";
  if (value < 0.001) return "< 0.001×";
  return `${value < 0.1 ? value.toFixed(3) : value < 10 ? value.toFixed(2) : value.toFixed(1)}×`;
}

// Local time, in the order that nobody misreads: 2026-11-23 19:03:51, which is how Sweden writes it.
export function time(text: string | number): string {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? String(text) : at.toLocaleString("sv-SE");
}

export function timeOfDay(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toLocaleTimeString("sv-SE");
}
