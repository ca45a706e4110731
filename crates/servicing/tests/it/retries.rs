//! A debit that came back for want of funds is tried once more, or not at all.

use credit::FlagKind;
use servicing::{Caller, CaseKind, NewCase};
use store::payments::PaymentStatus;

use crate::house::{House, Person, Wire, cents, day, key, noon};

/// The sandbox bank returns its first debit for want of funds, and lets the next one settle.
const SHORT_ONCE: &str = "000111229101";
/// It returns every debit for want of funds.
const ALWAYS_SHORT: &str = "000111229001";

/// When the payment of [`returned`] has come back, and when a retry of it is due.
const RETURNED_BY: &str = "2026-11-27";
const RETRIES: &str = "SELECT count(*) FROM payments WHERE retry_of IS NOT NULL";

/// A customer whose payment of $50.00 has come back.
async fn returned(account: &str) -> (House, Person) {
    let (house, ann) = House::with_ann_banking_at(account).await;
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
    house.live_until(RETURNED_BY).await;
    let status = house.payments(ann).await[0].status;
    assert_eq!(status, PaymentStatus::Returned);
    (house, ann)
}

/// Why nothing was tried again, as it stands on the record.
async fn why_not(house: &House) -> Option<String> {
    sqlx::query_scalar("SELECT payload ->> 'why' FROM outbox WHERE kind = 'payment.not_retried'")
        .fetch_optional(house.database.owner())
        .await
        .unwrap()
}

