//! Where things stand on the gate ruler: a scale that always shows zero, the bar and the interval.

import { points } from "../format";
import type { Interval } from "./report";

export interface Ruler {
  /** Ends of the scale, parts per million. */
  from: number;
  to: number;
  ticks: number[];
}

/** Steps of a tick, in ppm: chosen so that a ruler has no more of them than fit. */
const STEPS = [1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000];

/** The smallest whole-step scale that holds the interval, the bar and zero, with room at both ends. */
export function rulerFor(interval: Interval, mostTicks = 8): Ruler {
  const low = Math.min(interval.low_ppm, interval.bar_ppm, 0);
  const high = Math.max(interval.high_ppm, interval.bar_ppm, 0);
  const span = Math.max(high - low, 1_000);
  const step = STEPS.find((candidate) => (span * 1.25) / candidate <= mostTicks - 2) ?? 500_000;
  const from = Math.floor((low - span * 0.1) / step) * step;
  const to = Math.ceil((high + span * 0.1) / step) * step;
  const ticks = [];
  for (let tick = from; tick <= to; tick += step) ticks.push(tick);
  return { from, to, ticks };
}

/** `ppm` on a line of `width`, in the same unit as `width`, to a tenth. */
export function place(ruler: Ruler, ppm: number, width: number): number {
  const share = (ppm - ruler.from) / (ruler.to - ruler.from);
  return Math.round(share * width * 10) / 10;
}

/** The ruler in one sentence, for those who do not see it. */
export function sentence(interval: Interval): string {
  const range = `${points(interval.low_ppm)} to ${points(interval.high_ppm)}`;
  const side = interval.holds ? "clear of" : "not clear of";
  return `${interval.name}: ${points(interval.estimate_ppm)}, interval ${range}, ${side} the bar at ${points(interval.bar_ppm)}.`;
}
