// What an experiment knows: its ramp, how far its guardrails are, its verdicts with their intervals.
import { basisPoints, count, dash, duration, nanoseconds, percent, ratio, time } from "./format";
import type { Effect, Experiment, Guardrail, Report, Schedule } from "./types";

// How much of the way to firing; nothing where there is no data.
export function distance(guardrail: Guardrail): number | null {
  const evidence = guardrail.evidence;
  if (evidence?.ln_e_limit) return Math.min(1, Math.max(0, (evidence.ln_e ?? 0) / evidence.ln_e_limit));
  if (evidence?.margin && typeof evidence.low === "number") return Math.min(1, Math.max(0, evidence.low / evidence.margin));
  return null;
}

function guardrailText(guardrail: Guardrail): string {
  const { ln_e, ln_e_limit, low, margin } = guardrail.evidence ?? {};
  if (ln_e_limit) return `evidence ${Math.max(0, ln_e ?? 0).toFixed(1)}, fires at ${ln_e_limit.toFixed(1)}`;
  if (margin && typeof low === "number") {
    const shown = guardrail.guardrail === "mismatch" ? (share: number) => percent(share, 2) : ratio;
    return `${low > 0 ? `surely above ${shown(low)}` : "nothing is sure yet"}, fires at ${shown(margin)}`;
  }
  return "no data yet";
}

