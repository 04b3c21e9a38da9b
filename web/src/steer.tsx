// Changing an experiment: weights by slider with a look at what would happen, and its other changes.
import { useEffect, useRef, useState } from "preact/hooks";
import { Refusal, send } from "./api";
import { basisPoints } from "./format";
import type { Experiment, Preview } from "./types";

const kActions: Record<string, string[]> = {
  draft: ["start"],
  running: ["pause", "rollback", "conclude"],
  paused: ["resume", "rollback", "conclude"],
  rolled_back: ["start"],
};
const kNames: Record<string, string> = { rollback: "Roll back" };
// What takes traffic from a candidate is never kept waiting by somebody else's change.
const kUrgent = ["pause", "rollback"];

export function explain(error: unknown): string {
  if (!(error instanceof Refusal)) return "the server does not answer";
  if (error.status === 401) return "this needs a token; type it in above";
  if (error.status === 412) return "somebody else was faster: look at what is there now, and try again";
  return error.message;
}

function pathOf(experiment: Experiment, rest: string): string {
  return `/api/v1/experiments/${encodeURIComponent(experiment.id)}${rest}`;
}

function PreviewText({ preview }: { preview: Preview }) {
  return (
    <>
      {preview.moved.length === 0 && <p>Nobody moves.</p>}
      {preview.moved.map((move) => (
        <p key={move.from + move.to}>
          {basisPoints(move.buckets)} of the keys move from {move.from} to {move.to}.
        </p>
      ))}
      {preview.warnings.map((warning) => (
        <p class="warn" key={warning}>
          {warning}
        </p>
      ))}
    </>
  );
}

export function Steer({ experiment }: { experiment: Experiment }) {
  const ordered = Object.fromEntries(experiment.arms.map((arm) => [arm.name, arm.weight_bp]));
  const candidates = experiment.arms.filter((arm) => !arm.is_control);
  const [wanted, setWanted] = useState<Record<string, number> | null>(null); // by candidate; null: nothing is dragged
  const [preview, setPreview] = useState<Preview | null>(null);
  const [reason, setReason] = useState("");
  const [said, setSaid] = useState({ text: "", isBad: false });
  const asked = useRef(0);
  const weights = wanted ?? ordered;
  const taken = candidates.reduce((sum, arm) => sum + (weights[arm.name] ?? 0), 0);

  // What is dragged is looked at by the server before anybody orders it.
  useEffect(() => {
    const mine = ++asked.current;
    if (!wanted) return setPreview(null);
    const timer = setTimeout(async () => {
      try {
        const path = pathOf(experiment, "?dry_run=1");
        const answer = await send<Preview>(path, { method: "PUT", revision: experiment.revision, body: { weights_bp: wanted } });
        if (mine === asked.current) setPreview(answer);
      } catch (error) {
        if (mine === asked.current) setSaid({ text: explain(error), isBad: true });
      }
    }, 120);
    return () => clearTimeout(timer);
  }, [wanted, experiment.revision]);

  function drag(arm: string, value: number) {
    const others = candidates.reduce((sum, one) => sum + (one.name === arm ? 0 : (weights[one.name] ?? 0)), 0);
    setSaid({ text: "", isBad: false });
    const next: Record<string, number> = {};
    for (const one of candidates) next[one.name] = one.name === arm ? Math.min(value, 10000 - others) : (weights[one.name] ?? 0);
    setWanted(next);
  }

  async function order(what: string, path: string, body: Record<string, unknown>, method: "PUT" | "POST") {
    if (!reason.trim()) return setSaid({ text: "Say why: it goes into the audit log.", isBad: true });
    try {
      const revision = kUrgent.includes(what) ? undefined : experiment.revision;
      const after = await send<Experiment>(pathOf(experiment, path), { method, revision, body: { ...body, reason } });
      setWanted(null);
      setReason("");
      setSaid({ text: `Done: revision ${after.revision}, ${after.state.replace("_", " ")}.`, isBad: false });
    } catch (error) {
      setSaid({ text: explain(error), isBad: true });
    }
  }

  const setWeights = () => order("weights", "", { weights_bp: wanted }, "PUT");
  const actions = [...(kActions[experiment.state] ?? [])];
  if (experiment.schedule && experiment.state === "running") actions.unshift("advance", "approve");
  return (
    <div class="steer">
      {candidates.map((arm) => (
        <label class="slider" key={arm.name}>
          <span>
            <b>{arm.name}</b> <output>{basisPoints(weights[arm.name] ?? 0)}</output>
          </span>
          <input
            type="range"
            min={0}
            max={10000}
            step={50}
            value={weights[arm.name]}
            data-arm={arm.name}
            aria-label={`share of ${arm.name}`}
            aria-valuetext={basisPoints(weights[arm.name] ?? 0)}
            onInput={(event) => drag(arm.name, event.currentTarget.valueAsNumber)}
          />
        </label>
      ))}
      <p class="rest">
        <b>{experiment.control}</b> (control) {basisPoints(10000 - taken)}
      </p>
      <div class="preview" aria-live="polite">
        {wanted && preview && <PreviewText preview={preview} />}
      </div>
      <label class="reason">
        Reason
        <input
          value={reason}
          onInput={(event) => setReason(event.currentTarget.value)}
          onKeyDown={(event) => event.key === "Enter" && wanted && setWeights()}
          placeholder="for the audit log"
        />
      </label>
      <div class="buttons">
        <button class="main" disabled={!wanted} onClick={setWeights}>
          Set weights
        </button>
        <button disabled={!wanted} onClick={() => setWanted(null)}>
          Undo
        </button>
        {actions.map((action) => (
          <button
            key={action}
            class={action === "rollback" ? "danger" : ""}
            onClick={() => order(action, `/${action}`, {}, "POST")}
          >
            {kNames[action] ?? action[0]!.toUpperCase() + action.slice(1)}
          </button>
        ))}
      </div>
      <p class={`said ${said.isBad ? "bad" : ""}`} role="status">
        {said.text}
      </p>
    </div>
  );
}
