//! What takes two people: a payment taken back as our mistake, much of a dispute given back.

use identity::{CaseId, DrawId};
use servicing::{
    Caller, RefusalCode,
    disputes::{DisputeSubject, Finding, NewDispute},
};
use tokio::task::JoinSet;

use crate::{
    house::{House, Person, cents, code, key, refusal},
    service::{pays, position, told, with_statement},
};

#[tokio::test]
async fn a_payment_is_taken_back_as_our_mistake_by_two_people_and_once() {
    let (house, ann) = with_statement().await;
    pays(&house, ann, 5_000, "2026-10-12").await;
    house.live_until("2026-10-15").await;
    let service = &house.servicing;
    let (rae, sam) = (house.representative("Rae").await, house.representative("Sam").await);
    let payment = house.payments(ann).await[0].id;
    let before = position(&house, ann).await;
    let asks = async |caller, name: &str| {
        service.ask_reversal(caller, payment, "Taken for another line.", &key(name)).await
    };
    for caller in [ann.caller(), Caller::assistant(ann.id), Caller::system()] {
        assert_eq!(code(asks(caller, "ask").await), RefusalCode::NotAllowed, "{caller:?}");
    }
    let asked = asks(rae, "ask").await.unwrap();
    assert_eq!(asks(rae, "ask").await.unwrap(), asked);
    assert_eq!(code(asks(sam, "ask-2").await), RefusalCode::AlreadyClaimed);
    assert_eq!(position(&house, ann).await, before, "asking does nothing");
    let alone = service.countersign(rae, asked.id, (true, "Seen."), &key("alone")).await;
    assert_eq!(code(alone), RefusalCode::NotAllowed);
    let forged = "UPDATE countersignatures SET outcome = 'done', note = 'x', decided_by = asked_by, decided_at = now()";
    let forged = sqlx::query(forged).execute(house.database.owner()).await.unwrap_err();
    let held_by = forged.as_database_error().and_then(|error| error.constraint());
    assert_eq!(held_by, Some("countersignatures_two_people"), "nor does the database");
    let mut both = JoinSet::new();
    for n in 0..2 {
        let service = house.servicing.clone();
        both.spawn(async move {
            let key = key(&format!("done-{n}"));
            service.countersign(sam, asked.id, (true, "Seen."), &key).await.is_ok()
        });
    }
    assert_eq!(both.join_all().await.into_iter().filter(|done| *done).count(), 1);
    let after = position(&house, ann).await;
    assert_eq!(after.minimum_due, cents(3_973), "as if it had not been paid");
    assert_eq!(told(&house, "payment.reversed").await.len(), 1);
    assert_eq!(code(asks(rae, "again").await), RefusalCode::CannotCancel);
    assert!(service.waiting_countersignatures(rae).await.unwrap().is_empty());
    house.books_agree(ann).await;
}

/// The rule book's 1.5: no late fee where our error contributed. It had been paid by the tenth day after October 30.
#[tokio::test]
async fn a_payment_that_we_took_back_by_mistake_costs_no_late_fee() {
    let (house, ann) = with_statement().await;
    pays(&house, ann, 5_000, "2026-10-12").await;
    house.live_until("2026-11-20").await;
    let service = &house.servicing;
    let (rae, sam) = (house.representative("Rae").await, house.representative("Sam").await);
    let payment = house.payments(ann).await[0].id;
    let asked = service.ask_reversal(rae, payment, "Keyed twice.", &key("ask")).await.unwrap();
    service.countersign(sam, asked.id, (true, "Seen."), &key("done")).await.unwrap();
    let after = position(&house, ann).await;
    assert_eq!((after.late_fees.len(), after.penalty_fees), (1, cents(0)));
    assert_eq!(told(&house, "payment.reversed").await[0]["late_fee_waived_cents"], 1_500);
    house.live_until("2026-11-21").await;
    assert_eq!(position(&house, ann).await.penalty_fees, cents(0));
    house.books_agree(ann).await;
    let payments = service.list_payments(ann.caller(), ann.id).await.unwrap();
    assert_eq!(payments.iter().filter(|one| one.reversed).count(), 1);
}

