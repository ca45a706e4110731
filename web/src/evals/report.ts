//! A gate's report, arranged for the page: what is drawn on a ruler, and which cases broke.

import type { CaseResult, Difference, GateReport, Outcome, Paired, Run } from "../api/eval-shapes";

/** A difference in pass rate, in parts per million, and the bar it must stay above. */
export interface Interval {
  name: string;
  cases: number;
  lost: number;
  won: number;
  estimate_ppm: number;
  low_ppm: number;
  high_ppm: number;
  bar_ppm: number;
  holds: boolean;
}

/** The comparisons decided by the paired test: overall, and each regulated slice that is large enough. */
export function intervalsOf(report: GateReport): Interval[] {
  const intervals: Interval[] = [];
  if (report.overall !== null && report.difference !== null) {
    const holds = report.difference.lower > -report.margin;
    intervals.push(interval("Overall", report.overall, report.difference, report.margin, holds));
  }
  for (const slice of report.slices) {
    if (!slice.regulated || !slice.by_test) continue;
    intervals.push(interval(`Regulated: ${slice.slice}`, slice.paired, slice.difference, report.margin, slice.holds));
  }
  return intervals;
}

function interval(name: string, paired: Paired, difference: Difference, margin: number, holds: boolean): Interval {
  return {
    name,
    cases: paired.both_pass + paired.newly_failing + paired.newly_passing + paired.both_fail,
    lost: paired.newly_failing,
    won: paired.newly_passing,
    estimate_ppm: ppm(difference.estimate),
    low_ppm: ppm(difference.lower),
    high_ppm: ppm(difference.upper),
    bar_ppm: ppm(-margin),
    holds,
  };
}

function ppm(share: number): number {
  return Math.round(share * 1_000_000);
}

/** One case before and now. */
export interface CasePair {
  id: string;
  now: CaseResult;
  was: CaseResult | null;
  broke: boolean;
}

/** Every case of the candidate's run beside the baseline's. */
export function pairsOf(run: Run): CasePair[] {
  const before = new Map(run.cases.baseline.map((result) => [result.id, result]));
  return run.cases.candidate.map((now) => {
    const was = before.get(now.id) ?? null;
    return { id: now.id, now, was, broke: broke(now, was) };
  });
}

/** It broke a hard rule, or fails where the baseline passed; without a baseline, it fails. */
function broke(now: CaseResult, was: CaseResult | null): boolean {
  if (now.findings.some((finding) => finding.hard_rule)) return true;
  return now.outcome === "fail" && (was === null || was.outcome === "pass");
}

interface OutcomeWords {
  tone: "good" | "bad" | "warn";
  tag: string;
  /** The exit status of `plumbline eval gate`. */
  exit: number;
  words: string;
}

export const OUTCOMES: Record<Outcome, OutcomeWords> = {
  pass: { tone: "good", tag: "pass", exit: 0, words: "Every condition holds; it may be promoted." },
  inconclusive: { tone: "warn", tag: "inconclusive", exit: 3, words: "Too many cases could not be run to say anything." },
  quality: { tone: "bad", tag: "fail", exit: 10, words: "It is worse than the promoted baseline by more than the suite allows." },
  hard_rule: { tone: "bad", tag: "fail: hard rule", exit: 11, words: "A hard rule was broken. Nothing outweighs that." },
  budget: { tone: "bad", tag: "fail: budget", exit: 12, words: "It costs more, or takes longer, than the suite allows." },
};
