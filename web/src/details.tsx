// Everything about one route, beside the table or, on a small screen, over it.
import { useEffect, useRef } from "preact/hooks";
import { Chart } from "./chart";
import { Diffs } from "./diffs";
import { Guardrails, Ramp, Standing, Verdicts } from "./experiment";
import type { Feed } from "./feed";
import { count, dash, milliseconds } from "./format";
import { Steer } from "./steer";

export function Details({ feed, name }: { feed: Feed; name: string }) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), [name]);
  useEffect(() => {
    const close = (event: KeyboardEvent) => {
      if (event.key === "Escape") location.hash = "#/";
    };
    addEventListener("keydown", close);
    return () => removeEventListener("keydown", close);
  }, []);
  const route = feed.routes.find((one) => one.name === name);
  const arms = feed.status?.arms.filter((one) => one.route === name) ?? [];
  const experiment = feed.experiments.find((one) => one.route === name);
  return (
    <aside class="card details" aria-labelledby="details-title">
      <header>
        <h2 id="details-title" tabIndex={-1} ref={title}>
          {name}
        </h2>
        {route && (
          <span class="hint">
            {route.methods.join(", ")} {route.path}
          </span>
        )}
        <a class="close" href="#/" aria-label="Close the details">
          ✕
        </a>
      </header>
      {!route && feed.routes.length > 0 && <p class="bad">There is no such route.</p>}
      {arms.length > 0 && <Chart key={name} arms={arms} times={feed.times} />}
      {arms.length > 0 && (
        <div class="scroll" tabIndex={0} role="group" aria-label="Since the start">
          <table>
            <caption>Since the start</caption>
            <thead>
              <tr>
                <th scope="col">Arm</th>
                <th scope="col" class="endpoint">Endpoint</th>
                <th scope="col" class="number">2xx</th>
                <th scope="col" class="number">4xx</th>
                <th scope="col" class="number">5xx</th>
                <th scope="col" class="number">Mean</th>
                <th scope="col" class="number">p99</th>
                <th scope="col" class="number">Max</th>
                <th scope="col" class="number">CPU</th>
              </tr>
            </thead>
            <tbody>
              {arms.map((arm) => (
                <tr key={arm.arm + arm.backend}>
                  <th scope="row">
                    <span class={`arm ${arm.backend === "native" ? "native" : "python"}`}>{arm.arm || arm.backend}</span>
                  </th>
                  <td class="endpoint">{route?.arms.find((one) => one.name === arm.arm && one.backend === arm.backend)?.endpoint ?? dash}</td>
                  <td class="number">{count(arm.requests["2xx"])}</td>
                  <td class="number">{count(arm.requests["4xx"])}</td>
                  <td class={`number ${arm.requests["5xx"] ? "bad" : ""}`}>{count(arm.requests["5xx"])}</td>
                  <td class="number">{milliseconds(arm.latency_ms.mean)}</td>
                  <td class="number">{milliseconds(arm.latency_ms.p99)}</td>
                  <td class="number">{milliseconds(arm.latency_ms.max)}</td>
                  <td class="number">{milliseconds(arm.cpu_seconds > 0 ? arm.cpu_seconds * 1000 : null)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {experiment ? (
        <>
          <h3>Experiment</h3>
          <Standing experiment={experiment} />
          <Steer key={experiment.id} experiment={experiment} />
          {experiment.schedule && <Ramp schedule={experiment.schedule} />}
          <Guardrails guardrails={experiment.guardrails} />
          <h3>Verdicts</h3>
          <Verdicts report={feed.reports[experiment.id]} />
          <h3>Differences</h3>
          <Diffs id={experiment.id} />
        </>
      ) : (
        route &&
        route.arms.length > 1 && (
          <p class="hint">
            Its weights are those of the config file. With <code>"experiment"</code> there they can be changed here.
          </p>
        )
      )}
    </aside>
  );
}