#[tokio::test]
async fn what_was_not_there_is_taken_once_more_after_five_days_and_can_be_seen_coming() {
    let (house, ann) = returned(SHORT_ONCE).await;
    let first = house.payments(ann).await.remove(0);
    let retry_on = first.returned_on.unwrap() + chrono::Days::new(5);
    assert_eq!(first.retry_on, Some(retry_on));

    house.live_until(&retry_on.pred_opt().unwrap().to_string()).await;
    assert_eq!(house.count(RETRIES).await, 0);
    assert_eq!(house.live_until(&retry_on.to_string()).await.payments.retried, 1);
    let listed = house.payments(ann).await;
    let (retry, first) = (&listed[0], &listed[1]);
    assert_eq!((retry.status, retry.retry_of), (PaymentStatus::Scheduled, Some(first.id)));
    assert_eq!((retry.amount, retry.bank_account_id), (first.amount, first.bank_account_id));
    assert_eq!((retry.debit_on, retry.authorised_on), (day("2026-12-01"), day("2026-12-01")));
    assert_eq!((first.status, first.retry_on), (PaymentStatus::Returned, None));

    assert_eq!(house.live_until("2026-12-01").await.payments.released, 1);
    house.live_until("2026-12-10").await;
    assert_eq!(house.payments(ann).await[0].status, PaymentStatus::Settled);
    let position = house.servicing.position(ann.caller(), ann.id).await.unwrap().position;
    assert_eq!(position.principal_balance, cents(75_000));
    assert_eq!(house.count(RETRIES).await, 1);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_retry_that_comes_back_too_is_the_last() {
    let (house, ann) = returned(ALWAYS_SHORT).await;
    house.live_until("2026-12-20").await;
    let listed = house.payments(ann).await;
    let seen: Vec<_> = listed.iter().map(|one| (one.status, one.retry_on)).collect();
    assert_eq!(seen, [(PaymentStatus::Returned, None), (PaymentStatus::Returned, None)]);
    assert_eq!(house.submitted(), 2);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn nothing_is_tried_again_against_the_customers_will_or_trouble() {
    let told = |kind: CaseKind| {
        move |ann: Person| NewCase {
            customer_id: ann.id,
            conversation_id: None,
            kind,
            words: "as the customer put it".to_owned(),
        }
    };
    for (kind, why) in [
        (CaseKind::StopPayment, "stop_payment"),
        (CaseKind::Hardship, "flag:hardship"),
        (CaseKind::Bankruptcy, "flag:bankruptcy"),
        (CaseKind::Attorney, "flag:attorney"),
        (CaseKind::Dispute, "flag:dispute"),
    ] {
        let (house, ann) = returned(SHORT_ONCE).await;
        house.hand.advance(chrono::TimeDelta::minutes(1));
        let assistant = Caller::assistant(ann.id);
        house.servicing.open_case(assistant, told(kind)(ann)).await.unwrap();
        // Nor is it foretold any more.
        assert_eq!(house.payments(ann).await[0].retry_on, None, "{why}");
        house.live_until("2026-12-08").await;
        assert_eq!(house.count(RETRIES).await, 0, "{why}");
        assert_eq!(why_not(&house).await.as_deref(), Some(why));
        assert_eq!(house.submitted(), 1, "{why}");
    }
}

#[tokio::test]
async fn who_has_paid_since_or_owes_less_by_then_is_not_debited_again() {
    let (house, ann) = returned(SHORT_ONCE).await;
    house.hand.advance(chrono::TimeDelta::minutes(1));
    assert!(house.payments(ann).await[0].retry_on.is_some());
    house.pays(ann, 5_000, "2026-11-30").await.unwrap();
    // Nor is it foretold any more.
    assert_eq!(house.payments(ann).await[1].retry_on, None);
    house.live_until("2026-12-08").await;
    assert_eq!(why_not(&house).await.as_deref(), Some("paid_since"));
    assert_eq!(house.count(RETRIES).await, 0);

    // All but a little of what will be owed is scheduled from the beginning.
    let (house, ann) = House::with_ann_banking_at(SHORT_ONCE).await;
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
    house.pays(ann, 75_600, "2026-12-03").await.unwrap();
    house.live_until(RETURNED_BY).await;
    let foretold: Vec<_> = house.payments(ann).await.iter().map(|one| one.retry_on).collect();
    assert_eq!(foretold, [None, None]);
    house.live_until("2026-12-02").await;
    assert_eq!(why_not(&house).await.as_deref(), Some("amount_over_payoff"));
    assert_eq!(house.count(RETRIES).await, 0);
}

#[tokio::test]
async fn who_pays_between_the_scheduling_of_a_retry_and_its_file_is_debited_once() {
    let (house, ann) = returned(SHORT_ONCE).await;
    house.live_until("2026-11-30").await;
    let retry = house.payments(ann).await.remove(0);
    assert_eq!((retry.status, retry.debit_on), (PaymentStatus::Scheduled, day("2026-12-01")));
    house.hand.advance(chrono::TimeDelta::minutes(1));
    house.pays(ann, 5_000, "2026-12-01").await.unwrap();
    // The customer sees at once that only one of the two will be taken.
    let reasons = async || {
        let listed = house.payments(ann).await;
        let of = |one: &store::payments::PaymentRow| (one.status, one.cancel_reason.clone());
        (of(&listed[0]), of(listed.iter().find(|one| one.id == retry.id).unwrap()))
    };
    let held = (PaymentStatus::HeldBack, Some("paid_since".to_owned()));
    assert_eq!(reasons().await, ((PaymentStatus::Scheduled, None), held.clone()));

    let report = house.live_until("2026-12-01").await.payments;
    assert_eq!((report.released, report.held_back, report.failed), (1, 1, 0));
    house.live_until("2026-12-10").await;
    assert_eq!(reasons().await, ((PaymentStatus::Settled, None), held));
    assert_eq!(house.submitted(), 2);
    let told: Vec<String> =
        sqlx::query_scalar("SELECT payload ->> 'why' FROM outbox WHERE kind = 'payment.held_back'")
            .fetch_all(house.database.owner())
            .await
            .unwrap();
    assert_eq!(told, ["paid_since"]);
    let position = house.servicing.position(ann.caller(), ann.id).await.unwrap().position;
    assert_eq!(position.principal_balance, cents(75_000));
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_retry_of_nearly_all_that_is_owed_does_not_stand_in_its_own_way() {
    let (house, ann) = House::with_ann_banking_at(SHORT_ONCE).await;
    house.pays(ann, 75_000, "2026-11-23").await.unwrap();
    assert_eq!(house.live_until("2026-11-30").await.payments.retried, 1);
    assert_eq!(house.payments(ann).await[0].status, PaymentStatus::Scheduled);
    let report = house.live_until("2026-12-01").await.payments;
    assert_eq!((report.released, report.held_back), (1, 0));
}

#[tokio::test]
async fn who_paid_before_we_read_of_the_return_has_paid_since() {
    let (house, ann) = House::with_ann_banking_at(SHORT_ONCE).await;
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
    house.live_until("2026-11-24").await;
    house.cut(Wire::LosesRequests);
    house.live_until("2026-11-26").await;
    house.pays(ann, 5_000, "2026-12-04").await.unwrap();
    house.cut(Wire::Fine);
    house.live_until("2026-11-27").await;
    let first = house.payments(ann).await.remove(1);
    assert_eq!(first.status, PaymentStatus::Returned);
    assert_eq!((first.returned_on, first.retry_on), (Some(day("2026-11-25")), None));
    house.live_until("2026-12-03").await;
    assert_eq!(why_not(&house).await.as_deref(), Some("paid_since"));
}

#[tokio::test]
async fn nothing_is_tried_again_half_a_year_later() {
    // It was to settle on November 24; the retry is debited on the banking day after it is made.
    for (made_on, why) in [("2027-05-20", None), ("2027-05-21", Some("too_late"))] {
        let (house, _) = returned(SHORT_ONCE).await;
        house.hand.set(noon(day(made_on)));
        let report = house.servicing.run_payments(Caller::system()).await.unwrap();
        assert_eq!((report.retried, report.failed), (u32::from(why.is_none()), 0), "{made_on}");
        assert_eq!(why_not(&house).await.as_deref(), why);
    }
}

#[tokio::test]
async fn two_failed_debits_are_not_followed_by_a_third() {
    let (house, ann) = House::with_ann_banking_at(ALWAYS_SHORT).await;
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
    house.pays(ann, 4_000, "2026-11-24").await.unwrap();
    house.live_until("2026-12-10").await;
    assert_eq!(why_not(&house).await.as_deref(), Some("two_failed_debits"));
    assert_eq!((house.count(RETRIES).await, house.submitted()), (0, 2));
}

#[tokio::test]
async fn failed_debits_follow_each_other_by_time_whatever_number_we_originate_under() {
    let (house, ann) = returned(SHORT_ONCE).await;
    // The first debit went out under a routing number that sorts after today's.
    let renumber = "UPDATE payments SET trace_number = '99999999' || right(trace_number, 7)";
    sqlx::raw_sql(renumber).execute(house.database.owner()).await.unwrap();
    let failures = async || {
        let mut conn = house.database.store().app().acquire().await.unwrap();
        store::payments::failures(&mut conn, ann.checking, day("2026-12-10")).await.unwrap().in_row
    };
    assert_eq!(failures().await, 1);
    house.live_until("2026-12-10").await;
    assert_eq!(house.payments(ann).await[0].status, PaymentStatus::Settled);
    assert_eq!(failures().await, 0);
}

#[tokio::test]
async fn a_retry_that_was_scheduled_is_still_the_customers_to_stop() {
    let (house, ann) = returned(SHORT_ONCE).await;
    house.live_until("2026-11-30").await;
    let retry = house.payments(ann).await.remove(0);
    let service = &house.servicing;
    service.cancel_payment(ann.caller(), ann.id, retry.id, &key("cancel")).await.unwrap();
    house.live_until("2026-12-10").await;
    assert_eq!(house.payments(ann).await[0].status, PaymentStatus::Cancelled);
    assert_eq!((house.count(RETRIES).await, house.submitted()), (1, 1));

    // These let a payment be that the customer chose, and no retry.
    for kind in [FlagKind::Hardship, FlagKind::Disaster, FlagKind::Dispute] {
        let (house, ann) = returned(SHORT_ONCE).await;
        house.live_until("2026-11-30").await;
        let assistant = Caller::assistant(ann.id);
        house.servicing.raise_flag(assistant, ann.id, kind, "case CAS-1").await.unwrap();
        assert_eq!(house.live_until("2026-12-01").await.payments.held_back, 1, "{kind:?}");
        let held = house.payments(ann).await.remove(0);
        let why = format!("flag:{}", servicing::flags::flag_word(kind));
        assert_eq!(held.cancel_reason, Some(why));
        assert_eq!(house.submitted(), 1, "{kind:?}");
    }
}

#[tokio::test]
async fn two_processes_make_a_retry_once() {
    let (house, ann) = returned(SHORT_ONCE).await;
    house.live_until("2026-11-29").await;
    house.hand.advance(chrono::TimeDelta::days(1));
    let (one, other) = tokio::join!(
        house.servicing.run_payments(Caller::system()),
        house.servicing.run_payments(Caller::system())
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!((one.retried + other.retried, one.failed, other.failed), (1, 0, 0));
    assert_eq!(house.count(RETRIES).await, 1);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_process_that_dies_between_the_retry_and_the_end_of_its_job_leaves_neither() {
    let (house, _) = returned(SHORT_ONCE).await;
    house.live_until("2026-11-29").await;
    // The connection is cut at the moment at which the job is marked as done, the payment inserted already.
    let cut = "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS
                   $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
               CREATE TRIGGER cut BEFORE UPDATE ON jobs FOR EACH ROW
                   WHEN (NEW.finished_at IS NOT NULL) EXECUTE FUNCTION cut()";
    sqlx::raw_sql(cut).execute(house.database.owner()).await.unwrap();
    let report = house.live_until("2026-11-30").await.payments;
    assert_eq!((report.retried, report.failed), (0, 1));
    assert_eq!(house.count(RETRIES).await, 0);
    let done = "SELECT count(*) FROM jobs WHERE finished_at IS NOT NULL";
    assert_eq!(house.count(done).await, 0);

    sqlx::raw_sql("DROP TRIGGER cut ON jobs").execute(house.database.owner()).await.unwrap();
    house.hand.advance(chrono::TimeDelta::hours(1));
    for made in [1, 0] {
        let report = house.servicing.run_payments(Caller::system()).await.unwrap();
        assert_eq!((report.retried, report.failed), (made, 0));
        assert_eq!((house.count(RETRIES).await, house.count(done).await), (1, 1));
    }
    let told = "SELECT count(*) FROM outbox
                WHERE kind = 'payment.scheduled' AND payload ->> 'retry_of' IS NOT NULL";
    assert_eq!(house.count(told).await, 1);
}

#[tokio::test]
async fn a_retry_that_cannot_be_made_is_left_to_a_person_in_the_end() {
    let (house, ann) = returned(SHORT_ONCE).await;
    house.live_until("2026-11-29").await;
    let refuse = "ALTER TABLE payments ADD CONSTRAINT broken CHECK (retry_of IS NULL)";
    sqlx::raw_sql(refuse).execute(house.database.owner()).await.unwrap();
    // Nor can the last failure be told to the desk at first: that keeps the run from nothing else.
    let refuse = "ALTER TABLE cases ADD CONSTRAINT broken CHECK (kind <> 'operations')";
    sqlx::raw_sql(refuse).execute(house.database.owner()).await.unwrap();
    house.live_until("2026-11-30").await;
    let staff = house.representative("Rae").await;
    for attempt in 2..=6 {
        if attempt == 6 {
            let mend = "ALTER TABLE cases DROP CONSTRAINT broken";
            sqlx::raw_sql(mend).execute(house.database.owner()).await.unwrap();
        }
        assert!(house.servicing.queue(staff).await.unwrap().cases.is_empty());
        house.hand.advance(chrono::TimeDelta::hours(1));
        assert_eq!(house.servicing.run_payments(Caller::system()).await.unwrap().failed, 1);
    }
    let queue = house.servicing.queue(staff).await.unwrap();
    assert_eq!((queue.cases.len(), &*queue.cases[0].0.kind), (1, "operations"));
    assert_eq!(house.payments(ann).await[0].retry_on, None);
    house.hand.advance(chrono::TimeDelta::hours(1));
    assert_eq!(house.servicing.run_payments(Caller::system()).await.unwrap().failed, 0);
}
