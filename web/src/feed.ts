// What the server tells every second, kept for the page, with some minutes of history of each arm.
import { useEffect, useState } from "preact/hooks";
import { readEvents, Refusal } from "./api";
import type { ArmStatus, Experiment, Pool, Recent, Report, Route, Status, Worker } from "./types";

export const kHistory = 300; // seconds

// One arm's recent past; the arrays are as long as the common times.
export interface History {
  rates: number[];
  p50: (number | null)[];
  p99: (number | null)[];
}

export interface Feed {
  connection: "connecting" | "live" | "lost" | "refused";
  problem: string; // why it is not live
  status: Status | null;
  workers: Worker[];
  pools: Pool[];
  routes: Route[];
  experiments: Experiment[];
  reports: Record<string, Report>; // by experiment
  times: number[]; // Unix seconds of the history
}

export const armKey = (arm: { route: string; arm: string; backend: string }) => `${arm.route}\n${arm.arm}\n${arm.backend}`;

let feed: Feed = {
  connection: "connecting",
  problem: "",
  status: null,
  workers: [],
  pools: [],
  routes: [],
  experiments: [],
  reports: {},
  times: [],
};
const histories = new Map<string, History>();
const listeners = new Set<(feed: Feed) => void>();
let frame = 0;

// Several events come at once; the page is drawn once.
function change(part: Partial<Feed>): void {
  feed = { ...feed, ...part };
  if (frame) return;
  frame = window.setTimeout(() => {
    frame = 0;
    for (const listener of listeners) listener(feed);
  }, 16);
}

export function historyOf(arm: ArmStatus): History | undefined {
  return histories.get(armKey(arm));
}

const kGap = 3; // seconds without news, over which no line is drawn

function extend(history: History, recent: Recent | null): void {
  history.rates.push(recent?.per_second ?? 0);
  history.p50.push(recent?.p50_ms ?? null);
  history.p99.push(recent?.p99_ms ?? null);
}

// Every column is as long as the times, whatever arms come and go: of one that is not told of any more the past is forgotten.
function remember(status: Status): void {
  const now = Date.now() / 1000;
  const last = feed.times[feed.times.length - 1];
  const isGap = last !== undefined && now - last > kGap;
  const times = [...feed.times, ...(isGap ? [last + 1] : []), now].slice(-kHistory);
  const gone = new Set(histories.keys());
  for (const arm of status.arms) {
    const key = armKey(arm);
    gone.delete(key);
    let history = histories.get(key);
    if (history) {
      if (isGap) extend(history, null);
    } else {
      const past = times.length - 1;
      history = { rates: Array(past).fill(0), p50: Array(past).fill(null), p99: Array(past).fill(null) };
      histories.set(key, history);
    }
    extend(history, arm.recent);
    for (const column of [history.rates, history.p50, history.p99]) column.splice(0, column.length - times.length);
  }
  for (const key of gone) histories.delete(key);
  change({ status, times });
}

function tell(name: string, data: string): void {
  const document = JSON.parse(data);
  if (feed.connection !== "live") change({ connection: "live", problem: "" });
  if (name === "status") remember(document);
  else if (name === "workers") change({ workers: document.workers, pools: document.pools });
  else if (name === "routes") change({ routes: document.routes });
  else if (name === "experiments") change({ experiments: document.experiments });
  else if (name === "report") change({ reports: { ...feed.reports, [document.experiment]: document } });
}

let abort = new AbortController();

// Begins anew, as after another token.
export function reconnect(): void {
  abort.abort();
  abort = new AbortController();
  void watch(abort.signal);
}

async function watch(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await readEvents(signal, tell);
      change({ connection: "lost", problem: "the server ended the stream" });
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refusal && (error.status === 401 || error.status === 403)) {
        change({ connection: "refused", problem: error.message });
        return;
      }
      change({ connection: "lost", problem: error instanceof Refusal ? error.message : "the server does not answer" });
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

export function useFeed(): Feed {
  const [now, setNow] = useState(feed);
  useEffect(() => {
    listeners.add(setNow);
    return () => void listeners.delete(setNow);
  }, []);
  return now;
}
