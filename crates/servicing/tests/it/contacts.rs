//! How a customer is reached: changed under guard and told to both addresses, agreed to and taken back.

use chrono::TimeDelta;
use credit::FlagKind;
use identity::CustomerId;
use servicing::{
    Caller, DrawAsk, Level, RefusalCode,
    contacts::{ContactLimit, NewContact},
    testing::at_once,
};
use store::{customers::Language, draws::DrawRail};

use crate::{
    house::{House, cents, code, day, key, noon, refusal},
    messages::Written,
};

fn elsewhere(email: &str) -> NewContact {
    NewContact { email: Some(email.to_owned()), ..NewContact::default() }
}

#[tokio::test]
async fn a_change_of_address_is_told_to_the_old_one_and_to_the_new_one() {
    let written = Written::on("2026-11-20").await;
    let ann = written.person("ann@example.com", Language::English).await;
    written.run().await;
    let service = written.servicing();
    let (caller, new) = (ann.caller().at(Level::L3), elsewhere("ann@elsewhere.example"));
    let change = |caller, id: CustomerId, new: NewContact, name: &'static str| async move {
        service.change_contact(caller, id, &new, &key(name)).await
    };
    assert_eq!(
        code(change(ann.caller(), ann.id, new.clone(), "low").await),
        RefusalCode::LevelTooLow
    );
    let staff = written.house.representative("Rob").await.at(Level::L3);
    for caller in [staff, Caller::assistant(ann.id).at(Level::L3)] {
        assert_eq!(code(change(caller, ann.id, new.clone(), "who").await), RefusalCode::NotAllowed);
    }
    let bob = written.person("bob@example.com", Language::English).await;
    written.run().await;
    let other = change(bob.caller().at(Level::L3), ann.id, new.clone(), "bob").await;
    assert_eq!(code(other), RefusalCode::NotFound);
    for bad in
        ["ann", "ann@example.com, eve@example.com", "ann@example.com\r\nBcc: eve@example.com"]
    {
        let refused = change(caller, ann.id, elsewhere(bad), "bad").await;
        assert_eq!(code(refused), RefusalCode::TextInvalid, "{bad}");
    }

    let view = change(caller, ann.id, new.clone(), "change").await.unwrap();
    assert_eq!(view.email, "ann@elsewhere.example");
    assert_eq!(
        change(caller, ann.id, new, "change").await.unwrap(),
        view,
        "the same key, the same answer"
    );
    let again = change(caller, ann.id, elsewhere("ann@third.example"), "again").await;
    assert_eq!(code(again), RefusalCode::ContactChangedLately);
    // The answer to an attacker's first step reaches the customer at any hour, whatever stands.
    service.raise_flag(ann.caller(), ann.id, FlagKind::Cease, "a test").await.unwrap();
    written.house.hand.set(noon(day("2026-11-20")) + chrono::TimeDelta::hours(14));
    assert_eq!(written.run().await.messages_sent, 2);
    let mut to: Vec<String> =
        written.mail("contact details changed").into_iter().map(|mail| mail.to).collect();
    to.sort();
    assert_eq!(to, ["ann@elsewhere.example", "ann@example.com"]);
    let told = "SELECT count(*) FROM outbox WHERE payload::text LIKE '%elsewhere%' OR payload::text LIKE '%@example.com%'";
    assert_eq!(written.house.count(told).await, 0, "no address leaves with the events");
}

/// The first thing that a thief does with a line.
#[tokio::test]
async fn who_changes_e_mail_and_street_at_once_leaves_the_warning_at_both_old_ones() {
    let written = Written::on("2026-11-20").await;
    // Put off the first time, so that the new address has come back before.
    let ann = written.person("defer-once@example.com", Language::English).await;
    let service = written.servicing();
    let thiefs = ["9 Other Road".to_owned(), "Reno, NV 89501".to_owned()];
    let new = NewContact { postal: Some(thiefs.to_vec()), ..elsewhere("bounce@example.com") };
    let caller = ann.caller().at(Level::L3);
    service.change_contact(caller, ann.id, &new, &key("both")).await.unwrap();
    for _ in 0..2 {
        written.run().await;
        written.house.hand.advance(TimeDelta::minutes(20));
    }
    let warned = written.mail("contact details changed");
    let to: Vec<&str> = warned.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(to, ["defer-once@example.com"], "the old address, whatever the new one does");
    let mut streets: Vec<String> = Vec::new();
    for letter in written.letters() {
        streets.push(letter.to[1].clone());
    }
    streets.sort();
    // To the new street twice: as such, and for the e-mail that came back.
    assert_eq!(streets[..2], ["1 Elm Street", "9 Other Road"], "{streets:?}");
    assert_eq!(streets.iter().filter(|street| *street == "1 Elm Street").count(), 1);
}

