//! One line from its events to the general ledger.

use identity::CreditLineId;
use money::Cents;
use servicing::{
    Caller, RefusalCode,
    books::{Days, LineEntries, LineEntry, LinePosting, WhichLine},
    testing::noon,
};
use store::periods::ByDate;

use crate::house::{House, Person, code, day};

const ALL: Days = Days { by: ByDate::Booked, from: None, through: None };

fn within(by: ByDate, from: &str, through: &str) -> Days {
    Days { by, from: Some(day(from)), through: Some(day(through)) }
}

async fn entries(house: &House, person: Person, days: Days) -> LineEntries {
    let which = WhichLine::Id(person.line);
    house.servicing.line_entries(Caller::system(), &which, days).await.unwrap()
}

/// As an accountant would write it down.
fn told(posting: &LinePosting) -> String {
    let entry = |one: &LineEntry| {
        let (side, amount) =
            if one.credit.is_zero() { ("Dr", one.debit) } else { ("Cr", one.credit) };
        format!(", {side} {} {amount}", one.code)
    };
    let entries: Vec<String> = posting.entries.iter().map(entry).collect();
    format!("{} {}{}", posting.effective_on, posting.kind, entries.concat())
}

/// By account: brought forward, debits, credits and balance.
fn accounts(entries: &LineEntries) -> Vec<(&str, [i64; 4])> {
    let of = |cents: Cents| cents.get();
    entries
        .accounts
        .iter()
        .map(|one| {
            let sums = [one.brought_forward, one.debits, one.credits, one.balance];
            (one.code.as_str(), sums.map(of))
        })
        .collect()
}

/// Ann draws $1,000.00, gets a statement and pays $50.00; so does another, of whom nothing is told.
async fn a_cycle() -> (House, Person) {
    let house = House::on("2026-09-06").await;
    let (ann, bea) = (house.person("Ann").await, house.person("Bea").await);
    house.draws(ann, 100_000).await;
    house.draws(bea, 33_333).await;
    house.live_until("2026-10-13").await;
    house.pays(ann, 5_000, "2026-10-14").await.unwrap();
    house.live_until("2026-10-16").await;
    (house, ann)
}

#[tokio::test]
async fn a_statement_is_followed_from_the_events_to_the_accounts() {
    let (house, ann) = a_cycle().await;
    let all = entries(&house, ann, ALL).await;
    let lines: Vec<String> = all.postings.iter().map(told).collect();
    assert_eq!(
        lines,
        [
            "2026-09-06 drew, Dr 1100 $1,000.00, Cr 1020 $1,000.00",
            "2026-09-06 draw_settled, Dr 1020 $1,000.00, Cr 1000 $1,000.00",
            "2026-10-05 statement_issued, Dr 1110 $19.73, Cr 4000 $19.73",
            "2026-10-14 payment_received, Dr 1010 $50.00, Cr 1100 $30.27, Cr 1110 $19.73",
            "2026-10-14 payment_settled, Dr 1000 $50.00, Cr 1010 $50.00",
        ]
    );
    // What each was posted for, and by what that is found.
    let payment = house.payments(ann).await.remove(0);
    let posted: Vec<_> = all.postings.iter().map(|one| one.event.as_ref().unwrap()).collect();
    let kinds: Vec<_> = posted.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["drew", "drew", "statement_issued", "payment_received", "payment_received"]);
    let of = |n: usize| posted[n].reference.clone().unwrap();
    assert_eq!(of(2), "statement 1");
    assert_eq!([of(3), of(4)], [payment.reference.clone(), payment.reference]);
    let draw: String = sqlx::query_scalar("SELECT reference FROM draws WHERE credit_line_id = $1")
        .bind(ann.line.as_uuid())
        .fetch_one(house.database.owner())
        .await
        .unwrap();
    assert_eq!([of(0), of(1)], [draw.clone(), draw]);

    assert_eq!(
        accounts(&all),
        [
            ("1000", [0, 5_000, 100_000, -95_000]),
            ("1010", [0, 5_000, 5_000, 0]),
            ("1020", [0, 100_000, 100_000, 0]),
            ("1100", [0, 100_000, 3_027, 96_973]),
            ("1110", [0, 1_973, 1_973, 0]),
            ("4000", [0, 0, 1_973, 1_973]),
        ]
    );
    assert!(all.ok && all.differences.is_empty());
    house.books_agree(ann).await;
}

