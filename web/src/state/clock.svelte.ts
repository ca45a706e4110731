//! Counts the moves of the sandbox's clock, so that what depends on the day is read again.

class ClockMoves {
  count = $state(0);
}

export const clockMoves = new ClockMoves();

export function noticeClock(): void {
  clockMoves.count += 1;
}
