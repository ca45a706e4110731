import { expect, test } from "vitest";

import type { CaseResult, GateReport, Run } from "../api/eval-shapes";
import { intervalsOf, pairsOf } from "./report";

const paired = { both_pass: 90, newly_failing: 2, newly_passing: 1, both_fail: 0 };
const difference = { estimate: -0.0108, lower: -0.0331, upper: 0.0104 };

const report: GateReport = {
  suite: "servicing",
  suite_digest: "s",
  candidate: "c",
  baseline: "b",
  outcome: "quality",
  margin: 0.03,
  overall: paired,
  difference,
  pass_rate: 0.98,
  checks: [],
  slices: [
    { slice: "reasons", regulated: true, paired, difference, by_test: false, holds: false },
    { slice: "payments", regulated: true, paired, difference, by_test: true, holds: false },
    { slice: "small talk", regulated: false, paired, difference, by_test: true, holds: true },
  ],
  newly_failing: [],
  newly_passing: [],
  no_effect: false,
};

function result(id: string, outcome: CaseResult["outcome"], hardRule = false): CaseResult {
  const findings = hardRule ? [{ grader: "writes", hard_rule: true, detail: "an unconfirmed payment" }] : [];
  return { id, slice: "payments", outcome, repeats: 1, passed: 0, findings, tokens: 1, latency_ms: 1, transcript: [] };
}

function run(candidate: CaseResult[], baseline: CaseResult[]): Run {
  return {
    id: "r",
    ended_at: "2026-11-21T15:00:00Z",
    model: "m",
    report,
    cases: { candidate, baseline },
  };
}

test("only what the paired test decides is drawn against the bar", () => {
  const intervals = intervalsOf(report);
  expect(intervals.map((interval) => interval.name)).toEqual(["Overall", "Regulated: payments"]);
  expect(intervals[0]).toMatchObject({ cases: 93, lost: 2, won: 1, low_ppm: -33_100, bar_ppm: -30_000, holds: false });
});

test("a first promotion has nothing to be drawn against", () => {
  expect(intervalsOf({ ...report, baseline: null, overall: null, difference: null, slices: [] })).toEqual([]);
});

test("a case broke when it fails where it passed, or breaks a hard rule whatever it did before", () => {
  const candidate = [result("a", "fail"), result("b", "fail"), result("c", "pass"), result("d", "pass", true), result("e", "infrastructure")];
  const baseline = [result("a", "pass"), result("b", "fail"), result("c", "fail"), result("d", "pass"), result("e", "pass")];
  expect(pairsOf(run(candidate, baseline)).filter((pair) => pair.broke).map((pair) => pair.id)).toEqual(["a", "d"]);
  expect(pairsOf(run(candidate, [])).filter((pair) => pair.broke).map((pair) => pair.id)).toEqual(["a", "b", "d"]);
});
