// The admin API as the page asks it. EventSource can't send a token, so the events are read from a plain answer.

const kTokenKey = "tandem.token";

export function token(): string {
  return sessionStorage.getItem(kTokenKey) ?? "";
}

// For as long as the tab is open.
export function setToken(text: string): void {
  if (text) sessionStorage.setItem(kTokenKey, text);
  else sessionStorage.removeItem(kTokenKey);
}

// What the server said instead of what it was asked for.
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

function headers(more: Record<string, string> = {}): Record<string, string> {
  return token() ? { Authorization: `Bearer ${token()}`, ...more } : more;
}

async function refusal(answer: Response): Promise<Refusal> {
  try {
    const problem = await answer.json();
    const said: string[] = [problem.detail || problem.title, ...(problem.errors ?? [])];
    return new Refusal(answer.status, problem.code ?? "", [...new Set(said)].join("; "));
  } catch {
    return new Refusal(answer.status, "", `${answer.status} ${answer.statusText}`);
  }
}

export async function get<T>(path: string): Promise<T> {
  const answer = await fetch(path, { headers: headers() });
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}

export interface Change {
  method: "PUT" | "POST";
  body?: unknown;
  revision?: number; // only if the experiment is still at this one
}

export async function send<T>(path: string, change: Change): Promise<T> {
  const more: Record<string, string> = {};
  if (change.body !== undefined) more["Content-Type"] = "application/json";
  if (change.revision !== undefined) more["If-Match"] = `"${change.revision}"`;
  const answer = await fetch(path, {
    method: change.method,
    headers: headers(more),
    body: change.body === undefined ? undefined : JSON.stringify(change.body),
  });
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}

// Calls `tell` with each event until the stream ends. Throws what kept it from beginning, or broke it.
export async function readEvents(signal: AbortSignal, tell: (name: string, data: string) => void): Promise<void> {
  const answer = await fetch("/api/v1/events", { headers: headers(), signal });
  if (!answer.ok || !answer.body) throw await refusal(answer);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      let name = "message";
      let data = "";
      for (const line of block.split("\n"))
        if (line.startsWith("event: ")) name = line.slice(7);
        else if (line.startsWith("data: ")) data += line.slice(6);
      tell(name, data);
    }
  }
}
