//! Division of integers with the rounding named.

use serde::{Deserialize, Serialize};

/// How a division that does not come out even is settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// To the nearest; a tie goes away from zero.
    #[default]
    HalfUp,
    /// To the nearest; a tie goes to the even neighbour.
    HalfEven,
    /// Toward zero.
    Down,
    /// Away from zero.
    Up,
}

/// `numerator / denominator`, rounded once. `None` when the denominator is not positive.
#[must_use]
pub fn divide(numerator: i128, denominator: i128, rounding: Rounding) -> Option<i128> {
    if denominator <= 0 {
        return None;
    }
    let quotient = numerator / denominator;
    let remainder = (numerator % denominator).abs();
    let away = match rounding {
        Rounding::Down => false,
        Rounding::Up => remainder > 0,
        Rounding::HalfUp => remainder >= denominator - remainder,
        Rounding::HalfEven => match remainder.cmp(&(denominator - remainder)) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => quotient % 2 != 0,
            std::cmp::Ordering::Greater => true,
        },
    };
    Some(if away { quotient + numerator.signum() } else { quotient })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ties_go_where_the_rounding_says() {
        let cases = [
            (5, 2, Rounding::HalfUp, 3),
            (-5, 2, Rounding::HalfUp, -3),
            (5, 2, Rounding::HalfEven, 2),
            (7, 2, Rounding::HalfEven, 4),
            (5, 2, Rounding::Down, 2),
            (-5, 2, Rounding::Down, -2),
            (4, 3, Rounding::Up, 2),
            (-4, 3, Rounding::Up, -2),
            (6, 3, Rounding::Up, 2),
        ];
        for (numerator, denominator, rounding, expected) in cases {
            assert_eq!(divide(numerator, denominator, rounding), Some(expected));
        }
    }

    #[test]
    fn a_denominator_that_is_not_positive_has_no_answer() {
        assert_eq!(divide(1, 0, Rounding::HalfUp), None);
        assert_eq!(divide(1, -2, Rounding::HalfUp), None);
    }

    proptest! {
        #[test]
        fn no_rounding_is_off_by_a_whole_unit(n in -1_000_000_000_i128..1_000_000_000, d in 1_i128..100_000) {
            for rounding in [Rounding::HalfUp, Rounding::HalfEven, Rounding::Down, Rounding::Up] {
                let quotient = divide(n, d, rounding).unwrap();
                prop_assert!((quotient * d - n).abs() < d);
            }
        }

        #[test]
        fn the_nearest_is_at_most_half_away(n in -1_000_000_000_i128..1_000_000_000, d in 1_i128..100_000) {
            for rounding in [Rounding::HalfUp, Rounding::HalfEven] {
                let quotient = divide(n, d, rounding).unwrap();
                prop_assert!((quotient * d - n).abs() * 2 <= d);
            }
        }
    }
}
