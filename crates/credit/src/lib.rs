//! The credit line as a fold of its events: balances, interest, statements, delinquency and quotes, computed from history.
//!
//! Invariants: pure (no IO, no clock, no randomness); integers only; one rounding per feature and cycle; the same facts give the
//! same line in whatever order they arrived; an issued statement never changes; each event posts balanced entries whose sum is the
//! line's position. What is absent: storage, permission, models.

mod accrual;
mod age;
mod balance;
mod brought;
mod catalog;
mod charge;
mod close;
mod delinquency;
mod derivation;
mod discount;
mod disputes;
mod draw_fees;
mod draw_period;
mod draws;
mod error;
mod event;
pub mod explain;
mod figures;
mod grace;
mod holds;
mod instalments;
mod interest;
mod interest_line;
mod line;
mod listing;
pub mod mapr;
mod minimum;
mod participation;
mod payment;
mod payoff;
mod penalty;
mod pending;
mod plan_fees;
mod position;
mod postings;
pub mod product;
mod product_defaults;
mod quote;
pub mod rate;
mod re_age;
mod relief;
mod repayment;
mod replay;
mod returned;
pub mod scenario;
mod sent;
mod standing;
mod state;
mod statement;
mod statement_terms;
mod terms;
mod text_error;
mod timeline;
pub mod units;
mod versions;
mod waivers;

pub use accrual::{Accrual, Accrued, Delta, Group, Renewed, Running, Step};
pub use catalog::ProductCatalog;
pub use charge::Charge;
pub use close::{CycleRecord, RatedPrincipal};
pub use derivation::{Derivation, How, Value};
pub use discount::discounted;
pub use disputes::DisputeClocks;
pub use draw_fees::{corrected_draw_fee, draw_fee};
pub use draws::drawn;
pub use error::{CreditError, Refusal};
pub use event::{
    AppliesTo, BroughtForward, ChangeNotice, Disputed, FeatureAmount, FeeKind, FlagKind, LineEvent,
    LineEventBody, NoticeException,
};
pub use instalments::InstalmentFee;
pub use interest::{AverageAtRate, GraceOutcome};
pub use interest_line::InterestLine;
pub use line::{CreditLine, Recorded};
pub use minimum::{Minimum, MinimumInputs};
pub use participation::participate;
pub use payment::{Allocation, AllocationPart, AllocationTo, Counted};
pub use position::{
    Buckets, CyclePosition, FeaturePosition, LastStatement, LateFee, LineStatus, PendingCharge,
    Position,
};
pub use product::Product;
pub use quote::{DrawQuote, PayoffQuote, quote_draw, quote_payoff, returned_payment_fee};
pub use re_age::{NoReAge, may_re_age};
pub use relief::{CycleRelief, ServiceRelief, quote_estate, service_relief};
pub use repayment::{In36Months, Repayment};
pub use replay::{Replayed, Snapshot, replay, replay_from};
pub use sent::statement_left_on;
pub use standing::{FurnishedStatus, PastDueBucket, Standing};
pub use state::{Segment, StandingFlag};
pub use statement::{
    ChangeInTerms, Deferred, Statement, StatementInterest, StatementItem, StatementRate,
};
pub use statement_terms::{
    BalanceTerms, FeatureBalance, GraceTold, Issuer, StatementTerms, UnusedRate,
};
pub use terms::{CycleSchedule, Terms};
pub use text_error::TextError;
