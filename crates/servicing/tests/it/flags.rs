//! Clearing a flag: by staff, with a note, by itself or with the case that raised it.

use credit::FlagKind;
use serde_json::{Value, json};
use servicing::{
    AmountAsk, BankAccountAsk, Caller, CaseKind, Closing, NewCase, PaymentAsk, RefusalCode,
};

use crate::house::{House, Person, cents, code, day, key};

fn case(person: Person, kind: CaseKind) -> NewCase {
    NewCase { customer_id: person.id, conversation_id: None, kind, words: "x".to_owned() }
}

async fn standing(house: &House, person: Person) -> Vec<FlagKind> {
    let flags = house.servicing.standing_flags(Caller::system(), person.id).await.unwrap();
    flags.into_iter().map(|flag| flag.kind).collect()
}

/// The payloads of the leaves of a kind, in order.
async fn leaves(house: &House, person: Person, kind: &str) -> Vec<Value> {
    let stream = audit::Stream::CreditLine(person.line);
    let mut conn = house.servicing.store().audit().acquire().await.unwrap();
    let leaves = audit::read(&mut conn, stream).await.unwrap();
    leaves.into_iter().filter(|leaf| leaf.kind == kind).filter_map(|leaf| leaf.payload).collect()
}

#[tokio::test]
async fn a_false_alarm_is_cleared_once_with_a_note_and_payments_are_taken_again() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 80_000).await;
    let rae = house.representative("Rae").await;
    let service = &house.servicing;
    for kind in [FlagKind::Vulnerable, FlagKind::Frozen] {
        service.raise_flag(Caller::system(), ann.id, kind, "a slip").await.unwrap();
    }
    let vulnerable = FlagKind::Vulnerable;
    let clears = async |caller, note: &str, name| {
        service.clear_flag(caller, ann.id, vulnerable, note, &key(name)).await
    };
    for nobody in [ann.caller(), Caller::assistant(ann.id), rae.reading_only()] {
        assert_eq!(code(clears(nobody, "no", "not-allowed").await), RefusalCode::NotAllowed);
    }
    for unsaid in ["", " \n", "nul\0"] {
        assert_eq!(code(clears(rae, unsaid, "unsaid").await), RefusalCode::TextInvalid);
    }
    assert_eq!(standing(&house, ann).await, [vulnerable, FlagKind::Frozen]);

    let left = clears(rae, " she is well, it was a song \n", "clear").await.unwrap();
    let kinds: Vec<_> = left.iter().map(|flag| flag.kind).collect();
    assert_eq!(kinds, [FlagKind::Frozen]);
    let again = clears(rae, "she is well, it was a song", "clear").await.unwrap();
    assert_eq!(again, left, "the same key is the same act");
    let second = clears(rae, "she is well", "clear-2").await;
    assert_eq!(code(second), RefusalCode::FlagNotStanding);

    let recorded = leaves(&house, ann, "flag.cleared").await;
    assert_eq!(recorded.len(), 1);
    assert_eq!(recorded[0]["note"], "she is well, it was a song");
    assert_eq!(recorded[0]["flag"], "vulnerable");
    assert_eq!(recorded[0]["authorised"]["actor"], json!(rae.actor));
    let told = "SELECT count(*) FROM outbox WHERE kind = 'flag.cleared'";
    assert_eq!(house.count(told).await, 1);
    let noted = "SELECT count(*) FROM outbox WHERE payload::text LIKE '%song%'";
    assert_eq!(house.count(noted).await, 0, "the note stays in the log, where it can be erased");

    let ask = PaymentAsk {
        amount: AmountAsk::Exact { cents: cents(5_000) },
        on: day("2026-11-27"),
        from: BankAccountAsk::Only,
    };
    service.schedule_payment(ann.caller(), ann.id, &ask, &key("pay")).await.unwrap();
    house.books_agree(ann).await;
}

#[tokio::test]
async fn nobody_clears_a_flag_of_a_customer_there_is_not() {
    let house = House::on("2026-11-20").await;
    let rae = house.representative("Rae").await;
    let id = identity::CustomerId::mint(house.servicing.now());
    let cleared = house.servicing.clear_flag(rae, id, FlagKind::Fraud, "who?", &key("clear")).await;
    assert_eq!(code(cleared), RefusalCode::NotFound);
}

#[tokio::test]
async fn a_case_closes_with_its_flag_only_where_that_was_asked_for() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let rae = house.representative("Rae").await;
    let service = &house.servicing;
    for (n, clear_flag) in [false, true].into_iter().enumerate() {
        let opened = service.open_case(ann.caller(), case(ann, CaseKind::Regulator)).await.unwrap();
        let queue = service.queue(rae).await.unwrap();
        let offered: Vec<_> = queue.cases.iter().map(|(_, flag)| *flag).collect();
        assert_eq!(offered, [Some(FlagKind::Regulator)]);
        let closing = Closing { note: "answered the agency", clear_flag };
        let name = key(&format!("close-{n}"));
        let closed = service.close_case(rae, opened.id, closing, &name).await.unwrap();
        assert_eq!(service.close_case(rae, opened.id, closing, &name).await.unwrap(), closed);
        let stands = standing(&house, ann).await.contains(&FlagKind::Regulator);
        assert_eq!(stands, !clear_flag);
    }
    let closed = leaves(&house, ann, "case.closed").await;
    let cleared: Vec<_> = closed.iter().map(|leaf| &leaf["flag_cleared"]).collect();
    assert_eq!(cleared, [&Value::Null, &json!("regulator")]);
    let cleared = leaves(&house, ann, "flag.cleared").await;
    assert_eq!(cleared.len(), 1);
    assert_eq!(cleared[0]["note"], "answered the agency");
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_flag_that_two_open_cases_raised_goes_with_the_last_of_them() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let rae = house.representative("Rae").await;
    let service = &house.servicing;
    let open = async |kind| service.open_case(ann.caller(), case(ann, kind)).await.unwrap();
    let first = open(CaseKind::Dispute).await;
    let second = open(CaseKind::CreditReportError).await;
    let complaint = open(CaseKind::Complaint).await;
    let offered = async || {
        let queue = service.queue(rae).await.unwrap();
        let of = |id| queue.cases.iter().find(|(case, _)| case.id == id).map(|(_, flag)| *flag);
        (of(first.id), of(second.id), of(complaint.id))
    };
    assert_eq!(offered().await, (Some(None), Some(None), Some(None)));
    let closing = Closing { note: "settled", clear_flag: true };
    for id in [first.id, complaint.id] {
        let refused = service.close_case(rae, id, closing, &key("too-early")).await;
        assert_eq!(code(refused), RefusalCode::FlagNotStanding);
    }
    assert_eq!(service.queue(rae).await.unwrap().cases.len(), 3, "what is refused closes nothing");

    let kept = Closing { clear_flag: false, ..closing };
    service.close_case(rae, first.id, kept, &key("first")).await.unwrap();
    assert_eq!(offered().await, (None, Some(Some(FlagKind::Dispute)), Some(None)));
    service.close_case(rae, second.id, closing, &key("second")).await.unwrap();
    assert_eq!(standing(&house, ann).await, []);
}
