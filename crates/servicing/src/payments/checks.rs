//! What is looked at before a payment is scheduled or cancelled: which bank account, how much, which day.

use chrono::{Days, NaiveDate};
use identity::{BankAccountId, CreditLineId, CustomerId};
use money::Cents;
use sqlx::PgConnection;
use store::{
    bank_accounts::{self, BankAccount, BankAccountKind, BankAccountStatus},
    payments::{self, AmountKind, PaymentRow, PaymentStatus},
    revocations,
};

use super::{AmountAsk, BankAccountAsk, PaymentView};
use crate::{
    Refusal, RefusalCode, Servicing, ServicingError,
    lines::Line,
    words::{bank_account_text, date_text},
};

/// Beyond this no consumer line goes: a slip of the finger.
const AMOUNT_MAX: Cents = Cents::new(100_000_000);

/// How far ahead a payment can be scheduled.
const AHEAD_DAYS_MAX: u64 = 365;

/// Whether the customer revoked the authorisation of a payment after giving it; for good, whatever becomes of the case.
pub(crate) async fn revoked(
    conn: &mut PgConnection,
    payment: &PaymentRow,
) -> Result<bool, ServicingError> {
    let revoked_at = revocations::last(conn, payment.customer_id).await?;
    Ok(revoked_at.is_some_and(|at| payment.authorised_at <= at))
}

impl Servicing {
    /// The payments of a line that are on their way, or will be unless something new comes between: what would be held back, as
    /// things stand, is left out.
    pub(crate) async fn underway(
        &self,
        conn: &mut PgConnection,
        credit_line_id: CreditLineId,
    ) -> Result<Vec<PaymentRow>, ServicingError> {
        let mut underway = Vec::new();
        for payment in payments::list_of_line(conn, credit_line_id).await? {
            let counts = match payment.status {
                PaymentStatus::Pending | PaymentStatus::Released => true,
                PaymentStatus::Scheduled => self.forbidden(conn, &payment).await?.is_none(),
                _ => false,
            };
            if counts {
                underway.push(payment);
            }
        }
        Ok(underway)
    }

    /// What will or may still be taken for the line and is not credited yet: what is scheduled and nothing stands against, and
    /// what is in a file of which we do not know whether the bank has it.
    pub(crate) async fn scheduled_total(
        &self,
        conn: &mut PgConnection,
        credit_line_id: CreditLineId,
    ) -> Result<Cents, ServicingError> {
        let underway = self.underway(conn, credit_line_id).await?;
        let uncredited = underway.iter().filter(|one| one.status != PaymentStatus::Released);
        Ok(uncredited.map(|one| one.amount).sum())
    }

    /// After two failed debits in a row, one payment authorised since then may be tried, and no second beside it.
    pub(super) async fn one_payment_after_strikes(
        &self,
        conn: &mut PgConnection,
        line: &Line,
        account: &BankAccount,
    ) -> Result<(), ServicingError> {
        let underway = self.underway(conn, line.row.id).await?;
        if underway.iter().any(|payment| payment.bank_account_id == account.id) {
            return Err(Refusal::new(
                RefusalCode::BankAccountDisabled,
                "The last two payments from this bank account came back, so only one can be tried at a time.",
            )
            .into());
        }
        Ok(())
    }
}

pub(super) async fn view(
    conn: &mut PgConnection,
    payment: PaymentRow,
) -> Result<PaymentView, ServicingError> {
    let bank_account = bank_accounts::find(conn, payment.bank_account_id)
        .await?
        .ok_or(ServicingError::Stored { what: "bank account", source: None })?;
    Ok(PaymentView { payment, bank_account, reversed: false })
}

pub(crate) async fn own_bank_account(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    id: BankAccountId,
) -> Result<BankAccount, ServicingError> {
    let account = bank_accounts::find(conn, id)
        .await?
        .filter(|account| account.customer_id == customer_id)
        .ok_or_else(unknown_bank_account)?;
    if account.status == BankAccountStatus::Disabled {
        return Err(Refusal::new(
            RefusalCode::BankAccountDisabled,
            format!("Your {} can no longer be used.", bank_account_text(&account)),
        )
        .into());
    }
    Ok(account)
}

/// Who names no account means the one there is, or among several the one checking account; the sheet shows which.
fn only(usable: Vec<&BankAccount>) -> Vec<&BankAccount> {
    let checking: Vec<&BankAccount> = usable
        .iter()
        .copied()
        .filter(|account| account.kind == BankAccountKind::Checking)
        .collect();
    if checking.len() == 1 { checking } else { usable }
}

fn unknown_bank_account() -> Refusal {
    Refusal::new(RefusalCode::BankAccountUnknown, "There is no such bank account on file.")
}

