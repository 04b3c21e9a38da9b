#include "admin/no_dashboard.hpp"

#include <array>

namespace tandem::admin {

namespace {

constexpr std::string_view kPage = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Tandem</title>
<h1>Tandem's admin side</h1>
<p>This build has no dashboard: there was no npm when it was made. To get it, run
<code>./tandem-dev install dashboard</code>, then build and start it again (docs/dashboard.md). Everything else is here:</p>
<ul>
<li><a href="/healthz">/healthz</a>: 200 while the server is alive</li>
<li><a href="/readyz">/readyz</a>: 200 while it takes traffic, 503 while it starts or drains</li>
<li><a href="/metrics">/metrics</a>: Prometheus text</li>
<li><a href="/api/v1/status">/api/v1/status</a>: version, uptime, pools, requests and latencies by arm</li>
<li><a href="/api/v1/routes">/api/v1/routes</a>: the route table</li>
<li><a href="/api/v1/workers">/api/v1/workers</a>: the workers of each pool</li>
<li><a href="/api/v1/stacks">/api/v1/stacks</a>: what every worker is doing now, <code>?pool=NAME</code> and <code>?pid=N</code> of one</li>
<li><a href="/api/v1/requests">/api/v1/requests</a>: the requests at the workers now, with their age</li>
<li><a href="/api/v1/experiments">/api/v1/experiments</a>: the experiments, their weights and reports</li>
<li><a href="/api/v1/audit">/api/v1/audit</a>: who changed what of them, when and why</li>
<li><a href="/api/v1/events">/api/v1/events</a>: all of this every second, as server-sent events</li>
<li><code>POST /api/v1/reload</code>: read the config and the Python code anew</li>
</ul>
</html>
)";

constexpr std::array kFiles = {DashboardFile{"/", "text/html; charset=utf-8", "", kPage, ""}};

}  // namespace

std::span<const DashboardFile> no_dashboard() { return kFiles; }

}  // namespace tandem::admin
