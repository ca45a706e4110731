//! What of a day's payments keeps the day open: what the next run may do, and not what a person has in hand.

use servicing::{
    Caller,
    close::{Close, CloseAsk, CloseReport, Pace},
};
use store::payments::PaymentStatus;

use crate::{
    faults::{desk, run},
    house::{House, Person, Wire, day, noon},
};

async fn closes(house: &House, on: &str) -> Close {
    let on = day(on);
    let ask = CloseAsk { on, workers: Some(1), pace: Pace::Full, payments: true };
    house.servicing.close_day(Caller::system(), ask, |_| {}).await.unwrap()
}

async fn report(house: &House, on: &str) -> CloseReport {
    match closes(house, on).await {
        Close::Ran(report) => report,
        before @ Close::Before { .. } => panic!("closed before: {before:?}"),
    }
}

/// Ann's payment of November 23 comes back on the 25th.
async fn with_return() -> (House, Person) {
    let (house, ann) = House::with_ann_banking_at("000111229001").await;
    house.pays(ann, 50_000, "2026-11-23").await.unwrap();
    house.live_until("2026-11-24").await;
    house.hand.set(noon(day("2026-11-25")));
    house.bank_lives(day("2026-11-25")).await;
    (house, ann)
}

#[tokio::test]
async fn a_bank_that_cannot_be_reached_keeps_the_day_open() {
    let (house, ann) = House::with_ann().await;
    house.cut(Wire::LosesRequests);
    let nothing_to_send = report(&house, "2026-11-20").await;
    assert_eq!((nothing_to_send.closed, nothing_to_send.whole()), (false, false));
    house.pays(ann, 5_000, "2026-11-20").await.unwrap();
    let sent = report(&house, "2026-11-20").await;
    assert_eq!((sent.closed, sent.whole()), (false, false));
    assert_eq!(sent.payments.report.unwrap().failed, 0, "nobody is to blame but the bank");
    house.cut(Wire::Fine);
    let reached = report(&house, "2026-11-20").await;
    assert!(reached.closed && reached.whole(), "{reached:?}");
    // Of a day that is closed too.
    house.cut(Wire::LosesRequests);
    assert!(!closes(&house, "2026-11-20").await.whole());
    house.cut(Wire::Fine);
    assert!(closes(&house, "2026-11-20").await.whole());
}

#[tokio::test]
async fn a_file_that_the_desk_has_keeps_no_day_open() {
    let (house, ann) = with_return().await;
    // A total that is not so.
    house.returns_arrive_as(|text| text.replacen("\n9000001", "\n9000002", 1));
    let first = report(&house, "2026-11-25").await;
    assert!(first.closed && first.whole(), "{first:?}");
    assert_eq!(first.payments.report.unwrap().with_the_desk, 1);
    assert_eq!(desk(&house).await, [("operations".to_owned(), ann.id)]);
    // It is read by each run, and it stays the desk's until it can be.
    house.sabotage("UPDATE cases SET status = 'closed', closed_at = now(), closed_by = opened_by, note = 'done'").await;
    assert!(closes(&house, "2026-11-25").await.whole());
    assert_eq!(desk(&house).await, [("operations".to_owned(), ann.id)]);
    house.returns_arrive_as(str::to_owned);
    assert_eq!(run(&house).await.returned, 1);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_and_names_nobody_keeps_the_day_open() {
    let (house, _) = with_return().await;
    house.cut(Wire::GarblesReturns);
    let read = report(&house, "2026-11-25").await;
    assert_eq!((read.closed, read.payments.report.unwrap().failed), (false, 1));
    assert_eq!(desk(&house).await, []);
}

/// One kind of event becomes another, of which the engine knows nothing.
fn spoil(from: &str, to: &str) -> String {
    format!(
        "UPDATE line_events SET body = jsonb_set(body, '{{kind}}', '\"{to}\"') WHERE body ->> 'kind' = '{from}'"
    )
}

#[tokio::test]
async fn a_return_to_a_line_that_cannot_be_worked_out_is_the_desks_and_keeps_no_day_open() {
    let (house, ann) = with_return().await;
    house.sabotage(&spoil("payment_received", "nonsense")).await;
    for _ in 0..2 {
        let close = closes(&house, "2026-11-25").await;
        assert!(close.whole(), "{close:?}");
        assert_eq!(desk(&house).await, [("operations".to_owned(), ann.id)]);
    }
    let repeated = "SELECT count(*) FROM audit_leaves WHERE kind = 'case.repeated'";
    assert_eq!(house.count(repeated).await, 0);
    house.sabotage(&spoil("nonsense", "payment_received")).await;
    let mended = run(&house).await;
    assert_eq!((mended.returned, mended.with_the_desk), (1, 0));
    assert_eq!(house.payments(ann).await[0].status, PaymentStatus::Returned);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_case_of_another_matter_that_names_the_same_payment_is_not_taken_for_its_case() {
    let (house, ann) = with_return().await;
    let reference = house.payments(ann).await[0].reference.clone();
    house.sabotage(&spoil("payment_received", "nonsense")).await;
    run(&house).await;
    let undone = format!("{reference} cannot be worked off");
    let told = async || {
        let cases = house.servicing.list_cases(Caller::system(), ann.id).await.unwrap();
        cases.iter().map(|case| case.words.matches(&undone).count()).sum::<usize>()
    };
    assert_eq!(told().await, 1);
    // The case that stands open is of another matter: one that names the payment, or one that is named by more of the same letters.
    for other in [
        format!("Payment {reference} came back with R06 later than the bank may send it back."),
        format!(
            "{reference} came back of the class XYZ, which we do not know: nothing was undone."
        ),
        format!("X{undone}, which is no reference of ours."),
    ] {
        house.sabotage(&format!("UPDATE cases SET words = '{other}'")).await;
        house.sabotage("DELETE FROM case_matters").await;
        let before = told().await;
        for _ in 0..2 {
            run(&house).await;
            assert_eq!(told().await, before + 1, "{other}");
        }
    }
}
