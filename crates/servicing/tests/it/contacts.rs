//! How a customer is reached: changed under guard and told to both addresses, agreed to and taken back.

use credit::FlagKind;
use identity::CustomerId;
use servicing::{Caller, Level, RefusalCode, contacts::NewContact};
use store::customers::Language;

use crate::{
    house::{code, day, key, noon},
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

static KEY_OF_WITHDRAWAL: std::sync::LazyLock<servicing::Key> =
    std::sync::LazyLock::new(|| key("withdrawal"));
