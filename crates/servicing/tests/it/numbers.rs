//! Bank account numbers: sealed, corrected by the bank, and shown nowhere; and what comes back of what was sent to them.

use servicing::{Caller, DrawAsk, Resealed, Servicing, testing::at_once};
use store::{bank_accounts::BankAccountKind, draws::DrawRail};

use crate::house::{House, Person, day, key};

/// Every table and view of the schema in which a text stands.
async fn found_in(house: &House, text: &str) -> Vec<String> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
    )
    .fetch_all(house.database.owner())
    .await
    .unwrap();
    assert!(tables.len() > 30, "{tables:?}");
    let hexed = hex::encode(text);
    let mut found = Vec::new();
    for table in tables {
        let sql = format!(
            "SELECT count(*) FROM {table} t WHERE t::text LIKE '%{text}%' OR t::text LIKE '%{hexed}%'"
        );
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(house.database.owner())
            .await
            .unwrap();
        if count > 0 {
            found.push(table);
        }
    }
    found
}

async fn account(house: &House, person: Person) -> (BankAccountKind, String) {
    let accounts = house.servicing.list_bank_accounts(person.caller(), person.id).await.unwrap();
    (accounts[0].kind, accounts[0].ending.clone())
}

#[tokio::test]
async fn no_number_stands_in_any_table_whatever_became_of_the_account() {
    let house = House::on("2026-11-20").await;
    let people = [
        ("Ann", "000118642424"),
        ("Bob", "000118649001"),
        ("Cat", "000118649401"),
        ("Dan", "000118649203"),
        ("Eve", "000118649301"),
    ];
    for (name, number) in people {
        let person = house.person_with_account(name, number).await;
        house.draws(person, 50_000).await;
        let ask = DrawAsk { rail: DrawRail::Standard, ..at_once(5_000, person.checking) };
        house.servicing.draw(person.caller(), person.id, ask, &key(name)).await.unwrap();
        if name != "Eve" {
            house.pays(person, 5_000, "2026-11-23").await.unwrap();
        }
    }
    let report = house.live_until("2026-11-30").await;
    assert_eq!((report.payments.failed, report.failed), (0, 0));
    let ending = found_in(&house, "9301").await;
    assert!(
        ending.contains(&"bank_accounts".to_owned()),
        "the search finds what is there: {ending:?}"
    );
    for (_, number) in people {
        let nowhere: [&str; 0] = [];
        assert_eq!(found_in(&house, number).await, nowhere, "{number}");
        assert_eq!(found_in(&house, number.get(..8).unwrap()).await, nowhere);
    }
    assert_eq!(found_in(&house, "000118644242").await, Vec::<String>::new(), "as corrected");
}

#[tokio::test]
async fn a_change_the_bank_tells_of_is_applied_before_the_next_entry() {
    let house = House::on("2026-11-20").await;
    let ann = house.person_with_account("Ann", "000111229406").await;
    house.draws(ann, 80_000).await;
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
    let report = house.live_until("2026-11-25").await;
    assert_eq!((report.payments.settled, report.payments.corrected), (1, 1));
    // Another number, and a savings account.
    assert_eq!(account(&house, ann).await, (BankAccountKind::Savings, "4242".to_owned()));
    // The entry that follows goes there, of which the bank has nothing to tell.
    house.pays(ann, 6_000, "2026-11-27").await.unwrap();
    let report = house.live_until("2026-12-03").await;
    assert_eq!((report.payments.settled, report.payments.corrected), (1, 0));
    assert_eq!(house.count("SELECT count(*) FROM bank_account_numbers").await, 2);
    let told = "SELECT count(*) FROM outbox WHERE kind = 'bank_account.change_told'";
    assert_eq!(house.count(told).await, 1);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_change_told_of_a_draw_counts_and_what_cannot_be_applied_is_for_the_desk() {
    let house = House::on("2026-11-20").await;
    let ann = house.person_with_account("Ann", "000111229401").await;
    let bob = house.person_with_account("Bob", "000111229413").await;
    for person in [ann, bob] {
        let ask = DrawAsk { rail: DrawRail::Standard, ..at_once(50_000, person.checking) };
        let name = person.id.to_string();
        house.servicing.draw(person.caller(), person.id, ask, &key(&name)).await.unwrap();
    }
    house.servicing.run_payments(Caller::system()).await.unwrap();
    let report = house.live_until("2026-11-27").await;
    assert_eq!((report.payments.draws_settled, report.payments.corrected), (2, 1));
    assert_eq!(account(&house, ann).await.1, "4242");
    assert_eq!(account(&house, bob).await.1, "9413");
    let staff = house.representative("Rae").await;
    let queue = house.servicing.queue(staff).await.unwrap();
    let cases: Vec<_> =
        queue.cases.iter().map(|(one, _)| (one.kind.as_str(), one.customer_id)).collect();
    assert_eq!(cases, [("operations", bob.id)]);
}

#[tokio::test]
async fn a_new_key_seals_everything_anew_and_the_old_one_is_no_longer_needed() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 80_000).await;
    let (old, new) = (house.key.clone(), rails::SealingKeys::generate("new").unwrap());
    let with = |keys: String| -> Servicing { house.with_keys(&keys) };
    // Without the old key nothing opens, and nothing is lost.
    let stranger = with(new.clone());
    assert!(stranger.reseal_numbers(Caller::system()).await.is_err());

    let both = with(format!("{new},{old}"));
    assert_eq!(both.reseal_numbers(Caller::system()).await.unwrap().resealed, 1);
    assert_eq!(both.reseal_numbers(Caller::system()).await.unwrap(), Resealed::default());
    let only_new = with(new);
    let ask = DrawAsk { rail: DrawRail::Instant, ..at_once(5_000, ann.checking) };
    only_new.draw(ann.caller(), ann.id, ask, &key("after")).await.unwrap();
    let views = only_new.list_draws(ann.caller(), ann.id).await.unwrap();
    assert_eq!(views[0].draw.drawn_on, Some(day("2026-11-20")));
}

#[tokio::test]
async fn what_came_back_is_counted_by_its_class() {
    let house = House::on("2026-11-20").await;
    for (name, number) in
        [("Ann", "000111224242"), ("Bob", "000111229002"), ("Cat", "000111229001")]
    {
        let person = house.person_with_account(name, number).await;
        house.draws(person, 50_000).await;
        house.pays(person, 5_000, "2026-11-23").await.unwrap();
    }
    house.live_until("2026-11-27").await;
    let rates = house.servicing.return_rates(Caller::system()).await.unwrap();
    let counted = rates.named().map(|(class, rate)| (class, rate.returns));
    assert_eq!(rates.entries, 3);
    assert_eq!(counted, [("unauthorised", 0), ("administrative", 1), ("overall", 2)]);
    assert_eq!(rates.overall.ppm, 666_666);
    assert!(!rates.overall.alarm, "three debits say nothing");
    let customer = house.servicing.return_rates(house.person("Dan").await.caller()).await;
    assert!(customer.is_err());
}
