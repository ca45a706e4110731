//! A history is laid down through the same engine and ledger as if it had been lived.

use credit::{ProductCatalog, scenario};
use servicing::{
    Caller, RefusalCode,
    originate::{NewBankAccount, NewCustomer},
    worlds::{Person, World},
};
use store::{bank_accounts::BankAccountKind, customers::Language, payments::PaymentStatus};

use crate::house::{House, cents, code, day};

const PAST_DUE: &str = r#"
as_of = "2026-11-20"

[line]
product = "CASHLINE-STD-1"
opened_on = "2026-08-06"
credit_limit = "2000.00"
apr = "24%"
close_day = 5
events = [
    { on = "2026-08-10", kind = "draw", amount = "800.00" },
    { on = "2026-09-25", kind = "payment", id = "p1", amount = "100.00" },
    { on = "2026-09-29", kind = "payment_returned", payment = "p1", code = "R01" },
    { on = "2026-10-12", kind = "payment", id = "p2", amount = "50.00" },
    { on = "2026-11-10", kind = "flag", flag = "hardship", reason = "lost the job" },
]
"#;

fn person() -> Person {
    Person {
        customer: NewCustomer {
            name: "Dana Reyes".to_owned(),
            email: "dana@example.com".to_owned(),
            phone: "+1 555 0100".to_owned(),
            state: "CA".to_owned(),
            language: Language::Spanish,
            archetype: Some("past due".to_owned()),
            summary: None,
        },
        bank_accounts: vec![NewBankAccount {
            kind: BankAccountKind::Checking,
            bank_name: "First Harbor Bank".to_owned(),
            routing_number: "021000021".to_owned(),
            account_number: "000111224242".to_owned(),
        }],
    }
}

async fn load(house: &House, text: &str, seed: &str) -> Result<World, servicing::ServicingError> {
    let catalog = ProductCatalog::embedded().unwrap();
    let scenario = scenario::parse(text, &catalog).unwrap();
    house.servicing.load_world(Caller::system(), Some(&scenario), person(), seed).await
}

#[tokio::test]
async fn a_world_stands_where_its_scenario_ends() {
    let house = House::on("2026-11-20").await;
    let world = load(&house, PAST_DUE, "seed 1").await.unwrap();
    let caller = Caller::customer(world.customer_id);
    let service = &house.servicing;
    let view = service.position(caller, world.customer_id).await.unwrap();
    let catalog = ProductCatalog::embedded().unwrap();
    let expected = scenario::run(&scenario::parse(PAST_DUE, &catalog).unwrap()).unwrap();
    let expected = &expected.lines[0].position;
    assert_eq!(view.position.total_owed, expected.total_owed);
    assert_eq!(view.position.minimum_due, expected.minimum_due);
    assert!(view.position.past_due.is_positive());
    assert_eq!(view.flags.len(), 1);
    assert_eq!(service.statements(caller, world.customer_id).await.unwrap().len(), 3);

    let payments = service.list_payments(caller, world.customer_id).await.unwrap();
    let seen: Vec<_> = payments
        .iter()
        .map(|view| (view.payment.status, view.payment.amount, view.payment.authorised_on))
        .collect();
    assert_eq!(
        seen,
        [
            (PaymentStatus::Settled, cents(5_000), day("2026-10-12")),
            (PaymentStatus::Returned, cents(10_000), day("2026-09-25")),
        ]
    );
    let person = crate::house::Person {
        id: world.customer_id,
        line: world.credit_line_id.unwrap(),
        checking: world.bank_account_ids[0],
    };
    house.books_agree(person).await;
    // And life goes on from there.
    house.live_until("2026-12-07").await;
    assert_eq!(service.statements(caller, world.customer_id).await.unwrap().len(), 4);
    house.books_agree(person).await;
}

