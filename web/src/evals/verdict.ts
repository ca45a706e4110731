//! How a run's verdict is worded and shaped.

import type { RunVerdict } from "../api/shapes";

type Tone = "plain" | "good" | "warn" | "bad";

export const VERDICT_TONES: Record<RunVerdict, Tone> = {
  pass: "good",
  fail: "bad",
  inconclusive: "warn",
  running: "plain",
};

/** Exit statuses of `plumbline eval gate` (docs). */
const EXITS: Record<number, string> = {
  0: "pass",
  1: "usage",
  2: "internal error",
  3: "inconclusive",
  10: "quality",
  11: "hard rule broken",
  12: "budget",
  13: "attestation",
};

export function exitWords(code: number | null): string {
  return code === null ? "still running" : `exit ${code}, ${EXITS[code] ?? "unknown"}`;
}
