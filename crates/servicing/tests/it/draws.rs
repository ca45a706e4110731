//! Draws from the hold to the money: by file, at once, refused, lost, given up.

use credit::FlagKind;
use servicing::{Caller, DrawAsk, RefusalCode, draws::Look, release::RunReport, testing::at_once};
use store::draws::{DrawRail, DrawReview, DrawRow, DrawStatus};
use tokio::task::JoinSet;

use crate::house::{House, Person, Wire, cents, code, day, key, noon};

/// By the next file.
fn by_file(person: Person, amount: i64) -> DrawAsk {
    DrawAsk { rail: DrawRail::Standard, ..at_once(amount, person.checking) }
}

async fn asks(house: &House, person: Person, ask: DrawAsk, name: &str) -> String {
    let receipt = house.servicing.draw(person.caller(), person.id, ask, &key(name)).await;
    receipt.unwrap().text
}

async fn draws(house: &House, person: Person) -> Vec<DrawRow> {
    let views = house.servicing.list_draws(person.caller(), person.id).await.unwrap();
    views.into_iter().map(|view| view.draw).collect()
}

async fn draw(house: &House, person: Person) -> DrawRow {
    draws(house, person).await.remove(0)
}

/// Principal, what is held, and what could be drawn.
async fn figures(house: &House, person: Person) -> (i64, i64, i64) {
    let position = house.servicing.position(person.caller(), person.id).await.unwrap().position;
    (position.principal_balance.get(), position.held_credit.get(), position.available_credit.get())
}

async fn run(house: &House) -> RunReport {
    house.servicing.run_payments(Caller::system()).await.unwrap()
}

#[tokio::test]
async fn a_draw_by_file_is_held_then_owed_from_the_day_the_money_is_there() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let text = asks(&house, ann, by_file(ann, 80_000), "one").await;
    assert_eq!(
        text,
        "Your draw of $800.00 to your checking account ending in 4242 is on its way, available on November 23, 2026."
    );
    assert_eq!(figures(&house, ann).await, (0, 80_000, 120_000));
    let report = run(&house).await;
    assert_eq!((report.draws_sent, report.draws_settled), (1, 0));
    assert_eq!(draw(&house, ann).await.status, DrawStatus::Released);
    assert_eq!(figures(&house, ann).await, (0, 80_000, 120_000));

    // Over the weekend nothing is owed, and nothing bears interest.
    let report = house.live_until("2026-11-25").await;
    assert_eq!(report.payments.draws_settled, 1);
    let made = draw(&house, ann).await;
    assert_eq!((made.status, made.drawn_on), (DrawStatus::Settled, Some(day("2026-11-23"))));
    assert_eq!(figures(&house, ann).await, (80_000, 0, 120_000));
    let position = house.servicing.position(ann.caller(), ann.id).await.unwrap().position;
    // Two days of 24.00 % on $800.00.
    assert_eq!(position.accrued_interest, cents(105));
    assert_eq!(run(&house).await, RunReport::default());
    assert_eq!(house.submitted(), 1);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_draw_after_the_cut_off_or_over_a_holiday_is_told_for_the_day_it_comes() {
    let house = House::on("2026-11-25").await;
    let ann = house.person("Ann").await;
    house.hand.advance(chrono::TimeDelta::hours(6));
    let text = asks(&house, ann, by_file(ann, 5_000), "late").await;
    assert!(text.ends_with("available on November 30, 2026."), "{text}");
    let now = asks(&house, ann, at_once(5_000, ann.checking), "now").await;
    assert!(now.ends_with("available on November 25, 2026."), "{now}");
}

