// The top of the page: how the server is, the token, reload.
import { useState } from "preact/hooks";
import { send, setToken, token } from "./api";
import { reconnect, type Feed } from "./feed";
import { duration, time } from "./format";
import { explain } from "./steer";

function TokenForm({ isWanted }: { isWanted: boolean }) {
  const [text, setText] = useState("");
  const [isSet, setSet] = useState(token() !== "");
  if (!isWanted && !isSet) return null; // a server that shows itself without one needs none for changes either
  return (
    <form
      class="token"
      onSubmit={(event) => {
        event.preventDefault();
        setToken(isSet ? "" : text.trim());
        setText("");
        setSet(token() !== "");
        reconnect();
      }}
    >
      {!isSet && (
        <input
          type="password"
          autocomplete="off"
          placeholder={isWanted ? "token needed" : "token"}
          aria-label="Admin token, kept for this tab only"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      )}
      <button>{isSet ? "Forget token" : "Use"}</button>
    </form>
  );
}

export function Bar({ feed }: { feed: Feed }) {
  const [said, setSaid] = useState({ text: "", isBad: false });
  const status = feed.status;
  const reload = async () => {
    setSaid({ text: "reloading…", isBad: false });
    try {
      const done = await send<{ generation: number; routes: number; took_ms: number; warnings: string[] }>("/api/v1/reload", { method: "POST" });
      setSaid({ text: [`generation ${done.generation} serves ${done.routes} routes (${done.took_ms} ms)`, ...done.warnings].join("; "), isBad: false });
    } catch (error) {
      setSaid({ text: explain(error), isBad: true });
    }
  };
  const connection = { connecting: "connecting", live: "live", lost: "connection lost", refused: "not allowed" }[feed.connection];
  return (
    <header class="bar">
      <h1>Tandem</h1>
      {status && <span class={`badge ${status.state}`}>{status.state}</span>}
      <span class={`badge connection ${feed.connection}`} role="status">
        {connection}
        {feed.problem && `: ${feed.problem}`}
      </span>
      {status && (
        <span class="hint facts" title={`since ${time(status.started_at)}`}>
          {status.version} · pid {status.pid} · up {duration(status.uptime_seconds)} · generation {status.generation}
          {status.retiring_generations.length > 0 && ` (${status.retiring_generations.join(", ")} ending)`} · {status.config_file}
        </span>
      )}
      <span class="tools">
        <TokenForm isWanted={feed.connection === "refused"} />
        <button onClick={reload} title="read the config and the Python code anew">
          Reload
        </button>
      </span>
      <p class={`said ${said.isBad ? "bad" : ""}`} role="status">
        {said.text}
      </p>
    </header>
  );
}
