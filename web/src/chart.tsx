// Latency of a route's arms over the last minutes.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { historyOf } from "./feed";
import { milliseconds, roundMilliseconds, timeOfDay } from "./format";
import type { ArmStatus } from "./types";

const kHeight = 170;

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// The first arm of each backend has the colour that its name has in the tables.
function colours(arms: ArmStatus[]): string[] {
  const more = ["--line-3", "--line-4"];
  const taken = new Set<string>();
  return arms.map((arm) => {
    const own = arm.backend === "native" ? "--line-1" : "--line-2";
    const name = taken.has(own) ? (more.shift() ?? own) : own;
    taken.add(own);
    return colour(name);
  });
}

function data(arms: ArmStatus[], times: number[]): uPlot.AlignedData {
  const nothing = times.map(() => null);
  return [times, ...arms.flatMap((arm) => [historyOf(arm)?.p99 ?? nothing, historyOf(arm)?.p50 ?? nothing])];
}

function options(arms: ArmStatus[], width: number): uPlot.Options {
  const strokes = colours(arms);
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--border"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
  return {
    width,
    height: kHeight,
    // At least a minute wide, so that the first seconds look like what they are.
    scales: { x: { range: (_, first, last) => [Math.min(first, last - 60), last] }, y: { distr: 3 } },
    cursor: { y: false },
    legend: { live: true, markers: { dash: (_, i) => (i % 2 ? "solid" : "dotted") } },
    series: [
      { label: "Time", value: (_, seconds) => (seconds ? timeOfDay(seconds) : "") },
      ...arms.flatMap((arm, i): uPlot.Series[] => {
        const stroke = strokes[i]!;
        const value = (_: uPlot, ms: number | null) => milliseconds(ms);
        return [
          { label: `${arm.arm || arm.backend} p99`, stroke, width: 1.5, value, points: { show: false } },
          { label: `${arm.arm || arm.backend} p50`, stroke, width: 1.5, dash: [3, 3], value, points: { show: false } },
        ];
      }),
    ],
    axes: [
      { ...axis, size: 26, values: (_, ticks) => ticks.map(timeOfDay) },
      { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => (tick ? roundMilliseconds(tick) : "")) },
    ],
  };
}

export function Chart({ arms, times }: { arms: ArmStatus[]; times: number[] }) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>();
  const names = arms.map((arm) => arm.arm + arm.backend).join();
  useEffect(() => {
    const element = place.current!;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(arms, element.clientWidth), data(arms, times), element);
    };
    draw();
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: kHeight }));
    resized.observe(element);
    dark.addEventListener("change", draw);
    return () => {
      resized.disconnect();
      dark.removeEventListener("change", draw);
      plot.current?.destroy();
    };
  }, [names]);
  useEffect(() => {
    const now = plot.current;
    now?.setData(data(arms, times));
    if (now && now.cursor.idx == null) now.setLegend({ idx: times.length - 1 });
  }, [times]);
  return <div class="chart" ref={place} role="img" aria-label="Latency of the arms over the last minutes, p99 solid, p50 dashed" />;
}