#[tokio::test]
async fn more_than_a_hundred_dollars_of_disputes_is_given_back_by_two_people_however_it_is_cut() {
    let (house, ann) = with_statement().await;
    let service = &house.servicing;
    let (rae, sam) = (house.representative("Rae").await, house.representative("Sam").await);
    let drawn = service.list_draws(ann.caller(), ann.id).await.unwrap().remove(0).draw.id;
    let opens = async |amount: i64| {
        let new = NewDispute {
            subject: DisputeSubject::Draw { draw_id: drawn },
            amount: cents(amount),
            words: "I asked for less.".to_owned(),
        };
        let name = key(&format!("dispute-{amount}"));
        service.open_dispute(ann.caller(), ann.id, &new, &name).await.unwrap().id
    };
    let finds = async |caller, id, error: i64, name: &str| {
        let found = Finding { error: cents(error), explanation: "Our error.".to_owned() };
        service.resolve_dispute(caller, id, &found, &key(name)).await
    };
    // $60.00 and $37.92, with interest of $2.07, are one person's to give. Two cents more are not.
    for amount in [6_000, 3_792] {
        let found = finds(rae, opens(amount).await, amount, &format!("alone-{amount}")).await;
        assert!(found.unwrap().resolved_at.is_some());
    }
    let third = opens(2).await;
    assert_eq!(code(finds(Caller::system(), third, 2, "job").await), RefusalCode::NotAllowed);
    let before = position(&house, ann).await;
    let asked = finds(rae, third, 2, "asked").await.unwrap();
    assert_eq!(finds(rae, third, 2, "asked").await.unwrap(), asked);
    let waiting = asked.waiting.unwrap();
    assert_eq!((asked.resolved_at, waiting.error), (None, cents(2)));
    assert_eq!(position(&house, ann).await, before, "asking does nothing");
    assert_eq!(told(&house, "dispute.resolved").await.len(), 2);
    assert_eq!(service.open_disputes(rae).await.unwrap()[0].waiting, Some(waiting.clone()));
    assert_eq!(code(finds(sam, third, 0, "other").await), RefusalCode::AlreadyClaimed);
    for (caller, name) in [(rae, "alone"), (ann.caller(), "own"), (Caller::system(), "job-2")] {
        let alone = service.countersign(caller, waiting.id, (true, "Seen."), &key(name)).await;
        assert_eq!(code(alone), RefusalCode::NotAllowed, "{name}");
    }
    let of = (false, "Where is the receipt?");
    service.countersign(sam, waiting.id, of, &key("no")).await.unwrap();
    assert_eq!(told(&house, "dispute.credit_refused").await.len(), 1);
    assert_eq!(position(&house, ann).await, before);

    let waiting = finds(rae, third, 2, "anew").await.unwrap().waiting.unwrap();
    let mut both = JoinSet::new();
    for n in 0..2 {
        let service = house.servicing.clone();
        both.spawn(async move {
            let name = key(&format!("done-{n}"));
            service.countersign(sam, waiting.id, (true, "Seen."), &name).await.is_ok()
        });
    }
    assert_eq!(both.join_all().await.into_iter().filter(|done| *done).count(), 1);
    let after = position(&house, ann).await;
    assert_eq!(before.principal_balance - after.principal_balance, cents(2));
    let resolved = told(&house, "dispute.resolved").await;
    assert_eq!(resolved.len(), 3);
    assert!(resolved[2]["asked_by"].is_string());
    assert!(service.open_disputes(rae).await.unwrap().is_empty());
    // What was given in one month does not count in the next.
    house.live_until("2026-11-09").await;
    let found = finds(rae, opens(9_000).await, 9_000, "next-month").await.unwrap();
    assert!(found.resolved_at.is_some());
    house.books_agree(ann).await;
}

/// What a finding gives back is the error, and the interest and fees that came of it.
#[tokio::test]
async fn the_interest_that_goes_back_with_an_error_counts_in_what_one_person_gives_back() {
    // $1,000.00 at 24 %: 30 days on the statement, two since. Of $97.92 that is $1.94 and $0.13.
    for (error, in_all, alone) in [(9_792, 9_999, true), (9_794, 10_001, false)] {
        let (house, ann) = with_statement().await;
        let service = &house.servicing;
        let (rae, sam) = (house.representative("Rae").await, house.representative("Sam").await);
        let drawn = service.list_draws(ann.caller(), ann.id).await.unwrap().remove(0).draw.id;
        let dispute = disputes(&house, ann, drawn, error).await;
        let before = position(&house, ann).await.total_owed;
        let found = Finding { error: cents(error), explanation: "Our error.".to_owned() };
        let found = service.resolve_dispute(rae, dispute, &found, &key("found")).await.unwrap();
        assert_eq!(found.resolved_at.is_some(), alone, "{error}");
        if let Some(waiting) = found.waiting {
            assert_eq!(before, position(&house, ann).await.total_owed, "asking does nothing");
            let asked = service.waiting_countersignatures(sam).await.unwrap().remove(0);
            assert_eq!((asked.amount, asked.in_all), (cents(error), cents(in_all)));
            service.countersign(sam, waiting.id, (true, "Seen."), &key("done")).await.unwrap();
        }
        let after = position(&house, ann).await.total_owed;
        assert_eq!(before - after, cents(in_all), "{error}");
        assert_eq!(told(&house, "dispute.resolved").await[0]["given_back_cents"], in_all);
        house.books_agree(ann).await;
    }
}

#[tokio::test]
async fn the_late_fee_that_goes_back_with_an_error_counts_in_what_one_person_gives_back() {
    let house = House::on("2026-09-06").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 9_000).await;
    // Nothing was paid of it: the late fee of $15.00 is charged in November.
    house.live_until("2026-11-12").await;
    let service = &house.servicing;
    let rae = house.representative("Rae").await;
    let drawn = service.list_draws(ann.caller(), ann.id).await.unwrap().remove(0).draw.id;
    let dispute = disputes(&house, ann, drawn, 9_000).await;
    let finds = async |caller, name: &str| {
        let found = Finding { error: cents(9_000), explanation: "Our error.".to_owned() };
        service.resolve_dispute(caller, dispute, &found, &key(name)).await
    };
    let terminal = refusal(finds(Caller::system(), "terminal").await);
    assert_eq!(terminal.code, RefusalCode::NotAllowed);
    assert!(terminal.sentence.contains("two members of staff"), "{}", terminal.sentence);
    let asked = finds(rae, "asked").await.unwrap();
    assert!(asked.waiting.is_some(), "an error of $90.00 gives back more than $100.00");
    let in_all = service.waiting_countersignatures(rae).await.unwrap().remove(0).in_all;
    assert!(in_all > cents(9_000 + 1_500), "{in_all}");
    assert!(terminal.sentence.contains(&in_all.to_string()), "{}", terminal.sentence);
}

async fn disputes(house: &House, ann: Person, draw_id: DrawId, amount: i64) -> CaseId {
    let new = NewDispute {
        subject: DisputeSubject::Draw { draw_id },
        amount: cents(amount),
        words: "I asked for less.".to_owned(),
    };
    let opened = house.servicing.open_dispute(ann.caller(), ann.id, &new, &key("dispute")).await;
    opened.unwrap().id
}
