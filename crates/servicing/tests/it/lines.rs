//! The line as the ledger and the customer see it.

use credit::Value;
use servicing::{AmountAsk, BankAccountAsk, PaymentAsk, RefusalCode, testing::at_once};

use crate::house::{House, cents, code, day, key};

#[tokio::test]
async fn a_draw_is_owed_from_its_day_and_within_the_line() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 80_000).await;
    let service = &house.servicing;
    let view = service.position(ann.caller(), ann.id).await.unwrap();
    assert_eq!(view.position.principal_balance, cents(80_000));
    assert_eq!(view.position.available_credit, cents(120_000));
    for (amount, expected) in [
        (120_001, RefusalCode::OverLimit),
        (1_999, RefusalCode::AmountNotPositive),
        (-1, RefusalCode::AmountNotPositive),
    ] {
        let drawn =
            service.draw(ann.caller(), ann.id, at_once(amount, ann.checking), &key("d")).await;
        assert_eq!(code(drawn), expected, "{amount}");
    }
    house.books_agree(ann).await;
}

#[tokio::test]
async fn cycles_close_by_themselves_and_running_twice_does_nothing_twice() {
    let house = House::on("2026-09-06").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 100_000).await;
    let report = house.live_until("2026-11-20").await;
    assert_eq!((report.statements_issued, report.fees_assessed), (2, 1));
    let service = &house.servicing;
    let again = service.run_jobs(servicing::Caller::system()).await.unwrap();
    assert_eq!(again, servicing::jobs::JobReport::default());

    let statements = service.statements(ann.caller(), ann.id).await.unwrap();
    let closes: Vec<_> = statements.iter().map(|statement| statement.closed_on).collect();
    assert_eq!(closes, [day("2026-11-05"), day("2026-10-05")]);
    for statement in &statements {
        assert!(statement.off_by().is_zero());
    }
    house.books_agree(ann).await;
}

#[tokio::test]
async fn interest_is_explained_from_its_days() {
    let house = House::on("2026-09-06").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 100_000).await;
    house.live_until("2026-10-07").await;
    let service = &house.servicing;
    let trace = service.trace(ann.caller(), ann.id, "interest", None).await.unwrap();
    assert_eq!(trace.value, Value::Cents(cents(1_973)));
    let unknown = service.trace(ann.caller(), ann.id, "luck", None).await;
    assert_eq!(code(unknown), RefusalCode::NotFound);

    let page = service.transactions(ann.caller(), ann.id, None, 1).await.unwrap();
    assert_eq!(page.items[0].kind, "interest");
    let next =
        service.transactions(ann.caller(), ann.id, page.next_cursor.as_deref(), 10).await.unwrap();
    assert_eq!(next.items.iter().map(|item| item.kind).collect::<Vec<_>>(), ["draw"]);
    assert_eq!(next.next_cursor, None);

    for garbage in ["garbage", "", "-1", "+1", "01", "1.fee", "99999999999999999999"] {
        let page = service.transactions(ann.caller(), ann.id, Some(garbage), 10).await;
        assert_eq!(code(page), RefusalCode::CursorInvalid, "{garbage}");
    }
    for limit in [0, 201, usize::MAX] {
        let page = service.transactions(ann.caller(), ann.id, None, limit).await;
        assert_eq!(code(page), RefusalCode::LimitInvalid, "{limit}");
    }
}

#[tokio::test]
async fn a_payment_of_everything_leaves_nothing_owed() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 80_000).await;
    let ask =
        PaymentAsk { amount: AmountAsk::Payoff, on: day("2026-11-27"), from: BankAccountAsk::Only };
    let service = &house.servicing;
    service.schedule_payment(ann.caller(), ann.id, &ask, &key("all")).await.unwrap();
    house.live_until("2026-12-03").await;
    let view = service.position(ann.caller(), ann.id).await.unwrap();
    assert_eq!(view.position.total_owed, cents(0));
    house.books_agree(ann).await;
}
