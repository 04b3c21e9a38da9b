// What is asked for when it is opened: the requests at the workers with their stacks, and the audit log.
import { useState } from "preact/hooks";
import { useAnswer } from "./ask";
import { duration, milliseconds, time } from "./format";
import type { AuditEntry, InFlight as Request, Stack } from "./types";

export function InFlight() {
  const [isOpen, setOpen] = useState(false);
  const requests = useAnswer<{ requests: Request[] }>(isOpen ? "/api/v1/requests" : null, 2);
  const stacks = useAnswer<{ workers: Stack[] }>(isOpen ? "/api/v1/stacks" : null, 2);
  const list = requests.document?.requests ?? [];
  return (
    <details class="card fold" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <h2>In flight</h2> <span class="hint">requests at the workers, and what Python does with them</span>
      </summary>
      {(requests.problem || stacks.problem) && <p class="bad">{requests.problem || stacks.problem}</p>}
      {requests.document && list.length === 0 && <p class="empty">no requests at the workers</p>}
      {list.length > 0 && (
        <div class="scroll" tabIndex={0} role="group" aria-label="Requests at the workers">
          <table>
            <thead>
              <tr>
                <th scope="col" class="number">Age</th>
                <th scope="col">State</th>
                <th scope="col">Request</th>
                <th scope="col">Route</th>
                <th scope="col">Endpoint</th>
                <th scope="col" class="number">Pid</th>
                <th scope="col">Id</th>
              </tr>
            </thead>
            <tbody>
              {list.slice(0, 200).map((one, i) => (
                <tr key={one.id || i}>
                  <td class="number">{one.age_seconds < 60 ? milliseconds(one.age_seconds * 1000) : duration(one.age_seconds)}</td>
                  <td>{one.state}</td>
                  <td>
                    <code>
                      {one.method} {one.path}
                    </code>
                  </td>
                  <td>{one.route}</td>
                  <td>{one.endpoint}</td>
                  <td class="number">{one.pid || "–"}</td>
                  <td>
                    <small>{one.id}</small>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {stacks.document?.workers.map((worker) => (
        <details class="stack" key={worker.pool + worker.worker + worker.pid}>
          <summary>
            {worker.worker} <span class="hint">{worker.pid ? `pid ${worker.pid}` : "a thread of the server"}</span>
            {worker.raw && <span class="badge stuck">interpreter busy</span>}
          </summary>
          <pre tabIndex={0}>{worker.text.trim() || "idle"}</pre>
        </details>
      ))}
    </details>
  );
}

// `version`: becomes another when there is news.
export function Audit({ version }: { version: string }) {
  const [isOpen, setOpen] = useState(false);
  const { document, problem } = useAnswer<{ entries: AuditEntry[] }>(isOpen ? "/api/v1/audit" : null, 0, version);
  const entries = document?.entries.slice(-100).reverse() ?? [];
  return (
    <details class="card fold audit" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <h2>Audit</h2> <span class="hint">who changed which experiment, when and why</span>
      </summary>
      {problem && <p class="bad">{problem}</p>}
      {document && entries.length === 0 && <p class="empty">nothing yet</p>}
      {entries.length > 0 && (
        <div class="scroll" tabIndex={0} role="group" aria-label="The newest changes">
          <table>
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Experiment</th>
                <th scope="col">What</th>
                <th scope="col">Revision</th>
                <th scope="col">Who</th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              {entries.map((one) => (
                <tr key={one.at + one.experiment + one.to}>
                  <td>{time(one.at)}</td>
                  <td>{one.experiment}</td>
                  <td title={JSON.stringify(one.patch)}>{one.action}</td>
                  <td>
                    {one.from} → {one.to}
                  </td>
                  <td>{one.actor}</td>
                  <td>{one.reason}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}
