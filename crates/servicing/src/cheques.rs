//! A credit balance sent back by cheque, where the bank will not have it: recorded by staff, void where nobody cashes it.
//!
//! Invariants: a cheque is of the whole credit balance, while none of it is on its way by bank and no payment behind it may come
//! back; it is recorded once, whoever does it and however often; the line is charged in the transaction that records it as sent, which
//! closes its case; what one person sends a customer alone stays within a limit (`countersign`), and beyond it nothing leaves before a
//! second person agrees. A void cheque leaves the line as if it had never been sent, and the case is open again.

use calendar::add_banking_days;
use chrono::{Days, NaiveDate};
use credit::LineEventBody;
use identity::{CustomerId, RefundId};
use money::Cents;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use store::{
    cases,
    cheques::{self, ChequeRow, ChequeStatus},
    countersignatures::{Act, CountersignatureRow},
    refunds,
};

use crate::{
    Authorised, Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    conversations::checked_text,
    countersign::Asked,
    lines::Line,
    refunds::{DESK_CASE, needed_by_draws, underway_still},
    words::date_text,
    work::{Begun, Trail, with},
};

/// How long ago a cheque that is recorded may have been sent.
const SENT_WITHIN: Days = Days::new(7);

/// The longest number.
const NUMBER_DIGITS_MAX: usize = 20;

/// A cheque as staff record it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewCheque {
    /// What is printed on it.
    pub number: String,
    /// All that the lender owes on the line: said as well, so that another cheque than that is noticed.
    pub amount: Cents,
    pub sent_on: NaiveDate,
}

fn invalid(sentence: impl Into<String>) -> ServicingError {
    Refusal::new(RefusalCode::ChequeInvalid, sentence).into()
}

impl Servicing {
    /// Records that the credit balance was sent by cheque, charges the line and closes the case. Beyond what one person sends alone it
    /// waits for a second one, and is to leave when that one agrees.
    pub async fn send_cheque(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        new: &NewCheque,
        key: &Key,
    ) -> Result<ChequeRow, ServicingError> {
        let permit = authorise(caller, UseCase::Serve, None, self.now())?;
        let request = ("send_cheque", customer_id, new);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let digits = new.number.bytes().all(|byte| byte.is_ascii_digit());
        if new.number.is_empty() || new.number.len() > NUMBER_DIGITS_MAX || !digits {
            return Err(invalid("The number of a cheque is up to 20 digits."));
        }
        let found = self.line_of(work.conn(), customer_id).await?.row.id;
        let mut line = self.hold_and_load(work.conn(), found).await?;
        self.may_leave(work.conn(), &line, new.amount).await?;
        self.sent_lately(&line, new)?;
        let words = "The credit balance of the line is to go back by cheque.";
        let of = (DESK_CASE, add_banking_days(self.today(), 1), words);
        let standing = cases::find_open(work.conn(), customer_id, DESK_CASE).await?;
        let case = match standing {
            Some(case) => case,
            None => self.open_line_case(work.conn(), permit, &line.row, of).await?,
        };
        let cheque = ChequeRow {
            id: RefundId::mint(self.now()),
            case_id: case.id,
            credit_line_id: line.row.id,
            customer_id,
            number: new.number.clone(),
            amount: new.amount,
            sent_on: new.sent_on,
            status: ChequeStatus::Waiting,
            recorded_by: permit.actor,
            recorded_at: self.now(),
            event_seq: None,
            void_seq: None,
            void_reason: None,
            changed_at: self.now(),
        };
        let takes_two = self.cheque_takes_two(work.conn(), customer_id, new.amount).await?;
        if !cheques::insert(work.conn(), &cheque).await? {
            return Err(invalid("A cheque of this number, or another one of this line, stands."));
        }
        let row = if takes_two {
            let reason = format!("Cheque {} for the credit balance.", new.number);
            let asked = Asked {
                act: Act::SendCheque { cheque_id: cheque.id },
                customer_id,
                credit_line_id: line.row.id,
                amount: new.amount,
                in_all: new.amount,
                reason: &reason,
            };
            self.ask_second(work.conn(), permit, asked).await?;
            cheque
        } else {
            self.charge_cheque(work.conn(), permit, &mut line, (cheque, None)).await?
        };
        work.finish(row).await
    }