#[tokio::test]
async fn days_are_of_the_value_date_or_of_the_accounting_date() {
    let (house, ann) = a_cycle().await;
    let cycle = entries(&house, ann, within(ByDate::Value, "2026-10-01", "2026-10-05")).await;
    let kinds: Vec<_> = cycle.postings.iter().map(|one| one.kind.as_str()).collect();
    assert_eq!((kinds, cycle.postings_in_all), (vec!["statement_issued"], 5));
    assert_eq!(
        accounts(&cycle),
        [
            ("1000", [-100_000, 0, 0, -100_000]),
            ("1100", [100_000, 0, 0, 100_000]),
            ("1110", [0, 1_973, 0, 1_973]),
            ("4000", [0, 0, 1_973, 1_973]),
        ]
    );

    // Learned of when September was closed: of September by its value date, of October in the books.
    house.servicing.accrue(Caller::system(), day("2026-10-15")).await.unwrap();
    house.servicing.close_period(Caller::system(), day("2026-09-30")).await.unwrap();
    house
        .sabotage(&format!(
            "WITH p AS (
                 INSERT INTO postings (id, kind, effective_on, booked_on, recorded_at)
                 VALUES ('01900000-0000-7000-8000-000000000002', 'forged', '2026-09-30', '2026-10-01', now())
             )
             INSERT INTO entries (posting_id, n, account_code, side, amount_cents, credit_line_id, effective_on, booked_on)
             VALUES ('01900000-0000-7000-8000-000000000002', 0, 1100, 'debit', 7, '{}', '2026-09-30', '2026-10-01'),
                    ('01900000-0000-7000-8000-000000000002', 1, 1000, 'credit', 7, NULL, '2026-09-30', '2026-10-01')",
            ann.line
        ))
        .await;
    let in_september = |by| within(by, "2026-09-07", "2026-09-30");
    let booked = entries(&house, ann, in_september(ByDate::Booked)).await;
    assert!(booked.postings.is_empty());
    let value = entries(&house, ann, in_september(ByDate::Value)).await;
    assert_eq!(
        value.postings.iter().map(told).collect::<Vec<_>>(),
        ["2026-09-30 forged, Dr 1100 $0.07, Cr 1000 $0.07"]
    );
    assert_eq!(value.postings[0].event, None);
    // No event of the line tells of it, whatever days are looked at.
    for found in [booked, value] {
        let [difference] = found.differences.as_slice() else { panic!("{found:?}") };
        assert!(!found.ok);
        assert_eq!(difference.account, "principal");
        assert_eq!(
            (difference.ledger_cents, difference.replayed_cents),
            (Cents::new(96_980), Some(Cents::new(96_973)))
        );
    }
}

#[tokio::test]
async fn a_line_without_postings_has_no_entries_and_an_unknown_one_is_refused() {
    let house = House::on("2026-09-06").await;
    let ann = house.person("Ann").await;
    let none = entries(&house, ann, ALL).await;
    assert!(none.ok && none.postings.is_empty() && none.accounts.is_empty());

    let system = Caller::system();
    let of_ann = WhichLine::OfCustomer(ann.id);
    let found = house.servicing.line_entries(system, &of_ann, ALL).await.unwrap();
    assert_eq!(found.credit_line, ann.line);
    let stranger = WhichLine::Id(CreditLineId::mint(noon(day("2026-09-06"))));
    let boarded =
        WhichLine::Boarded { portfolio: "harbor".to_owned(), reference: "HL-1".to_owned() };
    for which in [&stranger, &boarded] {
        let refused = house.servicing.line_entries(system, which, ALL).await;
        assert_eq!(code(refused), RefusalCode::NotFound);
    }
    let refused = house.servicing.line_entries(ann.caller(), &of_ann, ALL).await;
    assert_eq!(code(refused), RefusalCode::NotAllowed);
}
