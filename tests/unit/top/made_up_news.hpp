// What a server with two routes, two workers and an experiment tells.
#pragma once

#include "top/news.hpp"

namespace tandem::top {

inline News made_up_news() {
  News news;
  const auto status = [](double cpu_seconds, int uptime) {
    return R"({"version": "0.1.0", "pid": 42, "state": "ready", "uptime_seconds": )" + std::to_string(uptime) +
           R"(, "generation": 2, "connections": 12345, "rss_bytes": 88080384, "cpu_seconds": )" +
           std::to_string(cpu_seconds) +
           R"(, "pools": [{"name": "python", "workers": 2, "workers_ready": 1, "queued": 3, "queue_limit": 1024}],
        "arms": [
          {"route": "fib", "arm": "cpp", "backend": "native", "requests": {"total": 1234567},
           "recent": {"per_second": 250.5, "error_share": 0, "p50_ms": 0.0183, "p99_ms": 0.25}},
          {"route": "fib", "arm": "py", "backend": "python", "requests": {"total": 9999},
           "recent": {"per_second": 2.5, "error_share": 0.0002, "p50_ms": 12.34, "p99_ms": 1234.5}},
          {"route": "", "arm": "", "backend": "native", "requests": {"total": 5},
           "recent": {"per_second": 0, "error_share": 0, "p50_ms": null, "p99_ms": null}}]})";
  };
  const TimePoint now{};
  news.tell("status", status(10, 191), now);
  news.tell("status", status(10.93, 192), now);
  news.tell("routes", R"({"routes": [
    {"name": "fib", "path": "/fib/{n}", "arms": [{"name": "cpp", "backend": "native", "share": 0.5}, {"name": "py", "backend": "python", "share": 0.5}]},
    {"name": "/stra\u00dfe", "path": "/stra\u00dfe", "arms": [{"name": "", "backend": "native", "share": 1}]}]})",
            now);
  news.tell("workers", R"({"pools": [], "workers": [
    {"pool": "python", "generation": 2, "pid": 51, "state": "ready", "in_flight": 1, "requests": 600, "restarts": 0,
     "gil_wait_seconds": 0.000004, "rss_bytes": 30408704, "age_seconds": 192},
    {"pool": "python", "generation": 2, "pid": 0, "state": "backing_off", "in_flight": 0, "requests": 0, "restarts": 7,
     "gil_wait_seconds": 0, "rss_bytes": 0, "age_seconds": 5}]})",
            now);
  news.tell("experiments", R"({"experiments": [{"id": "fib-port", "route": "fib", "state": "rolled_back", "revision": 3,
    "arms": [{"name": "cpp", "is_control": false, "traffic_bp": 2525}, {"name": "py", "is_control": true, "traffic_bp": 7475}],
    "guardrails": [
      {"guardrail": "errors", "arm": "cpp", "fired": false, "evidence": {"ln_e": 2.3, "ln_e_limit": 4.6}},
      {"guardrail": "latency", "arm": "cpp", "fired": false, "evidence": {"low": 0.3, "margin": 3}},
      {"guardrail": "cpu", "arm": "cpp", "fired": false, "evidence": null}]}]})",
            now);
  news.tell("report", R"({"experiment": "fib-port", "candidates": [{"name": "cpp", "effects": [
    {"metric": "mean", "verdict": "better", "ratio": 0.0312, "interval": [0.03, 0.0325], "control": 12340000, "candidate": 385000},
    {"metric": "errors", "verdict": "undecided", "ratio": 1.5, "interval": [0.5, null], "control": 0.01, "candidate": 0.015},
    {"metric": "bytes", "verdict": "no data", "ratio": null, "interval": [null, null], "control": null, "candidate": null}]}]})",
            now);
  return news;
}

}  // namespace tandem::top
