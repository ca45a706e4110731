//! A credit balance that goes back by cheque: by one person, by two, and a cheque that nobody cashes.

use credit::FlagKind;
use money::Cents;
use servicing::{
    Caller, Key, Level, RefusalCode, Servicing, ServicingError, cheques::NewCheque,
    contacts::NewContact, testing::at_once,
};
use store::{
    cases::{CaseRow, CaseStatus},
    cheques::{ChequeRow, ChequeStatus},
};
use tokio::task::JoinSet;

use crate::{
    house::{House, Person, cents, code, day, key, noon, refusal},
    service::{position, told, with_credit, with_credit_of},
};

const ORDINARY: &str = "000111224242";

fn cheque(number: &str, amount: i64, sent_on: &str) -> NewCheque {
    NewCheque { number: number.to_owned(), amount: cents(amount), sent_on: day(sent_on) }
}

async fn sends(
    service: &Servicing,
    caller: Caller,
    person: Person,
    (new, name): (NewCheque, Key),
) -> Result<ChequeRow, ServicingError> {
    service.send_cheque(caller, person.id, &new, &name).await
}

async fn cases_of(house: &House, person: Person) -> Vec<CaseRow> {
    let rae = house.representative("Reader").await;
    let cases = house.servicing.list_cases(rae, person.id).await.unwrap();
    cases.into_iter().filter(|case| case.kind == "refund_by_cheque").collect()
}

/// Ann is owed $60.00, and the case is with the desk: there is no bank account for it.
async fn left_to_a_person() -> (House, Person) {
    let (house, ann) = with_credit_of(6_000, ORDINARY).await;
    house.sabotage("UPDATE bank_accounts SET status = 'disabled'").await;
    house.hand.set(noon(day("2027-03-20")));
    house.servicing.run_refunds(Caller::system()).await.unwrap();
    assert_eq!(cases_of(&house, ann).await[0].status, CaseStatus::Open);
    (house, ann)
}