/// The one account that is meant, of those that can be used.
pub(super) fn choose_bank_account<'a>(
    accounts: &'a [BankAccount],
    ask: &BankAccountAsk,
) -> Result<&'a BankAccount, Refusal> {
    let usable = |account: &&BankAccount| account.status == BankAccountStatus::Verified;
    let found: Vec<&BankAccount> = match ask {
        // Whether it can be used is said when the payment is checked.
        BankAccountAsk::Id(id) => accounts.iter().filter(|account| account.id == *id).collect(),
        BankAccountAsk::Named(name) => {
            let name = name.to_lowercase();
            accounts.iter().filter(usable).filter(|account| named(account, &name)).collect()
        }
        BankAccountAsk::Only => only(accounts.iter().filter(usable).collect()),
    };
    match found.as_slice() {
        [] => Err(unknown_bank_account()),
        [account] => Ok(account),
        several => {
            let texts: Vec<_> = several.iter().map(|account| bank_account_text(account)).collect();
            Err(Refusal::new(
                RefusalCode::BankAccountAmbiguous,
                format!("There is more than one such bank account: {}.", texts.join(", ")),
            ))
        }
    }
}

/// Whether the words, in lower case, name this account: each of its kind, ending and bank that is mentioned fits.
fn named(account: &BankAccount, words: &str) -> bool {
    // Fewer than four digits are no ending: "account 1", "my 2 accounts".
    let numbers: Vec<&str> = words
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| digits.len() >= account.ending.len())
        .collect();
    let ending_fits =
        numbers.is_empty() || numbers.iter().any(|digits| digits.ends_with(&account.ending));
    let mentioned = |any: &[&str]| any.iter().any(|word| words.contains(word));
    let checking = mentioned(&["check", "corriente", "cheques"]);
    let savings = mentioned(&["saving", "ahorro"]);
    let kind_fits = match account.kind {
        bank_accounts::BankAccountKind::Checking => checking || !savings,
        bank_accounts::BankAccountKind::Savings => savings || !checking,
    };
    let bank = mentioned(&[account.bank_name.to_lowercase().as_str()]);
    ending_fits && kind_fits && (!numbers.is_empty() || checking || savings || bank)
}

pub(super) fn resolve_amount(
    line: &Line,
    ask: AmountAsk,
    on: NaiveDate,
) -> Result<(Cents, AmountKind), ServicingError> {
    let nothing = |what: &str| {
        ServicingError::from(Refusal::new(
            RefusalCode::NothingDue,
            format!("There is nothing left to pay of the {what}."),
        ))
    };
    let (amount, kind, what) = match ask {
        AmountAsk::Exact { cents } => {
            check_amount(cents)?;
            return Ok((cents, AmountKind::Exact));
        }
        AmountAsk::Minimum => (line.position(on)?.minimum_due, AmountKind::Minimum, "minimum"),
        AmountAsk::Statement => {
            (line.statement_balance_left(on)?, AmountKind::Statement, "statement balance")
        }
        AmountAsk::Payoff => (line.payoff(on)?, AmountKind::Payoff, "balance"),
    };
    if amount.is_positive() { Ok((amount, kind)) } else { Err(nothing(what)) }
}

pub(crate) fn check_amount(amount: Cents) -> Result<(), Refusal> {
    if !amount.is_positive() {
        return Err(Refusal::new(
            RefusalCode::AmountNotPositive,
            format!("{amount} is not an amount that can be paid."),
        ));
    }
    if amount > AMOUNT_MAX {
        return Err(Refusal::new(
            RefusalCode::AmountTooLarge,
            format!("{amount} is more than can be paid at once."),
        ));
    }
    Ok(())
}

pub(super) fn check_day(on: NaiveDate, today: NaiveDate) -> Result<(), Refusal> {
    if on < today {
        return Err(Refusal::new(
            RefusalCode::DateInPast,
            format!("{} has passed.", date_text(on)),
        ));
    }
    if today.checked_add_days(Days::new(AHEAD_DAYS_MAX)).is_none_or(|last| on > last) {
        return Err(Refusal::new(
            RefusalCode::DateTooFar,
            format!("{} is too far ahead.", date_text(on)),
        ));
    }
    Ok(())
}

pub(super) fn cancellable(payment: &PaymentRow) -> Result<(), Refusal> {
    let sentence = match payment.status {
        PaymentStatus::Scheduled => return Ok(()),
        PaymentStatus::Pending => {
            "This payment is on its way to the bank, and what the bank did with it is not known yet."
        }
        PaymentStatus::Released => "This payment has gone to the bank.",
        PaymentStatus::Settled => "This payment was made.",
        PaymentStatus::Returned => "This payment came back from the bank.",
        PaymentStatus::HeldBack => "This payment was held back. Nothing will be taken for it.",
        PaymentStatus::Cancelled => "This payment is cancelled already.",
    };
    Err(Refusal::new(RefusalCode::CannotCancel, sentence))
}

#[cfg(test)]
mod tests;
