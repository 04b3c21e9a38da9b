// Where a candidate's answers differ from control's, with samples side by side.
import { useAnswer } from "./ask";
import { count, time } from "./format";
import type { Diffs as Document, Finding, Sample } from "./types";

function SampleTable({ sample, candidate, path }: { sample: Sample; candidate: string; path: string }) {
  return (
    <table class="sample">
      <caption>
        <code>{sample.request}</code> {time(sample.unix_ms)} <span class="hint">{sample.request_id}</span>
      </caption>
      <thead>
        <tr>
          <th scope="col">Path</th>
          <th scope="col">Control</th>
          <th scope="col">{candidate}</th>
        </tr>
      </thead>
      <tbody>
        {sample.differences.map((one, i) => (
          <tr key={i} class={one.path.replace(/\[\d+\]/g, "[*]") === path ? "marked" : ""}>
            <th scope="row">
              <code>{one.path}</code> <small>{one.kind}</small>
            </th>
            <td>
              <del>{one.control || "(nothing)"}</del>
            </td>
            <td>
              <ins>{one.candidate || "(nothing)"}</ins>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function FindingItem({ finding, candidate }: { finding: Finding; candidate: string }) {
  const statuses =
    finding.status.control === finding.status.candidate ? `${finding.status.control}` : `${finding.status.control} → ${finding.status.candidate}`;
  return (
    <details class="finding">
      <summary>
        <code>{finding.path}</code> {finding.kind}, {count(finding.pairs)} pairs, status {statuses}
        {finding.real ? <span class="badge stuck">real</span> : <span class="badge">may be noise</span>}
        <span class="hint"> last {time(finding.last_ms)}</span>
      </summary>
      {finding.samples?.map((sample, i) => <SampleTable key={i} sample={sample} candidate={candidate} path={finding.path} />)}
    </details>
  );
}

export function Diffs({ id }: { id: string }) {
  const { document, problem } = useAnswer<Document>(`/api/v1/experiments/${encodeURIComponent(id)}/diffs`, 5);
  if (problem) return <p class="bad">{problem}</p>;
  const compared = document?.candidates.filter((one) => one.answers) ?? [];
  if (compared.length === 0) return <p class="empty">no answers were compared; a "shadow" does that</p>;
  return (
    <>
      {compared.map(({ name, answers }) => (
        <div class="diffs" key={name}>
          <p>
            {count(answers!.compared)} pairs compared with {name}, <b class={answers!.mismatches ? "bad" : ""}>{count(answers!.mismatches)} differ</b>,{" "}
            {count(answers!.noise)} as noise, {count(answers!.errors + answers!.skipped)} not compared
          </p>
          {answers!.findings.map((finding) => (
            <FindingItem key={finding.kind + finding.path + finding.status.control + finding.status.candidate} finding={finding} candidate={name} />
          ))}
        </div>
      ))}
    </>
  );
}
