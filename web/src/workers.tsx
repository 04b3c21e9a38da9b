// Pools with their queues, and their workers.
import type { Feed } from "./feed";
import { bytes, count, duration, milliseconds } from "./format";
import { memo } from "./memo";

interface Props {
  name: string;
  pool: string;
  generation: number;
  pid: number;
  state: string;
  inFlight: number;
  requests: string;
  restarts: number;
  gil: string;
  rss: string;
  age: string;
}

const Line = memo(function Line(props: Props) {
  return (
    <tr data-worker={props.name}>
      <th scope="row" title={`pool ${props.pool}, generation ${props.generation}`}>
        {props.name}
      </th>
      <td class="number pid">{props.pid || "–"}</td>
      <td>
        <span class={`badge ${props.state}`}>{props.state.replace("_", " ")}</span>
      </td>
      <td class="number">{props.inFlight}</td>
      <td class="number">{props.gil}</td>
      <td class="number">{props.rss}</td>
      <td class="number">{props.requests}</td>
      <td class={`number ${props.restarts ? "warn" : ""}`}>{props.restarts}</td>
      <td class="number">{props.age}</td>
    </tr>
  );
});

export function Workers({ feed }: { feed: Feed }) {
  return (
    <section class="card" aria-labelledby="workers-title">
      <header>
        <h2 id="workers-title">Workers</h2>
      </header>
      {feed.pools.map((pool) => (
        <p class="pool" key={pool.name}>
          <b>{pool.name}</b> {pool.mode} · {pool.workers_ready} of {pool.workers} ready · queue
          <meter
            min={0}
            max={pool.queue_limit || 1}
            high={(pool.queue_limit || 1) * 0.8}
            optimum={0}
            value={pool.queued}
            aria-label={`requests queued for ${pool.name}`}
          />
          {pool.queued} of {pool.queue_limit}
        </p>
      ))}
      {feed.workers.length === 0 ? (
        <p class="empty">no route has an endpoint in Python</p>
      ) : (
        <div class="scroll" tabIndex={0} role="group" aria-labelledby="workers-title">
          <table>
            <thead>
              <tr>
                <th scope="col">Worker</th>
                <th scope="col" class="number pid">Pid</th>
                <th scope="col">State</th>
                <th scope="col" class="number">In flight</th>
                <th scope="col" class="number">GIL wait</th>
                <th scope="col" class="number">RSS</th>
                <th scope="col" class="number">Requests</th>
                <th scope="col" class="number">Restarts</th>
                <th scope="col" class="number">Age</th>
              </tr>
            </thead>
            <tbody>
              {feed.workers.map((one) => (
                <Line
                  key={`${one.generation} ${one.worker}`}
                  name={one.worker}
                  pool={one.pool}
                  generation={one.generation}
                  pid={one.pid}
                  state={one.state}
                  inFlight={one.in_flight}
                  requests={count(one.requests)}
                  restarts={one.restarts}
                  gil={milliseconds(one.gil_wait_seconds * 1000)}
                  rss={bytes(one.rss_bytes)}
                  age={duration(one.age_seconds)}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