#[tokio::test]
async fn an_instant_draw_is_there_at_once_on_a_saturday() {
    let house = House::on("2026-11-21").await;
    let ann = house.person("Ann").await;
    asks(&house, ann, at_once(80_000, ann.checking), "one").await;
    assert_eq!(figures(&house, ann).await, (80_000, 0, 120_000));
    let made = draw(&house, ann).await;
    assert_eq!((made.status, made.drawn_on), (DrawStatus::Settled, Some(day("2026-11-21"))));
    let kinds = house.count(
        "SELECT count(*) FROM line_events WHERE kind IN ('draw_held', 'drew', 'draw_settled')",
    );
    assert_eq!(kinds.await, 3);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_refused_instant_draw_never_happened() {
    let house = House::on("2026-11-20").await;
    let ann = house.person_with_account("Ann", "000111229301").await;
    asks(&house, ann, at_once(80_000, ann.checking), "one").await;
    let refused = draw(&house, ann).await;
    assert_eq!(
        (refused.status, refused.refusal.as_deref()),
        (DrawStatus::Refused, Some("account closed"))
    );
    assert_eq!(figures(&house, ann).await, (0, 0, 200_000));
    let items = house.servicing.transactions(ann.caller(), ann.id, None, 10).await.unwrap().items;
    assert!(items.is_empty(), "{items:?}");
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_lost_answer_is_read_back_and_a_lost_request_is_given_up_for_good() {
    let house = House::on("2026-11-20").await;
    let ann = house.person_with_account("Ann", "000111229302").await;
    let bob = house.person_with_account("Bob", "000111229303").await;
    for person in [ann, bob] {
        asks(&house, person, at_once(80_000, person.checking), &person.id.to_string()).await;
        // Neither made nor refused: the credit stays set aside.
        assert_eq!(draw(&house, person).await.status, DrawStatus::Pending);
        assert_eq!(figures(&house, person).await, (0, 80_000, 120_000));
    }
    let report = run(&house).await;
    assert_eq!((report.draws_settled, report.pending), (1, 1));
    assert_eq!(draw(&house, ann).await.status, DrawStatus::Settled);
    house.hand.advance(chrono::TimeDelta::minutes(15));
    assert_eq!(run(&house).await.draws_refused, 1);
    let given_up = draw(&house, bob).await;
    assert_eq!(
        (given_up.status, given_up.refusal.as_deref()),
        (DrawStatus::Voided, Some("timed_out"))
    );
    assert_eq!(figures(&house, bob).await, (0, 0, 200_000));
    house.books_agree(bob).await;
}

#[tokio::test]
async fn a_draw_the_bank_has_not_decided_stays_pending_until_it_has() {
    let house = House::on("2026-11-20").await;
    let ann = house.person_with_account("Ann", "000111229304").await;
    let bob = house.person_with_account("Bob", "000111229305").await;
    for person in [ann, bob] {
        asks(&house, person, at_once(50_000, person.checking), &person.id.to_string()).await;
    }
    house.hand.advance(chrono::TimeDelta::minutes(20));
    assert_eq!(run(&house).await.pending, 2);
    house.live_until("2026-11-21").await;
    assert_eq!(figures(&house, ann).await, (50_000, 0, 150_000));
    assert_eq!(draw(&house, ann).await.drawn_on, Some(day("2026-11-21")));
    assert_eq!(figures(&house, bob).await, (0, 0, 200_000));
    assert_eq!(draw(&house, bob).await.refusal.as_deref(), Some("account frozen"));
}

#[tokio::test]
async fn a_draw_that_comes_back_is_taken_never_to_have_happened_interest_included() {
    let house = House::on("2026-11-02").await;
    let ann = house.person_with_account("Ann", "000111229203").await;
    let bob = house.person_with_account("Bob", "000111229023").await;
    for person in [ann, bob] {
        asks(&house, person, by_file(person, 80_000), &person.id.to_string()).await;
    }
    // There on the 3rd, back on the 5th; the statement of the 5th has nothing to bill.
    let report = house.live_until("2026-11-10").await;
    assert_eq!((report.payments.draws_settled, report.payments.draws_refused), (2, 2));
    for (person, code) in [(ann, "R03"), (bob, "R23")] {
        let back = draw(&house, person).await;
        assert_eq!((back.status, back.return_code.as_deref()), (DrawStatus::Refused, Some(code)));
        assert_eq!(figures(&house, person).await, (0, 0, 200_000));
        let position = house.servicing.position(Caller::system(), person.id).await.unwrap();
        assert_eq!(position.position.total_owed, cents(0));
        let items = house.servicing.transactions(person.caller(), person.id, None, 10).await;
        let amounts: Vec<_> =
            items.unwrap().items.iter().map(|item| (item.kind, item.amount.get())).collect();
        assert_eq!(amounts, [("draw_refused", -80_000), ("draw", 80_000)]);
        house.books_agree(person).await;
    }
    // What has no account takes no further draw; the receiver who refused one may ask again.
    let again =
        house.servicing.draw(ann.caller(), ann.id, by_file(ann, 5_000), &key("again")).await;
    assert_eq!(code(again), RefusalCode::BankAccountDisabled);
    asks(&house, bob, by_file(bob, 5_000), "again").await;
    let staff = house.representative("Rae").await;
    let queue = house.servicing.queue(staff).await.unwrap();
    assert!(
        queue.cases.iter().any(|(one, _)| one.kind == "operations" && one.customer_id == bob.id)
    );
}

#[tokio::test]
async fn a_draw_can_be_given_up_until_it_leaves_and_by_its_own_customer_only() {
    let house = House::on("2026-11-21").await;
    let ann = house.person("Ann").await;
    let bob = house.person("Bob").await;
    asks(&house, ann, by_file(ann, 80_000), "one").await;
    let id = draw(&house, ann).await.id;
    let service = &house.servicing;
    let others = service.cancel_draw(bob.caller(), bob.id, id, &key("bob")).await;
    assert_eq!(code(others), RefusalCode::NotFound);
    let receipt = service.cancel_draw(ann.caller(), ann.id, id, &key("c")).await.unwrap();
    assert_eq!(receipt.text, "Your draw of $800.00 is cancelled. Nothing is sent.");
    let again = service.cancel_draw(ann.caller(), ann.id, id, &key("c")).await.unwrap();
    assert_eq!(again.reference, receipt.reference);
    assert_eq!(figures(&house, ann).await, (0, 0, 200_000));
    let twice = service.cancel_draw(ann.caller(), ann.id, id, &key("d")).await;
    assert_eq!(code(twice), RefusalCode::CannotCancel);

    asks(&house, ann, by_file(ann, 80_000), "two").await;
    house.live_until("2026-11-23").await;
    let left = draw(&house, ann).await.id;
    let late = service.cancel_draw(ann.caller(), ann.id, left, &key("e")).await;
    assert_eq!(code(late), RefusalCode::CannotCancel);
    assert_eq!(house.submitted(), 1);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn money_goes_to_ones_own_verified_account_and_a_key_does_one_thing() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let bob = house.person("Bob").await;
    let service = &house.servicing;
    let to_bob = service.draw(ann.caller(), ann.id, at_once(5_000, bob.checking), &key("a")).await;
    assert_eq!(code(to_bob), RefusalCode::BankAccountUnknown);
    let of_bob = service.draw(ann.caller(), bob.id, at_once(5_000, bob.checking), &key("a")).await;
    assert_eq!(code(of_bob), RefusalCode::NotFound);
    let staff = house.representative("Rae").await;
    let by_staff = service.draw(staff, ann.id, at_once(5_000, ann.checking), &key("a")).await;
    assert_eq!(code(by_staff), RefusalCode::NotAllowed);
    let model = Caller::assistant(ann.id);
    let by_model = service.draw(model, ann.id, at_once(5_000, ann.checking), &key("a")).await;
    assert_eq!(code(by_model), RefusalCode::NotAllowed);

    let first = asks(&house, ann, at_once(5_000, ann.checking), "a").await;
    assert_eq!(asks(&house, ann, at_once(5_000, ann.checking), "a").await, first);
    let other = service.draw(ann.caller(), ann.id, at_once(5_001, ann.checking), &key("a")).await;
    assert_eq!(code(other), RefusalCode::KeyReused);
    assert_eq!(draws(&house, ann).await.len(), 1);
    assert_eq!(figures(&house, ann).await.0, 5_000);
}

#[tokio::test]
async fn a_hundred_draws_at_once_never_come_to_more_than_the_line_the_day_or_the_count() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let many = async |amount: i64| {
        let mut asked = JoinSet::new();
        for n in 0..100 {
            let (service, key) = (house.servicing.clone(), key(&format!("{amount}-{n}")));
            let rail = if n % 2 == 0 { DrawRail::Standard } else { DrawRail::Instant };
            let ask = DrawAsk { rail, ..at_once(amount, ann.checking) };
            asked.spawn(async move { service.draw(ann.caller(), ann.id, ask, &key).await });
        }
        let mut made = 0;
        while let Some(one) = asked.join_next().await {
            match one.unwrap() {
                Ok(_) => made += 1,
                refused => assert_eq!(code(refused), RefusalCode::OverLimit),
            }
        }
        made
    };
    // A line of $2,000.00, three draws a day.
    assert_eq!(many(70_000).await, 2);
    let (principal, held, available) = figures(&house, ann).await;
    assert_eq!((principal + held, available), (140_000, 60_000));
    assert_eq!(many(2_000).await, 1);
    assert_eq!(many(2_001).await, 0);
    house.live_until("2026-11-21").await;
    assert_eq!(many(60_000).await, 0);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_flag_between_the_hold_and_the_file_keeps_the_money_here() {
    let house = House::on("2026-11-21").await;
    let ann = house.person("Ann").await;
    asks(&house, ann, by_file(ann, 80_000), "one").await;
    let assistant = Caller::assistant(ann.id);
    house.servicing.raise_flag(assistant, ann.id, FlagKind::Fraud, "case CAS-1").await.unwrap();
    house.live_until("2026-11-23").await;
    assert_eq!(house.submitted(), 0);
    let voided = draw(&house, ann).await;
    assert_eq!(
        (voided.status, voided.refusal.as_deref()),
        (DrawStatus::Voided, Some("flag:fraud"))
    );
    assert_eq!(figures(&house, ann).await.1, 0);
}

#[tokio::test]
async fn a_file_of_draws_that_is_lost_is_read_back_and_one_refused_is_sent_anew_then_given_up() {
    for wire in [Wire::LosesRequests, Wire::LosesAnswers] {
        let house = House::on("2026-11-20").await;
        let ann = house.person("Ann").await;
        asks(&house, ann, by_file(ann, 80_000), "one").await;
        house.cut(wire);
        assert_eq!(run(&house).await.pending, 1, "{wire:?}");
        assert_eq!(draw(&house, ann).await.status, DrawStatus::Pending);
        house.cut(Wire::Fine);
        assert_eq!(run(&house).await.draws_sent, 1, "{wire:?}");
        assert_eq!(house.submitted(), 1);
        house.live_until("2026-11-24").await;
        assert_eq!(figures(&house, ann).await, (80_000, 0, 120_000));
        house.books_agree(ann).await;
    }
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    asks(&house, ann, by_file(ann, 80_000), "one").await;
    house.cut(Wire::Refuses);
    run(&house).await;
    let back = draw(&house, ann).await;
    assert_eq!((back.status, back.leaves_on), (DrawStatus::Held, day("2026-11-23")));
    assert_eq!(back.available_on, day("2026-11-24"));
    house.live_until("2026-11-24").await;
    let given_up = draw(&house, ann).await;
    assert_eq!(
        (given_up.status, given_up.refusal.as_deref()),
        (DrawStatus::Voided, Some("refused_by_the_bank"))
    );
    assert_eq!(figures(&house, ann).await, (0, 0, 200_000));
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_hold_that_no_file_takes_up_is_given_up() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    asks(&house, ann, by_file(ann, 80_000), "one").await;
    // Nobody was at work for a week.
    house.hand.set(noon(day("2026-11-30")));
    assert_eq!(run(&house).await.draws_refused, 1);
    assert_eq!(draw(&house, ann).await.refusal.as_deref(), Some("timed_out"));
    assert_eq!(house.submitted(), 0);
}

#[tokio::test]
async fn a_process_that_dies_at_any_request_leaves_the_draw_that_one_that_lives_leaves() {
    let lived = async |rail: DrawRail, deaths: Option<Wire>| {
        let house = House::on("2026-11-23").await;
        let ann = house.person("Ann").await;
        house.cut_from_now(deaths.unwrap_or(Wire::Fine));
        let ask = DrawAsk { rail, ..at_once(80_000, ann.checking) };
        let asked = tokio::select! {
            () = house.bank.died.notified() => false,
            _ = asks(&house, ann, ask, "one") => true,
        };
        if !asked {
            house.cut(Wire::Fine);
            // Whoever asked sends the same request again.
            asks(&house, ann, ask, "one").await;
        }
        for day in ["2026-11-24", "2026-11-25"] {
            let died = tokio::select! {
                () = house.bank.died.notified() => true,
                () = async { run(&house).await; house.live_until(day).await; } => false,
            };
            if died {
                house.cut(Wire::Fine);
                house.servicing.run_jobs(Caller::system()).await.unwrap();
                house.live_until(day).await;
            }
        }
        let requests = house.requests();
        let drew = house.count("SELECT count(*) FROM line_events WHERE kind = 'drew'").await;
        let made = draw(&house, ann).await;
        house.books_agree(ann).await;
        let figures = figures(&house, ann).await;
        (format!("{:?} {:?} {drew} {figures:?}", made.status, made.drawn_on), requests)
    };
    for rail in [DrawRail::Standard, DrawRail::Instant] {
        let (expected, requests) = lived(rail, None).await;
        assert!(expected.starts_with("Settled"), "{expected}");
        for n in 1..=requests {
            for death in [Wire::DiesBefore(n), Wire::DiesAfter(n)] {
                assert_eq!(lived(rail, Some(death)).await.0, expected, "{rail} {death:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_large_draw_to_a_new_bank_account_waits_for_a_person_on_either_rail() {
    let house = House::on("2026-11-23").await;
    let rae = house.representative("Rae").await;
    for (name, rail, there_on) in
        [("Ann", DrawRail::Instant, "2026-11-24"), ("Bob", DrawRail::Standard, "2026-11-25")]
    {
        let person = house.person(name).await;
        // In parts it is as much.
        let ask = |cents| DrawAsk { rail, ..at_once(cents, person.checking) };
        asks(&house, person, ask(100_000), &format!("{name}-1")).await;
        let text = asks(&house, person, ask(50_000), &format!("{name}-2")).await;
        assert!(text.ends_with("on hold while a person at our office looks at it."), "{text}");
        run(&house).await;
        let both = draws(&house, person).await;
        let (waiting, gone): (Vec<_>, Vec<_>) =
            both.iter().partition(|draw| draw.review == Some(DrawReview::Waiting));
        let (waits, left) = (waiting[0], gone[0]);
        assert_eq!((waits.status, waits.amount), (DrawStatus::Held, cents(50_000)));
        assert!(matches!(left.status, DrawStatus::Settled | DrawStatus::Released));
        let queue = house.servicing.queue(rae).await.unwrap();
        assert!(
            queue.cases.iter().any(|(c, _)| c.kind == "draw_review" && c.customer_id == person.id)
        );

        let look = |let_go| Look { let_go, note: "Called her on the number we had." };
        let name = key(&format!("look-{name}"));
        let service = &house.servicing;
        let own = service.look_at_draw(person.caller(), waits.id, look(true), &name).await;
        assert_eq!(code(own), RefusalCode::NotAllowed);
        service.look_at_draw(rae, waits.id, look(true), &name).await.unwrap();
        service.look_at_draw(rae, waits.id, look(true), &name).await.unwrap();
        let again = service.look_at_draw(rae, waits.id, look(false), &key("other")).await;
        assert_eq!(code(again), RefusalCode::CaseClosed);
        run(&house).await;
        house.live_until(there_on).await;
        assert_eq!(figures(&house, person).await, (150_000, 0, 50_000));
        house.books_agree(person).await;
    }
    assert!(house.servicing.draws_to_look_at(rae).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_draw_that_no_person_lets_go_or_looks_at_never_leaves() {
    let house = House::on("2026-11-23").await;
    let rae = house.representative("Rae").await;
    let (ann, bob, cat) =
        (house.person("Ann").await, house.person("Bob").await, house.person("Cat").await);
    for person in [ann, bob, cat] {
        let name = person.id.to_string();
        asks(&house, person, at_once(150_000, person.checking), &name).await;
        assert_eq!(figures(&house, person).await, (0, 150_000, 50_000));
    }
    let no = Look { let_go: false, note: "Nobody answers." };
    let id = draw(&house, ann).await.id;
    house.servicing.look_at_draw(rae, id, no, &key("no")).await.unwrap();
    assert_eq!(draw(&house, ann).await.refusal.as_deref(), Some("second_look"));
    let id = draw(&house, bob).await.id;
    house.servicing.cancel_draw(bob.caller(), bob.id, id, &key("mine")).await.unwrap();
    house.live_until("2026-11-30").await;
    assert_eq!(draw(&house, cat).await.refusal.as_deref(), Some("timed_out"));
    for person in [ann, bob, cat] {
        assert_eq!(draw(&house, person).await.status, DrawStatus::Voided);
        assert_eq!(figures(&house, person).await, (0, 0, 200_000));
        house.books_agree(person).await;
    }
    // A week later the account is an old acquaintance.
    let text = asks(&house, ann, at_once(150_000, ann.checking), "later").await;
    assert!(text.contains("is on its way"), "{text}");
}
