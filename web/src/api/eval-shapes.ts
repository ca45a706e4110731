//! The shapes of eval runs and prompts (docs/api.md, docs/gate.md). Shares are of one.

export type Outcome = "pass" | "inconclusive" | "quality" | "hard_rule" | "budget";

/** A run of the gate, as it left it. */
export interface RunSummary {
  id: string;
  ended_at: string;
  model: string;
  report: GateReport;
}

/** How two configurations fared on the same cases. */
export interface Paired {
  both_pass: number;
  newly_failing: number;
  newly_passing: number;
  both_fail: number;
}

/** The candidate's pass rate less the baseline's; shares of one. */
export interface Difference {
  estimate: number;
  lower: number;
  upper: number;
}

export interface SliceReport {
  slice: string;
  regulated: boolean;
  paired: Paired;
  difference: Difference;
  by_test: boolean;
  holds: boolean;
}

/** What the gate worked out, as `plumbline eval gate` reports it. */
export interface GateReport {
  suite: string;
  suite_digest: string;
  candidate: string;
  baseline: string | null;
  outcome: Outcome;
  /** A share of one. */
  margin: number;
  overall: Paired | null;
  difference: Difference | null;
  pass_rate: number;
  checks: { name: string; holds: boolean; detail: string }[];
  slices: SliceReport[];
  newly_failing: string[];
  newly_passing: string[];
  no_effect: boolean;
}

export interface CaseResult {
  id: string;
  slice: string;
  outcome: "pass" | "fail" | "infrastructure";
  repeats: number;
  passed: number;
  findings: { grader: string; hard_rule: boolean; detail: string }[];
  tokens: number;
  latency_ms: number;
  transcript: { who: string; text: string }[];
}

export interface Run extends RunSummary {
  cases: { candidate: CaseResult[]; baseline: CaseResult[] };
}

export interface PromptFile {
  name: string;
  digest: string;
  differs?: boolean;
}

export interface Prompts {
  promoted: { digest: string; promoted_at: string; model: string; prompts: PromptFile[] } | null;
  working: { digest: string; differs: boolean; prompts: PromptFile[] };
}
