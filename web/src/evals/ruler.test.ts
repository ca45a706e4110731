import { describe, expect, test } from "vitest";

import type { Interval } from "./report";
import { place, rulerFor, sentence } from "./ruler";

function interval(low: number, estimate: number, high: number, bar: number): Interval {
  return {
    name: "Overall",
    cases: 120,
    lost: 2,
    won: 1,
    estimate_ppm: estimate,
    low_ppm: low,
    high_ppm: high,
    bar_ppm: bar,
    holds: low > bar,
  };
}

const SHAPES = [
  interval(-17_200, 0, 17_200, -30_000),
  interval(-74_000, -36_800, 2_100, -30_000),
  interval(0, 0, 0, 0),
  interval(5_000, 5_000, 5_000, -100),
  interval(880_000, 930_000, 970_000, 900_000),
  interval(-1_000_000, 0, 1_000_000, -50_000),
];

describe("the gate ruler", () => {
  test.each(SHAPES)("holds the interval, the bar and zero within its ends: %j", (shape) => {
    const ruler = rulerFor(shape);
    for (const ppm of [shape.low_ppm, shape.high_ppm, shape.estimate_ppm, shape.bar_ppm, 0]) {
      const at = place(ruler, ppm, 640);
      expect(at).toBeGreaterThanOrEqual(0);
      expect(at).toBeLessThanOrEqual(640);
    }
    expect(ruler.ticks).toContain(0);
    expect(ruler.ticks.length).toBeGreaterThanOrEqual(2);
    expect(ruler.ticks.length).toBeLessThanOrEqual(9);
  });

  test("draws the bar left of an interval that clears it", () => {
    const shape = interval(-17_200, 0, 17_200, -30_000);
    const ruler = rulerFor(shape);
    expect(place(ruler, shape.bar_ppm, 640)).toBeLessThan(place(ruler, shape.low_ppm, 640));
  });

  test("says in words what it shows", () => {
    expect(sentence(interval(-74_000, -36_800, 2_100, -30_000))).toBe(
      "Overall: −3.68 pt, interval −7.40 pt to +0.21 pt, not clear of the bar at −3.00 pt.",
    );
  });
});
