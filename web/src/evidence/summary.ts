//! One line that says what a message rests on.

import type { Evidence } from "../api/shapes";

const STRICTEST = ["deny", "hand_off", "case", "ask", "allow"] as const;

/** For example `2 tool calls · 1 passage · 4 verdicts, strictest ask`. */
export function summaryOf(evidence: Evidence): string {
  const parts = [
    counted(evidence.tool_calls.length, "tool call"),
    counted(evidence.passages.length, "passage"),
    verdicts(evidence),
  ];
  return parts.filter((part) => part !== "").join(" · ");
}

function verdicts(evidence: Evidence): string {
  if (evidence.verdicts.length === 0) return "";
  const answers = new Set(evidence.verdicts.map((verdict) => verdict.answer));
  const strictest = STRICTEST.find((answer) => answers.has(answer)) ?? "allow";
  const counts = counted(evidence.verdicts.length, "verdict");
  return answers.size === 1 && strictest === "allow" ? `${counts}, all allow` : `${counts}, strictest ${strictest.replace("_", " ")}`;
}

function counted(count: number, noun: string): string {
  if (count === 0) return "";
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