    /// Sends what a second person agreed to, today, or records that they did not.
    pub(crate) async fn countersign_cheque(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        line: &mut Line,
        (row, id, agreed): (&CountersignatureRow, RefundId, bool),
    ) -> Result<(), ServicingError> {
        let mut cheque = find(conn, id).await?;
        if !agreed {
            (cheque.status, cheque.changed_at) = (ChequeStatus::Refused, self.now());
            return Ok(cheques::update(conn, &cheque).await?);
        }
        self.may_leave(conn, line, cheque.amount).await?;
        cheque.sent_on = self.today();
        self.charge_cheque(conn, permit, line, (cheque, Some(row))).await?;
        Ok(())
    }

    /// A cheque that nobody cashed is void: the credit balance is the customer's, as if it had never left, and a person has it again.
    pub async fn void_cheque(
        &self,
        caller: Caller,
        id: RefundId,
        reason: &str,
        key: &Key,
    ) -> Result<ChequeRow, ServicingError> {
        let reason = checked_text(reason)?;
        let permit = authorise(caller, UseCase::Serve, None, self.now())?;
        let mut work = match self.begin(permit, key, &("void_cheque", id, reason)).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let unheld = find(work.conn(), id).await?;
        let mut line = self.hold_and_load(work.conn(), unheld.credit_line_id).await?;
        let mut cheque = find(work.conn(), id).await?;
        if cheque.status != ChequeStatus::Sent {
            let sentence = "Only a cheque that was sent can be void, and once.";
            return Err(Refusal::new(RefusalCode::CaseClosed, sentence).into());
        }
        // On the day it was charged: whatever came since is worked out anew without it.
        let body = LineEventBody::CreditBalanceRestored { amount: cheque.amount };
        let seq = self.post(work.conn(), &mut line, cheque.sent_on, body).await?;
        cheque.void_seq = Some(i64::try_from(seq).unwrap_or(i64::MAX));
        cheque.void_reason = Some(reason.to_owned());
        (cheque.status, cheque.changed_at) = (ChequeStatus::Voided, self.now());
        cheques::update(work.conn(), &cheque).await?;
        let payload = with(told(&cheque, permit), "reason", json!(reason));
        let stream = Trail::stream(None, Some(cheque.credit_line_id));
        self.trail(work.conn(), stream, "refund.cheque_voided", payload).await?;
        if line.position(self.today())?.credit_balance.is_positive() {
            let words = format!(
                "Cheque {} was not cashed and is void: the credit balance of the line is to go back.",
                cheque.number
            );
            let of = (DESK_CASE, add_banking_days(self.today(), 1), words.as_str());
            self.open_line_case(work.conn(), permit, &line.row, of).await?;
            refunds::leave_to_a_person(work.conn(), line.row.id).await?;
        }
        work.finish(cheque).await
    }

    /// The cheques that were recorded for a customer, the newest first.
    pub async fn list_cheques(
        &self,
        caller: Caller,
        customer_id: CustomerId,
    ) -> Result<Vec<ChequeRow>, ServicingError> {
        authorise(caller, UseCase::Oversee, None, self.now())?;
        let mut conn = self.store.app().acquire().await?;
        Ok(cheques::list_of_customer(&mut conn, customer_id).await?)
    }

