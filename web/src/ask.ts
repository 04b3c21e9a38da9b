// What is asked for only while somebody looks at it.
import { useEffect, useState } from "preact/hooks";
import { get } from "./api";
import { explain } from "./steer";

export interface Answer<T> {
  document: T | null;
  problem: string;
}

// Asks now, every `seconds`, and when the path or `version` becomes another; null: asks for nothing.
export function useAnswer<T>(path: string | null, seconds: number, version: unknown = 0): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T>>({ document: null, problem: "" });
  useEffect(() => {
    if (path === null) return;
    let isOver = false;
    let timer = 0;
    const ask = async () => {
      try {
        const document = await get<T>(path);
        if (!isOver) setAnswer({ document, problem: "" });
      } catch (error) {
        if (!isOver) setAnswer((before) => ({ ...before, problem: explain(error) }));
      }
      if (!isOver && seconds > 0) timer = window.setTimeout(ask, seconds * 1000);
    };
    void ask();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [path, seconds, version]);
  return answer;
}
