-- For wrk: wrk -s load.lua URL -- [DEPTH]
-- Prints what it measured as one JSON object on the last line. A DEPTH above 1 sends that many requests in one write before
-- it reads their answers; the latency is then that of a whole batch.

function init(args)
  local depth = tonumber(args[1] or "1")
  if depth > 1 then
    local batch = string.rep(wrk.format(), depth)
    -- Defining `request` at all makes wrk call it for every write, so that the plain case does not.
    request = function() return batch end
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"duration_us":%d,"bytes":%d,"p50_us":%d,"p90_us":%d,"p99_us":%d,"max_us":%d,' ..
    '"connect_errors":%d,"read_errors":%d,"write_errors":%d,"status_errors":%d,"timeouts":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(90),
    latency:percentile(99), latency.max, errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
