//! An automatic payment is made only where its notice left ten days ahead (12 CFR 1005.10(d)(1)).

use std::sync::Arc;

use chrono::Days;
use rails::{Bounce, Mail, MailError, Printing, RailError};
use servicing::{
    Caller, Servicing,
    autopay::{AutopayAmount, NOTICE_DAYS},
    ports::{Post, PostFuture, PostOffice},
};
use store::{
    autopays::DebitStatus,
    customers::Language,
    outbound::{OutboundRow, OutboundState},
};

use crate::{
    autopay::{debits, enrol},
    house::{House, Person, day},
    messages::Written,
};

#[test]
fn v34_a_debit_of_an_amount_that_varies_is_told_by_the_tenth_day_before() {
    let debit = day("2026-11-30");
    assert_eq!(debit - Days::new(NOTICE_DAYS.into()), day("2026-11-20"));
}

/// Somebody who owes, with a street, automatic payments since that day, and a debit planned for October 30.
async fn enrolled(email: &str, on: &str) -> (Written, Person) {
    let written = Written::on("2026-09-06").await;
    let person = written.person(email, Language::English).await;
    written.live_until(on).await;
    enrol(&written, person, AutopayAmount::Minimum, "enrol").await;
    (written, person)
}

/// Whether the debit of October 30 is made, and why not.
async fn made(house: &House, person: Person) -> (bool, Option<String>) {
    house.live_until("2026-10-30").await;
    let debit = debits(house, person).await.remove(0);
    let payments = house.payments(person).await.len();
    assert_eq!(payments, usize::from(debit.status == DebitStatus::Made));
    (debit.status == DebitStatus::Made, debit.why)
}

fn not_sent() -> (bool, Option<String>) {
    (false, Some("notice_not_sent".to_owned()))
}

async fn notice(written: &Written, person: Person) -> OutboundRow {
    written.message(person, "autopay_notice").await
}

#[tokio::test]
async fn a_notice_that_a_mail_server_or_a_printer_has_ten_days_ahead_is_enough() {
    for email in ["ann@example.com", "bounce@example.com"] {
        let (written, ann) = enrolled(email, "2026-10-08").await;
        assert_eq!(made(&written, ann).await, (true, None), "{email}");
    }
    // On the last day on which there is time.
    let (written, ann) = enrolled("ann@example.com", "2026-10-20").await;
    written.run().await;
    assert_eq!(made(&written, ann).await, (true, None));
}

#[tokio::test]
async fn one_that_left_later_is_not_and_the_customer_is_told_that_nothing_was_taken() {
    // Put off for days, or of which the answer was lost: on paper, when ten days are not left.
    for email in ["defer@example.com", "request-lost@example.com"] {
        let (written, ann) = enrolled(email, "2026-10-18").await;
        assert_eq!(made(&written, ann).await, not_sent(), "{email}");
        assert_eq!(notice(&written, ann).await.state, OutboundState::OnPaper, "{email}");
        let told = written.message(ann, "payment_not_made").await;
        assert!(told.body.contains("October 30, 2026"), "{}", told.body);
        let leaf = "SELECT count(*) FROM audit_leaves WHERE kind = 'autopay.not_made'";
        assert_eq!(written.count(leaf).await, 1);
    }
    // By mail, a day too late.
    let (written, ann) = enrolled("ann@example.com", "2026-10-20").await;
    written.live_until("2026-10-21").await;
    assert_eq!(notice(&written, ann).await.state, OutboundState::Sent);
    assert_eq!(made(&written, ann).await, not_sent());
}

/// A post office that is out of order: its printer prints nothing, its mail server puts everything off.
struct OutOfOrder(PostOffice);

impl Post for OutOfOrder {
    fn send<'a>(&'a self, _: &'a Mail<'a>) -> PostFuture<'a, (), MailError> {
        Box::pin(async { Err(MailError::Deferred { code: "4.2.1".to_owned() }) })
    }

    fn has<'a>(&'a self, id: &'a str) -> PostFuture<'a, bool, RailError> {
        self.0.has(id)
    }

    fn bounces_after(&self, sequence: u64) -> PostFuture<'_, Vec<Bounce>, RailError> {
        self.0.bounces_after(sequence)
    }

    fn has_letter<'a>(&'a self, id: &'a str) -> PostFuture<'a, bool, RailError> {
        self.0.has_letter(id)
    }

    fn print<'a>(&'a self, _: &'a Printing<'a>) -> PostFuture<'a, (), RailError> {
        Box::pin(async { Err(RailError::Unknown { reason: "out of paper".to_owned() }) })
    }
}

/// The lender as it is while its post is out of order.
fn out_of_order(written: &Written) -> Servicing {
    let office = OutOfOrder(written.office.clone());
    written.servicing().clone().with_post(Arc::new(office))
}

#[tokio::test]
async fn a_letter_that_is_not_printed_is_no_notice_nor_is_one_that_came_back() {
    let (mut written, ann) = enrolled("bounce@example.com", "2026-10-08").await;
    written.house.servicing = out_of_order(&written);
    assert_eq!(made(&written, ann).await, not_sent());
    assert_eq!(notice(&written, ann).await.state, OutboundState::OnPaper);

    let (written, ann) = enrolled("bounce@example.com", "2026-10-08").await;
    let nowhere = ["No Such Street 5".to_owned(), "Sacramento, CA 95814".to_owned()];
    let system = Caller::system();
    written.servicing().keep_postal_address(system, ann.id, &nowhere).await.unwrap();
    assert_eq!(made(&written, ann).await, not_sent());
    assert_eq!(notice(&written, ann).await.state, OutboundState::NotSent);
}

#[tokio::test]
async fn where_nobody_delivers_mail_nothing_is_taken() {
    let house = House::on("2026-09-06").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 100_000).await;
    house.live_until("2026-10-08").await;
    enrol(&house, ann, AutopayAmount::Minimum, "enrol").await;
    assert_eq!(made(&house, ann).await, not_sent());
}

/// Who changes what was told while there is time is told anew, and only that counts.
#[tokio::test]
async fn the_notice_of_what_was_agreed_before_does_not_stand_for_the_one_after() {
    let (mut written, ann) = enrolled("ann@example.com", "2026-10-17").await;
    written.run().await;
    let before = notice(&written, ann).await;
    assert_eq!(before.state, OutboundState::Sent);
    written.live_until("2026-10-18").await;
    enrol(&written, ann, AutopayAmount::Minimum, "again").await;
    let in_order = written.servicing().clone();
    written.house.servicing = out_of_order(&written);
    written.live_until("2026-10-20").await;
    written.house.servicing = in_order;
    written.live_until("2026-10-21").await;
    let after = notice(&written, ann).await;
    assert_eq!((after.state, after.id == before.id), (OutboundState::Sent, false));
    assert_eq!(made(&written, ann).await, not_sent());
}
