import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Bar } from "./bar";
import { Details } from "./details";
import { Experiments } from "./experiment";
import { reconnect, useFeed, type Feed } from "./feed";
import { percent, rate } from "./format";
import { Audit, InFlight } from "./looks";
import { Routes } from "./routes";
import { Workers } from "./workers";
import "./style.css";

function openRoute(): string {
  const match = /^#\/route\/(.+)$/.exec(location.hash);
  try {
    return match ? decodeURIComponent(match[1]!) : "";
  } catch {
    return "";
  }
}

function Tile({ name, value, isBad = false }: { name: string; value: string; isBad?: boolean }) {
  return (
    <div class="tile">
      <dt>{name}</dt>
      <dd class={isBad ? "bad" : ""} data-tile={name}>
        {value}
      </dd>
    </div>
  );
}

function Tiles({ feed }: { feed: Feed }) {
  const arms = feed.status?.arms ?? [];
  const perSecond = arms.reduce((sum, arm) => sum + (arm.recent?.per_second ?? 0), 0);
  const errors = arms.reduce((sum, arm) => sum + (arm.recent ? arm.recent.per_second * arm.recent.error_share : 0), 0);
  const ready = feed.pools.reduce((sum, pool) => sum + pool.workers_ready, 0);
  const workers = feed.pools.reduce((sum, pool) => sum + pool.workers, 0);
  const queued = feed.pools.reduce((sum, pool) => sum + pool.queued, 0);
  const dropped = feed.status?.access_lines_dropped ?? 0;
  return (
    <dl class="tiles">
      <Tile name="requests/s" value={rate(perSecond)} />
      <Tile name="5xx" value={percent(perSecond ? errors / perSecond : 0)} isBad={errors > 0} />
      <Tile name="connections" value={String(feed.status?.connections ?? 0)} />
      <Tile name="queued" value={String(queued)} isBad={feed.pools.some((pool) => pool.queued > pool.queue_limit / 2)} />
      {workers > 0 && <Tile name="workers ready" value={`${ready} / ${workers}`} isBad={ready < workers} />}
      {dropped > 0 && <Tile name="log lines dropped" value={String(dropped)} isBad />}
    </dl>
  );
}

function App() {
  const feed = useFeed();
  const [open, setOpen] = useState(openRoute());
  useEffect(() => {
    const changed = () => setOpen(openRoute());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  // Beside the routes, or below them while that place is taken.
  const experiments = <Experiments experiments={feed.experiments} reports={feed.reports} />;
  const revisions = feed.experiments.map((one) => `${one.id} ${one.revision}`).join();
  return (
    <>
      <Bar feed={feed} />
      <main class={open ? "with-details" : ""} data-live={feed.connection === "live"}>
        <Tiles feed={feed} />
        <div class="columns">
          <div>
            <Routes feed={feed} open={open} />
            <Workers feed={feed} />
            {open && experiments}
          </div>
          <div>{open ? <Details feed={feed} name={open} /> : experiments}</div>
        </div>
        <InFlight />
        <Audit version={revisions} />
      </main>
    </>
  );
}

reconnect();
render(<App />, document.getElementById("app")!);