export function Guardrails({ guardrails }: { guardrails: Guardrail[] }) {
  if (guardrails.length === 0) return <p class="empty">no guardrail has data yet</p>;
  return (
    <table class="guardrails">
      <caption>Guardrails</caption>
      <tbody>
        {guardrails.map((one) => (
          <tr key={one.guardrail + one.arm}>
            <th scope="row">{one.guardrail}</th>
            <td>{one.arm}</td>
            <td>
              <meter
                min={0}
                max={1}
                high={0.7}
                optimum={0}
                value={one.fired ? 1 : (distance(one) ?? 0)}
                aria-label={`${one.guardrail}: how near to firing`}
              />
            </td>
            <td class={one.fired ? "bad" : ""}>{one.fired ? "fired" : guardrailText(one)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Ramp({ schedule }: { schedule: Schedule }) {
  const next = schedule.steps[schedule.taken];
  return (
    <div class="ramp">
      <h4>Ramp</h4>
      <ol>
        {schedule.steps.map((step, i) => (
          <li
            key={i}
            class={i + 1 < schedule.taken ? "past" : i + 1 === schedule.taken ? "now" : ""}
            aria-current={i + 1 === schedule.taken ? "step" : undefined}
            title={`at least ${duration(step.min_time_seconds)} and ${count(step.min_requests)} requests`}
          >
            {basisPoints(step.weight_bp)}
            {step.gate === "manual" && " ✋"}
          </li>
        ))}
      </ol>
      <p>
        {schedule.held
          ? `stands still: ${schedule.held}`
          : next
            ? `next: ${basisPoints(next.weight_bp)}${schedule.waiting_for && `, waits for ${schedule.waiting_for}`}`
            : "all steps were taken"}
      </p>
    </div>
  );
}

// Ratios from 1/8 to 8 on a logarithmic axis, 100 wide.
const x = (value: number) => Math.min(100, Math.max(0, 50 + (50 * Math.log2(value)) / 3));

function Interval({ effect }: { effect: Effect }) {
  const [low, high] = effect.interval;
  if (effect.ratio === null || low === null || high === null) return null;
  const from = x(low);
  return (
    <svg class={`interval ${effect.verdict.replace(" ", "-")}`} viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">
      <rect class="margin" x={x(1 / (1 + effect.margin))} width={x(1 + effect.margin) - x(1 / (1 + effect.margin))} height="12" />
      <line x1="50" x2="50" y2="12" />
      <rect class="range" x={from} y="4" width={Math.max(1, x(high) - from)} height="4" />
    </svg>
  );
}

// An end that is not known yet may be anywhere.
function bounds(effect: Effect): string {
  const [low, high] = effect.interval;
  if (effect.ratio === null || (!low && high === null)) return dash;
  return `${ratio(low ?? 0)} to ${high === null ? "∞" : ratio(high)}`;
}

const isTime = (metric: string) => metric === "mean" || metric === "cpu" || metric.startsWith("p");

function amount(effect: Effect, value: number | null): string {
  if (value === null || effect.verdict === "no data") return dash;
  if (isTime(effect.metric)) return nanoseconds(value);
  return effect.metric === "bytes" ? `${count(value)} B` : percent(value, 2);
}

export function Verdicts({ report }: { report: Report | undefined }) {
  if (!report) return <p class="empty">verdicts come within a few seconds</p>;
  const measured = report.candidates.filter((one) => one.effects.some((effect) => effect.verdict !== "no data"));
  return (
    <>
      {report.candidates
        .filter((one) => !measured.includes(one))
        .map((one) => (
          <p class="empty" key={one.name}>
            {one.name}: {one.why || "no data"}. Requests that ask for an arm themselves, as those of <code>tandem compare --url</code> do, do not count.
          </p>
        ))}
      {measured.map((one) => (
        <div class="scroll" key={one.name} tabIndex={0} role="group" aria-label={`Verdicts on ${one.name}`}>
          <table class="verdicts">
            <caption>
              {one.name} against control, {one.health.windows} windows, {duration(one.health.seconds)}
            </caption>
            <thead>
              <tr>
                <th scope="col">Metric</th>
                <th scope="col">Verdict</th>
                <th scope="col" class="number">Ratio</th>
                <th scope="col">Interval</th>
                <th scope="col" class="scale">less · 1× · more</th>
                <th scope="col" class="number">Control</th>
                <th scope="col" class="number">{one.name}</th>
              </tr>
            </thead>
            <tbody>
              {one.effects.map((effect) => (
                <tr key={effect.metric}>
                  <th scope="row">{effect.metric}</th>
                  <td class={`verdict ${effect.verdict.replace(" ", "-")}`}>{effect.verdict}</td>
                  <td class="number">{ratio(effect.ratio)}</td>
                  <td class="bounds">{bounds(effect)}</td>
                  <td>
                    <Interval effect={effect} />
                  </td>
                  <td class="number">{amount(effect, effect.control)}</td>
                  <td class="number">{amount(effect, effect.candidate)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {one.why && <p class="hint">{one.why}</p>}
          {[...one.health.invalid, ...one.health.warnings].map((warning) => (
            <p class="warn" key={warning}>
              {warning}
            </p>
          ))}
        </div>
      ))}
    </>
  );
}

export function Standing({ experiment }: { experiment: Experiment }) {
  return (
    <p class="hint">
      <span class={`badge ${experiment.state}`}>{experiment.state.replace("_", " ")}</span> {experiment.id}, revision {experiment.revision}, epoch{" "}
      {experiment.epoch} · {time(experiment.updated_at)} by {experiment.updated_by}: {experiment.reason}
      {!experiment.persisted && <b class="bad"> not persisted{experiment.not_persisted_because && `: ${experiment.not_persisted_because}`}</b>}
    </p>
  );
}

// What is known of the most wanted metrics in a line: those with a verdict, then those that have too little for one.
function Chips({ effects }: { effects: Effect[] }) {
  const wanted = effects.filter((effect) => ["mean", "p99", "cpu", "errors"].includes(effect.metric) && effect.verdict !== "no data");
  const known = wanted.filter((effect) => effect.verdict !== "too little");
  const open = wanted.filter((effect) => effect.verdict === "too little");
  return (
    <>
      {known.map((effect) => (
        <span key={effect.metric} class={`chip verdict ${effect.verdict.replace(" ", "-")}`}>
          {effect.metric} {effect.ratio === null ? "" : ratio(effect.ratio)} {effect.verdict}
        </span>
      ))}
      {open.length > 0 && <span class="chip verdict too-little">too little yet: {open.map((effect) => effect.metric).join(", ")}</span>}
    </>
  );
}

// The list of all of them, one line each.
export function Experiments({ experiments, reports }: { experiments: Experiment[]; reports: Record<string, Report> }) {
  if (experiments.length === 0) return null;
  return (
    <section class="card" aria-labelledby="experiments-title">
      <header>
        <h2 id="experiments-title">Experiments</h2>
      </header>
      <ul class="experiments">
        {experiments.map((one) => {
          const near = Math.max(0, ...one.guardrails.map((guardrail) => (guardrail.fired ? 1 : (distance(guardrail) ?? 0))));
          return (
            <li key={one.id}>
              <a href={`#/route/${encodeURIComponent(one.route)}`}>{one.id}</a> <span class={`badge ${one.state}`}>{one.state.replace("_", " ")}</span>{" "}
              <span class="split">{one.arms.map((arm) => `${arm.name} ${basisPoints(arm.traffic_bp)}`).join(" · ")}</span>
              <div class="second">
                {reports[one.id]?.candidates.map((candidate) => (
                  <Chips key={candidate.name} effects={candidate.effects} />
                ))}
                {!reports[one.id]?.candidates.some((candidate) => candidate.effects.some((effect) => effect.verdict !== "no data")) && (
                  <span class="hint">nothing measured yet</span>
                )}
                {one.guardrails.length > 0 && (
                  <span class="near">
                    guardrails <meter min={0} max={1} high={0.7} optimum={0} value={near} aria-label={`${one.id}: the nearest guardrail`} />
                  </span>
                )}
                {one.schedule && (
                  <span class="hint">
                    ramp: step {one.schedule.taken} of {one.schedule.steps.length}
                  </span>
                )}
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
