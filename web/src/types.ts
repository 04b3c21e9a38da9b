// The documents of the admin API that the page reads. docs/admin.md says what each field means.

export interface Recent {
  per_second: number;
  error_share: number;
  p50_ms: number | null;
  p99_ms: number | null;
}

export interface ArmStatus {
  route: string;
  arm: string;
  backend: string;
  requests: Record<"total" | "1xx" | "2xx" | "3xx" | "4xx" | "5xx", number>;
  latency_ms: Record<"mean" | "p50" | "p99" | "max", number | null>;
  cpu_seconds: number;
  recent: Recent | null;
}

export interface Pool {
  name: string;
  mode: string;
  workers: number;
  workers_ready: number;
  queued: number;
  queue_limit: number;
}

export interface Status {
  version: string;
  pid: number;
  state: string;
  started_at: string;
  uptime_seconds: number;
  config_file: string;
  connections: number;
  access_lines_dropped: number;
  generation: number;
  retiring_generations: number[];
  last_reload: null | { at: string; by: string; ok: boolean; took_ms: number; warnings?: string[]; detail?: string };
  pools: Pool[];
  arms: ArmStatus[];
  recent_seconds: number;
}

export interface Worker {
  pool: string;
  generation: number;
  worker: string;
  pid: number;
  state: string;
  in_flight: number;
  requests: number;
  restarts: number;
  rss_bytes: number;
  age_seconds: number;
  gil_wait_seconds: number;
}

export interface RouteArm {
  name: string;
  backend: string;
  endpoint: string;
  share: number;
  pool?: string;
}

export interface Route {
  name: string;
  path: string;
  methods: string[];
  arms: RouteArm[];
}

export interface ExperimentArm {
  name: string;
  is_control: boolean;
  weight_bp: number;
  traffic_bp: number;
  buckets: string;
}

export interface Evidence {
  ratio?: number | null;
  low?: number | null;
  margin?: number;
  ln_e?: number;
  ln_e_limit?: number;
}

export interface Guardrail {
  guardrail: string;
  arm: string;
  fired: boolean;
  evidence: Evidence | null;
}

export interface Schedule {
  steps: { weight_bp: number; min_time_seconds: number; min_requests: number; gate: string }[];
  taken: number;
  approved: boolean;
  held: string;
  waiting_for: string;
}

export interface Experiment {
  id: string;
  route: string;
  control: string;
  revision: number;
  epoch: number;
  state: string;
  arms: ExperimentArm[];
  schedule: Schedule | null;
  guardrails: Guardrail[];
  updated_at: string;
  updated_by: string;
  reason: string;
  persisted: boolean;
  not_persisted_because?: string;
}

export interface Effect {
  metric: string;
  verdict: string;
  control: number | null;
  candidate: number | null;
  ratio: number | null;
  interval: [number | null, number | null];
  margin: number;
}

export interface Report {
  experiment: string;
  candidates: {
    name: string;
    standing: string;
    why: string;
    sentences: string[];
    health: { windows: number; seconds: number; invalid: string[]; warnings: string[] };
    effects: Effect[];
  }[];
}

export interface Preview {
  arms: ExperimentArm[];
  moved: { from: string; to: string; buckets: number }[];
  new_epoch: boolean;
  warnings: string[];
}

export interface Sample {
  unix_ms: number;
  request: string;
  request_id: string;
  differences: { kind: string; path: string; control: string; candidate: string }[];
}

export interface Finding {
  kind: string;
  path: string;
  status: { control: number; candidate: number };
  pairs: number;
  first_ms: number;
  last_ms: number;
  real: boolean;
  samples?: Sample[];
}

export interface Diffs {
  candidates: {
    name: string;
    answers: null | {
      compared: number;
      mismatches: number;
      noise: number;
      errors: number;
      skipped: number;
      findings: Finding[];
    };
  }[];
}

export interface InFlight {
  pool: string;
  id: string;
  state: string;
  age_seconds: number;
  method: string;
  path: string;
  route: string;
  endpoint: string;
  pid: number;
}

export interface Stack {
  pool: string;
  worker: string;
  pid: number;
  raw: boolean;
  text: string;
}

export interface AuditEntry {
  at: string;
  actor: string;
  experiment: string;
  action: string;
  from: number;
  to: number;
  reason: string;
  patch: Record<string, unknown>;
}