#[tokio::test]
async fn a_warning_to_a_former_address_that_takes_no_mail_goes_to_the_former_street() {
    let written = Written::on("2026-11-20").await;
    let ann = written.person("bounce@example.com", Language::English).await;
    let street = vec!["9 Other Road".to_owned(), "Reno, NV 89501".to_owned()];
    let new = NewContact { postal: Some(street), ..elsewhere("eve@example.com") };
    let caller = ann.caller().at(Level::L3);
    written.servicing().change_contact(caller, ann.id, &new, &key("both")).await.unwrap();
    written.run().await;
    let mut warned: Vec<(String, String)> = Vec::new();
    for message in written.messages(ann).await {
        if message.kind == "contact_changed" {
            let street = message.street.unwrap_or_default();
            let recipient = message.recipient.as_str().to_owned();
            warned.push((recipient, street.first().cloned().unwrap_or_default()));
        }
    }
    warned.sort();
    let expected = [
        ("former_address", "1 Elm Street"),
        ("former_street", "1 Elm Street"),
        ("new_address", "9 Other Road"),
        ("new_street", "9 Other Road"),
    ];
    assert_eq!(warned, expected.map(|(who, street)| (who.to_owned(), street.to_owned())));
}

#[tokio::test]
async fn nothing_is_drawn_for_three_days_after_a_change_and_much_for_thirty_only_after_a_look() {
    let house = House::on("2026-11-02").await;
    let ann = house.person("Ann").await;
    house.live_until("2026-11-20").await;
    let caller = ann.caller().at(Level::L3);
    let new = elsewhere("ann@elsewhere.example");
    house.servicing.change_contact(caller, ann.id, &new, &key("new")).await.unwrap();
    let draw = async |amount: i64, name: &str| {
        let ask = at_once(amount, ann.checking);
        house.servicing.draw(ann.caller(), ann.id, ask, &key(name)).await
    };
    house.hand.advance(TimeDelta::hours(71));
    let refused = refusal(draw(5_000, "early").await);
    assert_eq!(refused.code, RefusalCode::ContactChangedLately);
    assert!(refused.sentence.contains("from November 23, 2026 at "), "{}", refused.sentence);
    let ask = at_once(5_000, ann.checking);
    for reads in [ann.caller(), Caller::assistant(ann.id)] {
        let preview = house.servicing.preview_draw(reads, ann.id, ask).await;
        assert_eq!(code(preview), RefusalCode::ContactChangedLately);
    }
    house.hand.advance(TimeDelta::hours(1));
    draw(5_000, "late").await.unwrap();
    let waiting = "SELECT count(*) FROM draws WHERE review = 'waiting'";
    assert_eq!(house.count(waiting).await, 0);
    // Not to a new account: it is the change of address for which a person looks.
    house.live_until("2026-12-04").await;
    draw(145_000, "much").await.unwrap();
    assert_eq!(house.count(waiting).await, 1);
}

#[tokio::test]
async fn what_was_to_leave_on_the_day_of_a_change_waits_for_a_person() {
    let (house, ann) = House::with_ann().await;
    let ask = DrawAsk { rail: DrawRail::Standard, ..at_once(5_000, ann.checking) };
    house.servicing.draw(ann.caller(), ann.id, ask, &key("before")).await.unwrap();
    let caller = ann.caller().at(Level::L3);
    let new = elsewhere("ann@elsewhere.example");
    house.servicing.change_contact(caller, ann.id, &new, &key("new")).await.unwrap();
    let waiting = house.servicing.draws_to_look_at(Caller::system()).await.unwrap();
    assert_eq!(waiting.iter().map(|(draw, _)| draw.amount).collect::<Vec<_>>(), [cents(5_000)]);
    let open = "SELECT count(*) FROM cases WHERE kind = 'draw_review' AND status = 'open'";
    assert_eq!(house.count(open).await, 1);
}

