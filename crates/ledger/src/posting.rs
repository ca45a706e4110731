//! Postings: balanced or not at all.

use identity::CreditLineId;
use money::Cents;
use serde::{Deserialize, Serialize};

use crate::{AccountCode, LedgerAccount, PostingError};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Debit,
    Credit,
}

impl Side {
    /// The amount as a debit: itself, or its opposite on the credit side.
    #[must_use]
    pub fn signed(self, amount: Cents) -> Cents {
        match self {
            Self::Debit => amount,
            Self::Credit => -amount,
        }
    }
}

/// One line of a posting. The amount is positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub account: AccountCode,
    pub side: Side,
    pub amount: Cents,
    /// Named exactly on control accounts.
    pub credit_line: Option<CreditLineId>,
}

impl Entry {
    /// Positive for a debit, negative for a credit.
    #[must_use]
    pub fn signed(&self) -> Cents {
        self.side.signed(self.amount)
    }
}

/// An account as a posting names it: with its credit line where it is a control account.
#[derive(Clone, Copy, Debug)]
pub struct Leg<'a> {
    pub(crate) account: &'a LedgerAccount,
    pub(crate) credit_line: Option<CreditLineId>,
}

impl<'a> From<&'a LedgerAccount> for Leg<'a> {
    fn from(account: &'a LedgerAccount) -> Self {
        Self { account, credit_line: None }
    }
}

/// A balanced set of entries, ready to be written in one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Posting {
    kind: &'static str,
    entries: Vec<Entry>,
}

impl Posting {
    /// Starts a posting of the named kind, e.g. `"payment_received"`.
    #[must_use]
    pub const fn of(kind: &'static str) -> PostingBuilder {
        PostingBuilder { kind, entries: Vec::new(), misplaced: None }
    }

    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

#[derive(Debug)]
pub struct PostingBuilder {
    kind: &'static str,
    entries: Vec<Entry>,
    misplaced: Option<PostingError>,
}

impl PostingBuilder {
    #[must_use]
    pub fn debit<'a>(self, leg: impl Into<Leg<'a>>, amount: Cents) -> Self {
        self.entry(leg.into(), Side::Debit, amount)
    }

    #[must_use]
    pub fn credit<'a>(self, leg: impl Into<Leg<'a>>, amount: Cents) -> Self {
        self.entry(leg.into(), Side::Credit, amount)
    }

    /// A debit of `change`, or a credit of its opposite where it is negative.
    #[must_use]
    pub fn change<'a>(self, leg: impl Into<Leg<'a>>, change: Cents) -> Self {
        let side = if change.is_negative() { Side::Credit } else { Side::Debit };
        self.entry(leg.into(), side, change.abs())
    }

    /// Zero legs are dropped, so that a template can name every leg it might have.
    fn entry(mut self, leg: Leg<'_>, side: Side, amount: Cents) -> Self {
        if amount.is_zero() {
            return self;
        }
        let (kind, account) = (self.kind, leg.account.code);
        match (leg.account.control, leg.credit_line) {
            (true, None) => {
                self.misplaced.get_or_insert(PostingError::MissingCreditLine { kind, account });
            }
            (false, Some(_)) => {
                self.misplaced.get_or_insert(PostingError::UnexpectedCreditLine { kind, account });
            }
            _ => {}
        }
        self.entries.push(Entry { account, side, amount, credit_line: leg.credit_line });
        self
    }

    pub fn balanced(self) -> Result<Posting, PostingError> {
        let Self { kind, entries, misplaced } = self;
        if let Some(error) = misplaced {
            return Err(error);
        }
        if entries.is_empty() {
            return Err(PostingError::Empty { kind });
        }
        if let Some(entry) = entries.iter().find(|entry| !entry.amount.is_positive()) {
            return Err(PostingError::NotPositive { kind, amount: entry.amount });
        }
        let off_by: Cents = entries.iter().map(Entry::signed).sum();
        if !off_by.is_zero() {
            return Err(PostingError::Unbalanced { kind, off_by });
        }
        Ok(Posting { kind, entries })
    }

    /// As `balanced`, but nothing at all where every leg was zero.
    pub fn balanced_or_empty(self) -> Result<Option<Posting>, PostingError> {
        if self.entries.is_empty() { Ok(None) } else { self.balanced().map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;
    use crate::{Chart, TrialBalance};

    fn line() -> CreditLineId {
        CreditLineId::mint(DateTime::from_timestamp(1_790_000_000, 0).unwrap())
    }

    #[test]
    fn a_payment_splits_over_what_is_owed_and_zero_legs_vanish() {
        let chart = Chart::embedded().unwrap();
        let account = |name: &str| chart.account(name).unwrap();
        let line = line();
        let posting = Posting::of("payment_received")
            .debit(account("payments_clearing"), Cents::new(10_000))
            .credit(account("billed_interest").of(line), Cents::new(2_500))
            .credit(account("penalty_fees").of(line), Cents::ZERO)
            .credit(account("principal").of(line), Cents::new(7_500))
            .balanced()
            .unwrap();
        assert_eq!(posting.kind(), "payment_received");
        assert_eq!(posting.entries().len(), 3);
    }

    #[test]
    fn an_unbalanced_posting_cannot_exist() {
        let chart = Chart::embedded().unwrap();
        let cash = chart.account("cash").unwrap();
        assert_eq!(
            Posting::of("payment").debit(cash, Cents::new(1)).balanced(),
            Err(PostingError::Unbalanced { kind: "payment", off_by: Cents::new(1) })
        );
        assert_eq!(Posting::of("payment").balanced(), Err(PostingError::Empty { kind: "payment" }));
        assert_eq!(
            Posting::of("payment").debit(cash, Cents::new(-1)).balanced(),
            Err(PostingError::NotPositive { kind: "payment", amount: Cents::new(-1) })
        );
    }

    #[test]
    fn a_credit_line_stands_on_control_accounts_and_nowhere_else() {
        let chart = Chart::embedded().unwrap();
        let (cash, principal) =
            (chart.account("cash").unwrap(), chart.account("principal").unwrap());
        assert_eq!(
            Posting::of("draw")
                .debit(principal, Cents::new(5))
                .credit(cash, Cents::new(5))
                .balanced(),
            Err(PostingError::MissingCreditLine { kind: "draw", account: principal.code })
        );
        assert_eq!(
            Posting::of("draw")
                .debit(principal.of(line()), Cents::new(5))
                .credit(cash.of(line()), Cents::new(5))
                .balanced(),
            Err(PostingError::UnexpectedCreditLine { kind: "draw", account: cash.code })
        );
    }

    proptest! {
        #[test]
        fn whatever_balances_leaves_the_books_balanced(
            changes in prop::collection::vec(-1_000_000_i64..1_000_000, 1..20)
        ) {
            let chart = Chart::embedded().unwrap();
            let line = line();
            let mut builder = Posting::of("any");
            for change in &changes {
                builder = builder.change(chart.account("principal").unwrap().of(line), Cents::new(*change));
            }
            let sum = Cents::new(changes.iter().sum());
            let unbalanced = PostingError::Unbalanced { kind: "any", off_by: sum };
            match builder.balanced_or_empty() {
                Ok(None) => prop_assert!(changes.iter().all(|change| *change == 0)),
                Ok(Some(posting)) => {
                    prop_assert!(sum.is_zero());
                    let mut books = TrialBalance::default();
                    books.add(&posting);
                    prop_assert!(books.holds());
                }
                Err(error) => prop_assert_eq!(error, unbalanced),
            }
        }
    }
}