#[tokio::test]
async fn a_cheque_charges_the_line_and_closes_its_case_once() {
    let (house, ann) = left_to_a_person().await;
    let (service, rae) = (&house.servicing, house.representative("Rae").await);
    let good = || cheque("100245", 6_000, "2027-03-19");
    for caller in [ann.caller().at(Level::L3), Caller::assistant(ann.id)] {
        let refused = sends(service, caller, ann, (good(), key("who"))).await;
        assert_eq!(code(refused), RefusalCode::NotAllowed, "{caller:?}");
    }
    for bad in [
        cheque("", 6_000, "2027-03-20"),
        cheque("10 45", 6_000, "2027-03-20"),
        cheque("123456789012345678901", 6_000, "2027-03-20"),
        cheque("100245", 5_999, "2027-03-20"),
        cheque("100245", 6_001, "2027-03-20"),
        cheque("100245", 6_000, "2027-03-21"),
        cheque("100245", 6_000, "2027-03-12"),
    ] {
        let refused = sends(service, rae, ann, (bad.clone(), key("bad"))).await;
        assert_eq!(code(refused), RefusalCode::ChequeInvalid, "{bad:?}");
    }
    let mut all = JoinSet::new();
    for n in 0..20 {
        let service = house.servicing.clone();
        // Half of them are the same request again, the others the same cheque by another hand.
        let name = key(if n % 2 == 0 { "sent" } else { "other" });
        all.spawn(async move { sends(&service, rae, ann, (good(), name)).await });
    }
    let answers = all.join_all().await;
    let done: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
    assert_eq!(done.len(), 10);
    assert!(done.iter().all(|one| *one == done[0] && one.status == ChequeStatus::Sent));
    assert_eq!(position(&house, ann).await.credit_balance, Cents::ZERO);
    let sent = told(&house, "refund.cheque_sent").await;
    assert_eq!((sent.len(), &sent[0]["amount_cents"]), (1, &6_000.into()));
    assert_eq!((&sent[0]["number"], &sent[0]["on"]), (&"100245".into(), &"2027-03-19".into()));
    let case = cases_of(&house, ann).await.remove(0);
    assert_eq!(
        (case.status, case.note.as_deref()),
        (CaseStatus::Closed, Some("Sent by cheque 100245."))
    );
    let leaves = "SELECT count(*) FROM audit_leaves WHERE kind = 'refund.cheque_sent'";
    assert_eq!(house.count(leaves).await, 1);
    let none = sends(service, rae, ann, (cheque("100246", 6_000, "2027-03-20"), key("more"))).await;
    assert_eq!(code(none), RefusalCode::NoCreditBalance);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_cheque_that_nobody_cashed_is_void_once_and_a_person_has_the_balance_again() {
    let (house, ann) = left_to_a_person().await;
    let (service, rae) = (&house.servicing, house.representative("Rae").await);
    let first = cheque("100245", 6_000, "2027-03-20");
    let sent = sends(service, rae, ann, (first.clone(), key("sent"))).await.unwrap();
    house.hand.set(noon(day("2027-06-10")));
    let voids = async |caller, name: &str| {
        service.void_cheque(caller, sent.id, "It came back to us.", &key(name)).await
    };
    assert_eq!(code(voids(ann.caller(), "own").await), RefusalCode::NotAllowed);
    let void = voids(rae, "void").await.unwrap();
    assert_eq!(
        (void.status, voids(rae, "void").await.unwrap()),
        (ChequeStatus::Voided, void.clone())
    );
    assert_eq!(code(voids(rae, "again").await), RefusalCode::CaseClosed);
    assert_eq!(position(&house, ann).await.credit_balance, cents(6_000));
    assert_eq!(told(&house, "refund.cheque_voided").await.len(), 1);
    let cases = cases_of(&house, ann).await;
    assert_eq!(cases.iter().filter(|case| case.status == CaseStatus::Open).count(), 1);
    let looked_for = "SELECT count(*) FROM credit_lines WHERE refund_on IS NOT NULL";
    assert_eq!(house.count(looked_for).await, 0, "a person has it");
    house.books_agree(ann).await;
    let same = sends(service, rae, ann, (cheque("100245", 6_000, "2027-06-10"), key("same"))).await;
    assert_eq!(code(same), RefusalCode::ChequeInvalid, "a void cheque is no cheque");
    let other = cheque("100300", 6_000, "2027-06-10");
    sends(service, rae, ann, (other, key("anew"))).await.unwrap();
    assert_eq!(position(&house, ann).await.credit_balance, Cents::ZERO);
    assert!(cases_of(&house, ann).await.iter().all(|case| case.status == CaseStatus::Closed));
    let listed = service.list_cheques(rae, ann.id).await.unwrap();
    let statuses: Vec<_> = listed.iter().map(|one| one.status).collect();
    assert_eq!(statuses, [ChequeStatus::Sent, ChequeStatus::Voided]);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_large_cheque_leaves_when_a_second_person_agrees_and_not_before() {
    let (house, ann) = with_credit().await;
    house.live_until("2026-10-01").await;
    let service = &house.servicing;
    let (rae, sam) = (house.representative("Rae").await, house.representative("Sam").await);
    let new = || cheque("100245", 30_000, "2026-10-01");
    let alone = refusal(sends(service, Caller::system(), ann, (new(), key("job"))).await);
    assert_eq!(alone.code, RefusalCode::NotAllowed);
    assert!(alone.sentence.contains("$300.00") && alone.sentence.contains("at the desk"));
    let asked = sends(service, rae, ann, (new(), key("ask"))).await.unwrap();
    assert_eq!(asked.status, ChequeStatus::Waiting);
    assert_eq!(position(&house, ann).await.credit_balance, cents(30_000), "asking does nothing");
    let more = sends(service, sam, ann, (cheque("100246", 30_000, "2026-10-01"), key("two"))).await;
    assert_eq!(code(more), RefusalCode::ChequeInvalid, "one at a time");
    // While a person has it nobody sends it by bank.
    let by_bank = service.request_refund(ann.caller(), ann.id, ann.checking, &key("bank")).await;
    assert_eq!(code(by_bank), RefusalCode::NotAllowed);
    let waiting = service.waiting_countersignatures(rae).await.unwrap().remove(0).id;
    let own = service.countersign(rae, waiting, (true, "Seen."), &key("own")).await;
    assert_eq!(code(own), RefusalCode::NotAllowed);
    service.countersign(sam, waiting, (false, "Wrong payee."), &key("no")).await.unwrap();
    assert_eq!(told(&house, "refund.cheque_refused").await.len(), 1);
    assert_eq!(cases_of(&house, ann).await[0].status, CaseStatus::Open);

    sends(service, rae, ann, (new(), key("anew"))).await.unwrap();
    house.live_until("2026-10-03").await;
    let waiting = service.waiting_countersignatures(rae).await.unwrap().remove(0).id;
    let mut both = JoinSet::new();
    for n in 0..2 {
        let service = house.servicing.clone();
        both.spawn(async move {
            let name = key(&format!("done-{n}"));
            service.countersign(sam, waiting, (true, "Seen."), &name).await.is_ok()
        });
    }
    assert_eq!(both.join_all().await.into_iter().filter(|done| *done).count(), 1);
    assert_eq!(position(&house, ann).await.credit_balance, Cents::ZERO);
    let sent = told(&house, "refund.cheque_sent").await;
    assert_eq!((sent.len(), &sent[0]["on"]), (1, &"2026-10-03".into()), "the day it leaves");
    assert!(sent[0]["asked_by"].is_string());
    assert_eq!(cases_of(&house, ann).await[0].status, CaseStatus::Closed);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn what_changed_since_it_was_asked_for_is_not_sent() {
    let (house, ann) = with_credit().await;
    house.live_until("2026-10-01").await;
    let service = &house.servicing;
    let (rae, sam) = (house.representative("Rae").await, house.representative("Sam").await);
    let new = cheque("100245", 30_000, "2026-10-01");
    sends(service, rae, ann, (new, key("ask"))).await.unwrap();
    let waiting = service.waiting_countersignatures(rae).await.unwrap().remove(0).id;
    let agrees = async |name: &str| {
        code(service.countersign(sam, waiting, (true, "Seen."), &key(name)).await)
    };
    service.raise_flag(Caller::system(), ann.id, FlagKind::Fraud, "case 1").await.unwrap();
    assert_eq!(agrees("fraud").await, RefusalCode::NotAllowed);
    service.clear_flag(rae, ann.id, FlagKind::Fraud, "Seen.", &key("clear")).await.unwrap();
    service.draw(ann.caller(), ann.id, at_once(5_000, ann.checking), &key("more")).await.unwrap();
    assert_eq!(agrees("drawn").await, RefusalCode::ChequeInvalid);
    assert!(told(&house, "refund.cheque_sent").await.is_empty());
    house.books_agree(ann).await;
}

#[tokio::test]
async fn after_a_change_of_address_every_cheque_takes_two() {
    let (house, ann) = with_credit_of(6_000, ORDINARY).await;
    house.live_until("2026-10-01").await;
    let (service, rae) = (&house.servicing, house.representative("Rae").await);
    let new =
        NewContact { email: Some("ann@elsewhere.example".to_owned()), ..NewContact::default() };
    let l3 = ann.caller().at(Level::L3);
    service.change_contact(l3, ann.id, &new, &key("elsewhere")).await.unwrap();
    house.live_until("2026-10-30").await;
    let soon = cheque("100245", 6_000, "2026-10-30");
    let asked = sends(service, rae, ann, (soon, key("soon"))).await.unwrap();
    assert_eq!(asked.status, ChequeStatus::Waiting);
}
