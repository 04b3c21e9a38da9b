// What the server tells every second, kept for the page, with some minutes of history of each arm.
import { useEffect, useState } from "preact/hooks";
import { readEvents, Refusal } from "./api";
import type { ArmStatus, Experiment, Pool, Report, Route, Status, Worker } from "./types";

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

function remember(status: Status): void {
  const times = [...feed.times, Date.now() / 1000];
  const surplus = Math.max(0, times.length - kHistory);
  times.splice(0, surplus);
  for (const arm of status.arms) {
    const key = armKey(arm);
    let history = histories.get(key);
    if (!history) {
      const nothing = times.length - 1;
      history = { rates: Array(nothing).fill(0), p50: Array(nothing).fill(null), p99: Array(nothing).fill(null) };
      histories.set(key, history);
    }
    history.rates.push(arm.recent?.per_second ?? 0);
    history.p50.push(arm.recent?.p50_ms ?? null);
    history.p99.push(arm.recent?.p99_ms ?? null);
    for (const column of [history.rates, history.p50, history.p99]) column.splice(0, column.length - times.length);
  }
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