/// Whatever a history holds has moved by today, on days of its own; the bank is owed nothing.
#[tokio::test]
async fn the_money_of_a_history_has_moved() {
    const MOVED: &str = r#"
as_of = "2026-11-20"

[line]
product = "CASHLINE-STD-1"
opened_on = "2026-08-06"
credit_limit = "2000.00"
apr = "24%"
close_day = 5
events = [
    { on = "2026-08-10", kind = "draw", id = "d1", amount = "800.00" },
    { on = "2026-08-11", kind = "draw", id = "d2", amount = "100.00" },
    { on = "2026-08-13", kind = "draw_refused", draw = "d2" },
    { on = "2026-08-14", kind = "draw_corrected", draw = "d1", amount = "780.00" },
    { on = "2026-09-25", kind = "payment", id = "late", amount = "90.00" },
    { on = "2026-09-29", kind = "payment_returned", payment = "late", code = "R01" },
    { on = "2026-10-05", kind = "payment", id = "soon", amount = "70.00" },
    { on = "2026-10-06", kind = "payment_returned", payment = "soon", code = "R01" },
    { on = "2026-10-12", kind = "payment", id = "ours", amount = "60.00" },
    { on = "2026-10-16", kind = "payment_reversed", payment = "ours" },
    { on = "2026-11-20", kind = "payment", id = "today", amount = "50.00" },
]
"#;
    for accounts in [person().bank_accounts, Vec::new()] {
        let house = House::on("2026-11-20").await;
        let catalog = ProductCatalog::embedded().unwrap();
        let scenario = scenario::parse(MOVED, &catalog).unwrap();
        let person = Person { bank_accounts: accounts, ..person() };
        let loaded = house.servicing.load_world(Caller::system(), Some(&scenario), person, "seed");
        loaded.await.unwrap();
        let postings: Vec<(String, chrono::NaiveDate, i64)> = sqlx::query_as(
            "SELECT p.kind, p.effective_on, e.amount_cents * CASE e.side WHEN 'debit' THEN 1 ELSE -1 END
               FROM postings p JOIN entries e ON e.posting_id = p.id WHERE e.account_code = 1000 ORDER BY 2",
        )
        .fetch_all(house.database.owner())
        .await
        .unwrap();
        let posted = |kind: &str, on: &str, cents| (kind.to_owned(), day(on), cents);
        assert_eq!(
            postings,
            [
                posted("draw_settled", "2026-08-10", -80_000),
                posted("draw_settled", "2026-08-11", -10_000),
                posted("draw_sent_back", "2026-08-13", 10_000),
                posted("draw_sent_back", "2026-08-14", 2_000),
                posted("payment_settled", "2026-09-28", 9_000),
                posted("payment_sent_back", "2026-09-29", -9_000),
                posted("payment_settled", "2026-10-14", 6_000),
                posted("payment_sent_back", "2026-10-16", -6_000),
                posted("payment_settled", "2026-11-20", 5_000),
            ]
        );
        let checked = servicing::books::check(house.database.store()).await.unwrap();
        assert!(checked.ok, "{checked}");
        // Nor is any of it settled or sent back anew.
        house.live_until("2026-11-30").await;
        assert!(servicing::books::check(house.database.store()).await.unwrap().ok);
    }
}

#[tokio::test]
async fn the_same_seed_gives_the_same_world_and_another_seed_another() {
    let (one, other) = (House::on("2026-11-20").await, House::on("2026-11-20").await);
    let world = load(&one, PAST_DUE, "seed 1").await.unwrap();
    assert_eq!(load(&other, PAST_DUE, "seed 1").await.unwrap(), world);
    let second = load(&other, PAST_DUE, "seed 2").await.unwrap();
    assert_ne!(second.customer_id, world.customer_id);
    assert_ne!(second.payment_ids, world.payment_ids);
}

#[tokio::test]
async fn an_applicant_has_no_line_and_a_history_no_future() {
    let house = House::on("2026-11-19").await;
    let world =
        house.servicing.load_world(Caller::system(), None, person(), "applicant").await.unwrap();
    assert_eq!(world.credit_line_id, None);
    let caller = Caller::customer(world.customer_id);
    let position = house.servicing.position(caller, world.customer_id).await;
    assert_eq!(code(position), RefusalCode::NoCreditLine);
    assert_eq!(code(load(&house, PAST_DUE, "early").await), RefusalCode::DateInPast);
    assert_eq!(house.count("SELECT count(*) FROM customers").await, 1);
}