    /// Refuses a day on which the cheque cannot have been sent.
    fn sent_lately(&self, line: &Line, new: &NewCheque) -> Result<(), ServicingError> {
        let today = self.today();
        let earliest = today.checked_sub_days(SENT_WITHIN).unwrap_or(today);
        if new.sent_on > today || new.sent_on < earliest.max(line.row.opened_on) {
            return Err(invalid(
                "A cheque is recorded on the day it is sent, or within seven days.",
            ));
        }
        if line.position(new.sent_on)?.credit_balance < new.amount {
            let on = date_text(new.sent_on);
            return Err(invalid(format!(
                "The credit balance was less than {} on {on}.",
                new.amount
            )));
        }
        Ok(())
    }

    /// Refuses where the whole credit balance cannot go back by cheque now.
    async fn may_leave(
        &self,
        conn: &mut PgConnection,
        line: &Line,
        amount: Cents,
    ) -> Result<(), ServicingError> {
        self.sending_allowed(conn, line.row.customer_id).await?;
        let position = line.position(self.today())?;
        let owed = position.credit_balance;
        if !owed.is_positive() {
            let sentence = "There is no credit balance on this line.";
            return Err(Refusal::new(RefusalCode::NoCreditBalance, sentence).into());
        }
        if needed_by_draws(&position, owed) {
            return Err(invalid("A draw that is on its way uses this credit balance."));
        }
        if owed != amount {
            return Err(invalid(format!(
                "The credit balance is {owed}: the cheque is of all of it."
            )));
        }
        let by_bank = refunds::list_of_line(conn, line.row.id).await?;
        if by_bank.iter().any(|one| underway_still(one.status)) {
            let sentence = "A refund of the credit balance is underway already.";
            return Err(Refusal::new(RefusalCode::NoCreditBalance, sentence).into());
        }
        if self.may_come_back(conn, line.row.id).await? {
            return Err(invalid("A payment behind the credit balance may still come back."));
        }
        Ok(())
    }

    /// Charges the line with a cheque that leaves, tells of it, and closes its case.
    async fn charge_cheque(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        line: &mut Line,
        (mut cheque, second): (ChequeRow, Option<&CountersignatureRow>),
    ) -> Result<ChequeRow, ServicingError> {
        let body = LineEventBody::CreditBalanceRefunded { amount: cheque.amount };
        let seq = self.post(conn, line, cheque.sent_on, body).await?;
        cheque.event_seq = Some(i64::try_from(seq).unwrap_or(i64::MAX));
        (cheque.status, cheque.changed_at) = (ChequeStatus::Sent, self.now());
        cheques::update(conn, &cheque).await?;
        let mut payload = told(&cheque, permit);
        if let Some(second) = second {
            payload = with(payload, "countersignature_id", json!(second.id));
            payload = with(payload, "asked_by", json!(second.asked_by));
            payload = with(payload, "note", json!(second.note));
        }
        let stream = Trail::stream(None, Some(cheque.credit_line_id));
        self.trail(conn, stream, "refund.cheque_sent", payload).await?;
        let note = format!("Sent by cheque {}.", cheque.number);
        if !cases::close(conn, cheque.case_id, &note, permit.actor, self.now()).await? {
            let sentence = "The case of this cheque is closed.";
            return Err(Refusal::new(RefusalCode::CaseClosed, sentence).into());
        }
        let payload = json!({ "case_id": cheque.case_id, "note": note, "flag_cleared": null, "authorised": permit });
        self.trail(conn, stream, "case.closed", payload).await?;
        Ok(cheque)
    }
}

async fn find(conn: &mut PgConnection, id: RefundId) -> Result<ChequeRow, ServicingError> {
    cheques::find(conn, id).await?.ok_or_else(|| Refusal::not_found("cheque").into())
}

fn told(cheque: &ChequeRow, permit: Authorised) -> Value {
    json!({
        "cheque_id": cheque.id, "number": cheque.number, "case_id": cheque.case_id, "customer_id": cheque.customer_id,
        "credit_line_id": cheque.credit_line_id, "amount_cents": cheque.amount, "on": cheque.sent_on,
        "event_seq": cheque.event_seq, "void_seq": cheque.void_seq, "authorised": permit,
    })
}
