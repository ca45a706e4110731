//! Exact money: integer cents, rates in parts per million, and rounding named at the call.
//!
//! Invariants: an amount is a whole number of cents of one currency (US dollars); nothing here is floating point; every
//! division says how it rounds. Overflow in `+` and `-` stops the program (`overflow-checks`), it never wraps.
//! What is absent: currencies (they live on the ledger account), and any division without a `Rounding`.

mod apr;
mod cents;
mod rounding;

pub use apr::Apr;
pub use cents::{Cents, MoneyError};
pub use rounding::{Rounding, divide};
