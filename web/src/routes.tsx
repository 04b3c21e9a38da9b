// The table of routes: a line for each arm, with what it did within the last seconds.
import { useMemo, useState } from "preact/hooks";
import { armKey, historyOf, type Feed } from "./feed";
import { basisPoints, count, milliseconds, percent, rate } from "./format";
import { memo } from "./memo";
import type { ArmStatus, Experiment, Route } from "./types";

interface LineProps {
  route: string;
  path: string;
  rows: number; // of the route; 0: not its first line
  state: string; // of the experiment; empty: none
  isOpen: boolean;
  arm: string;
  backend: string;
  share: string;
  width: number; // of the share, in per cent
  rate: string;
  spark: string;
  p50: string;
  p99: string;
  errors: string;
  hasErrors: boolean;
  requests: string;
}

const Line = memo(function Line(props: LineProps) {
  return (
    <tr class={`${props.rows ? "first" : ""} ${props.rate === "0" ? "idle" : ""}`} data-route={props.route} data-arm={props.arm}>
      {props.rows > 0 && (
        <th scope="rowgroup" rowSpan={props.rows} class={props.isOpen ? "open" : ""}>
          {props.route && (
            <a href={`#/route/${encodeURIComponent(props.route)}`} aria-current={props.isOpen ? "true" : undefined}>
              {props.route}
            </a>
          )}
          {props.path !== props.route && <small>{props.path}</small>}
          {props.state && <span class={`badge ${props.state}`}>{props.state.replace("_", " ")}</span>}
        </th>
      )}
      <td>
        <span class={`arm ${props.backend === "native" ? "native" : "python"}`}>{props.arm || props.backend}</span>
      </td>
      <td class="share" data-value={props.share}>
        {props.share && (
          <>
            <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
              <rect width={props.width} height="6" />
            </svg>
            {props.share}
          </>
        )}
      </td>
      <td class="number rate">{props.rate}</td>
      <td class="spark">
        <svg viewBox="0 0 60 16" preserveAspectRatio="none" aria-hidden="true">
          <path d={props.spark} />
        </svg>
      </td>
      <td class="number p50">{props.p50}</td>
      <td class="number p99">{props.p99}</td>
      <td class={`number ${props.hasErrors ? "bad" : ""}`}>{props.errors}</td>
      <td class="number total">{props.requests}</td>
    </tr>
  );
});

// The rate of the last minute, 60 wide and 16 high.
function spark(arm: ArmStatus | undefined): string {
  const rates = arm ? historyOf(arm)?.rates.slice(-60) : undefined;
  const top = rates ? Math.max(...rates) : 0;
  if (!rates || top === 0) return "";
  const left = 60 - rates.length;
  return rates.map((value, i) => `${i ? "L" : "M"}${left + i} ${(15 - (14 * value) / top).toFixed(1)}`).join("");
}

function lines(
  route: Route,
  arms: Map<string, ArmStatus>,
  experiment: Experiment | undefined,
  isOpen: boolean,
): LineProps[] {
  return route.arms.map((one, i) => {
    const arm = arms.get(armKey({ route: route.name, arm: one.name, backend: one.backend }));
    const traffic = experiment?.arms.find((other) => other.name === one.name)?.traffic_bp ?? one.share * 10000;
    const isTwin = one.name !== "";
    return {
      route: route.name,
      path: route.path,
      rows: i === 0 ? route.arms.length : 0,
      state: experiment?.state ?? "",
      isOpen,
      arm: one.name,
      backend: one.backend,
      share: isTwin ? basisPoints(traffic) : "",
      width: traffic / 100,
      rate: rate(arm?.recent?.per_second ?? 0),
      spark: spark(arm),
      p50: milliseconds(arm?.recent?.p50_ms),
      p99: milliseconds(arm?.recent?.p99_ms),
      errors: percent(arm?.recent?.error_share ?? 0),
      hasErrors: (arm?.recent?.error_share ?? 0) > 0,
      requests: count(arm?.requests.total ?? 0),
    };
  });
}

export function Routes({ feed, open }: { feed: Feed; open: string }) {
  const [filter, setFilter] = useState("");
  const [isBusy, setBusy] = useState(false);
  const arms = useMemo(() => new Map(feed.status?.arms.map((arm) => [armKey(arm), arm])), [feed.status]);
  const wanted = filter.toLowerCase();
  // What fits no route is counted as well.
  const others = feed.status?.arms.find((arm) => arm.route === "" && arm.requests.total > 0);
  const all: Route[] = others
    ? [...feed.routes, { name: "", path: "(no route)", methods: [], arms: [{ name: others.arm, backend: others.backend, endpoint: "", share: 1 }] }]
    : feed.routes;
  const routes = all.filter(
    (route) =>
      (route.name + " " + route.path).toLowerCase().includes(wanted) &&
      (!isBusy || route.arms.some((one) => arms.get(armKey({ route: route.name, arm: one.name, backend: one.backend }))?.recent?.per_second)),
  );
  const seconds = Math.round(feed.status?.recent_seconds ?? 0);
  return (
    <section class="card routes" aria-labelledby="routes-title">
      <header>
        <h2 id="routes-title">Routes</h2>
        <span class="hint">within the last {seconds || "few"} seconds</span>
        <label class="check">
          <input type="checkbox" checked={isBusy} onInput={(event) => setBusy(event.currentTarget.checked)} /> busy only
        </label>
        <input
          type="search"
          placeholder="Filter"
          aria-label="Filter routes"
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
      </header>
      <div class="scroll" tabIndex={0} role="group" aria-labelledby="routes-title">
        <table>
          <thead>
            <tr>
              <th scope="col">Route</th>
              <th scope="col">Arm</th>
              <th scope="col">Traffic</th>
              <th scope="col" class="number">Req/s</th>
              <th scope="col"><span class="hidden">Rate of the last minute</span></th>
              <th scope="col" class="number">p50</th>
              <th scope="col" class="number">p99</th>
              <th scope="col" class="number">5xx</th>
              <th scope="col" class="number">Total</th>
            </tr>
          </thead>
          {routes.map((route) => (
            <tbody key={route.name}>
              {lines(route, arms, feed.experiments.find((one) => one.route === route.name), open !== "" && open === route.name).map((line) => (
                <Line key={line.arm + line.backend} {...line} />
              ))}
            </tbody>
          ))}
        </table>
        {routes.length === 0 && <p class="empty">no such routes</p>}
      </div>
    </section>
  );
}