#[tokio::test]
async fn whose_identity_is_in_doubt_does_not_change_how_they_are_reached() {
    let written = Written::on("2026-11-20").await;
    let ann = written.person("ann@example.com", Language::English).await;
    let service = written.servicing();
    service.raise_flag(ann.caller(), ann.id, FlagKind::Fraud, "a test").await.unwrap();
    let new = elsewhere("eve@example.com");
    let changed =
        service.change_contact(ann.caller().at(Level::L3), ann.id, &new, &key("eve")).await;
    assert_eq!(code(changed), RefusalCode::NotAllowed);
}

#[tokio::test]
async fn consent_taken_back_is_paper_from_then_on_and_given_again_is_mail() {
    let written = Written::on("2026-11-20").await;
    let ann = written.person("ann@example.com", Language::English).await;
    written.run().await;
    let before = written.mail("").len();
    let service = written.servicing();
    let withdraw = || service.withdraw_consent(ann.caller(), ann.id, &KEY_OF_WITHDRAWAL);
    let view = withdraw().await.unwrap();
    assert_eq!((view.agreed_at, view.ended.unwrap().as_str()), (None, "withdrawn"));
    assert_eq!(withdraw().await.unwrap(), view);
    written.house.pays(ann, 5_000, "2026-11-24").await.unwrap();
    let report = written.run().await;
    assert_eq!((report.messages_sent, report.messages_on_paper, report.letters_printed), (0, 2, 2));
    assert_eq!(
        written.message(ann, "consent_withdrawn").await.why.as_deref(),
        Some("consent_withdrawn")
    );
    assert_eq!(written.mail("").len(), before);

    let model = Caller::assistant(ann.id);
    assert_eq!(
        code(service.give_consent(model, ann.id, &key("model")).await),
        RefusalCode::NotAllowed
    );
    let view = service.give_consent(ann.caller(), ann.id, &key("again")).await.unwrap();
    assert!(view.agreed_at.is_some());
    written.house.pays(ann, 6_000, "2026-11-24").await.unwrap();
    assert_eq!(written.run().await.messages_sent, 1);
}

#[tokio::test]
async fn hours_and_an_employers_address_are_kept_once_said_by_the_customer_or_by_staff() {
    let (house, ann) = House::with_ann().await;
    let service = &house.servicing;
    let hour = |text: &str| text.parse::<chrono::NaiveTime>().unwrap();
    let noon = ContactLimit::NotBetween { from: hour("12:00:00"), until: hour("13:30:00") };
    let known = ann.caller().at(Level::L1);
    let limits = service.limit_contact(known, ann.id, noon, &key("noon")).await.unwrap();
    assert_eq!(limits.hours, [(hour("12:00:00"), hour("13:30:00"))]);
    assert_eq!(service.limit_contact(known, ann.id, noon, &key("noon")).await.unwrap(), limits);
    let staff = house.representative("Rae").await;
    service.limit_contact(staff, ann.id, ContactLimit::AtWork, &key("work")).await.unwrap();
    let view = service.contact(staff, ann.id).await.unwrap();
    assert_eq!((view.limits.hours.len(), view.limits.at_work), (1, true), "kept once");

    let backwards = ContactLimit::NotBetween { from: hour("13:30:00"), until: hour("12:00:00") };
    let refused = service.limit_contact(known, ann.id, backwards, &key("back")).await;
    assert_eq!(code(refused), RefusalCode::TextInvalid);
    for caller in [staff.reading_only(), Caller::assistant(ann.id)] {
        let refused = service.limit_contact(caller, ann.id, noon, &key("who")).await;
        assert_eq!(code(refused), RefusalCode::NotAllowed);
    }
    // Whoever is known by a channel only takes consent back and learns no address by it.
    let view = service.withdraw_consent(known, ann.id, &key("paper")).await.unwrap();
    assert_eq!((view.email.as_str(), view.phone.as_str()), ("a•••@example.com", "•••00"));
    assert_eq!((view.postal, view.agreed_at), (None, None));
}

static KEY_OF_WITHDRAWAL: std::sync::LazyLock<servicing::Key> =
    std::sync::LazyLock::new(|| key("withdrawal"));
