//! A line's balances split between a participant and the seller of a pro-rata share.
//!
//! Invariant: the two parts add up to the whole, bucket by bucket. What is absent: the agreement and its servicing fee.

use money::{Apr, Cents, Rounding};

use crate::Buckets;

/// The participant's part of each bucket, rounded half up, and the seller's: the rest.
#[must_use]
pub fn participate(whole: &Buckets, share: Apr) -> (Buckets, Buckets) {
    let part = |bucket: Cents| {
        let numerator = i128::from(bucket.get()) * i128::from(share.ppm());
        Cents::from_ratio(numerator, 1_000_000, Rounding::HalfUp).unwrap_or_default()
    };
    let participant = Buckets {
        principal: part(whole.principal),
        billed_interest: part(whole.billed_interest),
        fees: part(whole.fees),
        penalty_fees: part(whole.penalty_fees),
        credit_balance: part(whole.credit_balance),
    };
    let seller = Buckets {
        principal: whole.principal - participant.principal,
        billed_interest: whole.billed_interest - participant.billed_interest,
        fees: whole.fees - participant.fees,
        penalty_fees: whole.penalty_fees - participant.penalty_fees,
        credit_balance: whole.credit_balance - participant.credit_balance,
    };
    (participant, seller)
}
