//! Statements as documents, the account-opening record, and what a draw needs of it.

use credit::Terms;
use identity::{CreditLineId, CustomerId};
use money::{Apr, Cents};
use servicing::{
    Caller, Level, RefusalCode,
    disclosures::GivenDocument,
    originate::Opening,
    portfolio::WorldFile,
    testing::{add_bank_account, at_once, consent, new_customer},
};
use store::{bank_accounts::BankAccountKind, documents::Format};

use crate::house::{House, Person, code, day, key, noon, product};

const RENDERED: &str = "SELECT count(*) FROM audit_leaves WHERE kind = 'statement.rendered'";

/// Ann, with three statements.
async fn with_statements() -> (House, Person) {
    let house = House::on("2026-08-06").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 80_000).await;
    house.live_until("2026-11-07").await;
    (house, ann)
}

async fn open(
    house: &House,
    caller: Caller,
    of: Person,
    number: u32,
    format: Format,
) -> GivenDocument {
    house.servicing.statement_document(caller, of.id, number, format).await.unwrap()
}

#[tokio::test]
async fn a_statement_is_made_at_first_view_and_the_same_bytes_ever_after() {
    let (house, ann) = with_statements().await;
    assert_eq!(house.count("SELECT count(*) FROM statement_documents").await, 0);
    let html = open(&house, ann.caller(), ann, 2, Format::Html).await;
    assert_eq!(house.count("SELECT count(*) FROM statement_documents").await, 2, "both forms");
    let pdf = open(&house, ann.caller(), ann, 2, Format::Pdf).await;
    assert_eq!(
        (html.media_type.as_str(), pdf.media_type.as_str()),
        ("text/html; charset=utf-8", "application/pdf")
    );
    assert_eq!(html.rendered_at, pdf.rendered_at);
    assert_eq!(html.template, pdf.template);

    // Later, when the customer is called otherwise and has paid: what was given stays as it was.
    sqlx::raw_sql("UPDATE customers SET name = 'Somebody Else'")
        .execute(house.database.owner())
        .await
        .unwrap();
    house.live_until("2026-12-10").await;
    assert_eq!(open(&house, ann.caller(), ann, 2, Format::Html).await, html);
    let staff = house.representative("Rob").await.reading_only();
    assert_eq!(open(&house, staff, ann, 2, Format::Pdf).await, pdf);
    assert_eq!(house.count(RENDERED).await, 1);
    let later = open(&house, ann.caller(), ann, 4, Format::Html).await;
    assert!(String::from_utf8_lossy(&later.bytes).contains("Somebody Else"));
}

/// 12 CFR 1026.7(b)(9), as data at the close.
#[tokio::test]
async fn a_statement_opened_after_the_lender_moved_names_who_issued_it_and_where() {
    let (house, ann) = with_statements().await;
    let moved = house.moved_to("Plumbline Moved", "9 New Street");
    let ask = |number| moved.statement_document(ann.caller(), ann.id, number, Format::Html);
    let text = |given: GivenDocument| String::from_utf8(given.bytes).unwrap();
    let old = text(ask(2).await.unwrap());
    assert!(old.contains("1 Plumbline Street") && !old.contains("9 New Street"), "{old}");
    assert!(!old.contains("Plumbline Moved"), "{old}");
    house.hand.set(noon(day("2026-12-06")));
    moved.run_jobs(Caller::system()).await.unwrap();
    let new = text(ask(4).await.unwrap());
    assert!(new.contains("Plumbline Moved, 9 New Street"), "{new}");
}

#[tokio::test]
async fn many_first_views_at_once_are_one() {
    let (house, ann) = with_statements().await;
    let mut views = tokio::task::JoinSet::new();
    for n in 0..12 {
        let servicing = house.servicing.clone();
        let format = if n % 2 == 0 { Format::Html } else { Format::Pdf };
        views.spawn(async move {
            (format, servicing.statement_document(ann.caller(), ann.id, 1, format).await.unwrap())
        });
    }
    let seen = views.join_all().await;
    for format in [Format::Html, Format::Pdf] {
        let mut of: Vec<_> =
            seen.iter().filter(|(one, _)| *one == format).map(|(_, seen)| seen).collect();
        of.dedup();
        assert_eq!(of.len(), 1, "{format}");
    }
    assert_eq!(house.count("SELECT count(*) FROM statement_documents").await, 2);
    assert_eq!(house.count(RENDERED).await, 1);
}

#[tokio::test]
async fn a_statement_is_opened_by_whose_it_is_and_by_staff() {
    let (house, ann) = with_statements().await;
    let bob = house.person("Bob").await;
    let service = &house.servicing;
    let ask = |caller, of: CustomerId, number| {
        service.statement_document(caller, of, number, Format::Pdf)
    };

    assert_eq!(code(ask(bob.caller(), ann.id, 1).await), RefusalCode::NotFound);
    let list = service.list_statements(bob.caller(), ann.id, None, 10).await;
    assert_eq!(code(list), RefusalCode::NotFound);
    assert_eq!(code(service.opening_record(bob.caller(), ann.id).await), RefusalCode::NotFound);
    // A number of hers is none of his.
    assert_eq!(code(ask(bob.caller(), bob.id, 1).await), RefusalCode::NotFound);
    for number in [0, 4, 99, u32::MAX] {
        assert_eq!(
            code(ask(ann.caller(), ann.id, number).await),
            RefusalCode::NotFound,
            "{number}"
        );
    }
    // Known too little, and a model, which reads through its tools.
    let unsure = ann.caller().at(Level::L1);
    assert_eq!(code(ask(unsure, ann.id, 1).await), RefusalCode::LevelTooLow);
    let assistant = Caller::assistant(ann.id);
    assert_eq!(code(ask(assistant, ann.id, 1).await), RefusalCode::NotAllowed);
    assert_eq!(code(service.opening_record(assistant, ann.id).await), RefusalCode::NotAllowed);
    assert_eq!(
        house.count("SELECT count(*) FROM statement_documents").await,
        0,
        "nothing was made"
    );

    let staff = house.representative("Rob").await;
    assert_eq!(ask(staff, ann.id, 1).await.unwrap(), ask(ann.caller(), ann.id, 1).await.unwrap());
}

#[tokio::test]
async fn statements_are_listed_in_pages_each_of_them_once() {
    let (house, ann) = with_statements().await;
    let service = &house.servicing;
    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page =
            service.list_statements(ann.caller(), ann.id, cursor.as_deref(), 2).await.unwrap();
        seen.extend(page.items.iter().map(|statement| statement.number));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, [3, 2, 1]);
    for garbage in ["", "-1", "01", "x", "2; DROP TABLE customers", "99999999999999999999"] {
        let page = service.list_statements(ann.caller(), ann.id, Some(garbage), 2).await;
        assert_eq!(code(page), RefusalCode::CursorInvalid, "{garbage}");
    }
    for limit in [0, 201] {
        let page = service.list_statements(ann.caller(), ann.id, None, limit).await;
        assert_eq!(code(page), RefusalCode::LimitInvalid, "{limit}");
    }
}

#[tokio::test]
async fn the_database_takes_no_other_bytes_and_changes_none() {
    let (house, ann) = with_statements().await;
    open(&house, ann.caller(), ann, 1, Format::Html).await;
    let app = house.database.store().app();
    for sql in [
        "UPDATE statement_documents SET bytes = 'x'",
        "DELETE FROM statement_documents",
        "UPDATE opening_records SET config = 'x'",
        "DELETE FROM opening_deliveries",
        "UPDATE esign_consents SET version = 'x'",
    ] {
        assert!(sqlx::raw_sql(sql).execute(app).await.is_err(), "{sql}");
    }
    // Not even the owner makes a digest of other bytes.
    let forged = "UPDATE statement_documents SET bytes = bytes || ' '::bytea";
    assert!(sqlx::raw_sql(forged).execute(house.database.owner()).await.is_err());
}

/// Opens a line for somebody who has agreed to nothing yet.
async fn without_consent(house: &House) -> Person {
    let now = house.servicing.now();
    let system = Caller::system();
    let (id, line) = (CustomerId::mint(now), CreditLineId::mint(now));
    house.servicing.add_customer(system, id, new_customer("Cleo")).await.unwrap();
    let checking =
        add_bank_account(&house.servicing, id, BankAccountKind::Checking, "000111224242").await;
    let terms = Terms::open(&product(), Cents::new(200_000), Apr::from_ppm(240_000), 5);
    let opening = Opening { customer_id: id, decision_id: None, terms };
    house.servicing.open_line(system, line, opening, &key("open")).await.unwrap();
    Person { id, line, checking }
}

#[tokio::test]
async fn no_draw_is_made_before_the_terms_were_given() {
    let house = House::on("2026-11-20").await;
    let cleo = without_consent(&house).await;
    let service = &house.servicing;
    let record = service.opening_record(cleo.caller(), cleo.id).await.unwrap();
    assert_eq!((record.config.as_str(), record.delivery), ("CASHLINE-STD-1 1", None));

    let ask = at_once(50_000, cleo.checking);
    let drawn = service.draw(cleo.caller(), cleo.id, ask, &key("one")).await;
    assert_eq!(code(drawn), RefusalCode::OpeningRecordMissing);
    let preview = service.preview_draw(Caller::assistant(cleo.id), cleo.id, ask).await;
    assert_eq!(code(preview), RefusalCode::OpeningRecordMissing);
    assert_eq!(house.count("SELECT count(*) FROM draws").await, 0);

    // Agreed to: what waited is given, once, and the draw goes through under the same key.
    house.hand.set(noon(day("2026-11-21")));
    let (agreement, agreed_key) = (consent(), key("agreed"));
    let agreed =
        || service.record_esign_consent(Caller::system(), cleo.id, &agreement, &agreed_key);
    let id = agreed().await.unwrap();
    assert_eq!(agreed().await.unwrap(), id);
    let given = service.opening_record(cleo.caller(), cleo.id).await.unwrap();
    let delivery = given.delivery.unwrap();
    assert_eq!((delivery.consent_id, delivery.delivered_at), (id, noon(day("2026-11-21"))));
    assert_eq!(given.document, record.document, "made once");
    service.draw(cleo.caller(), cleo.id, ask, &key("one")).await.unwrap();
    assert_eq!(
        house.count("SELECT count(*) FROM audit_leaves WHERE kind = 'line.disclosed'").await,
        1
    );

    // Consent is recorded by whoever opens lines, and for nobody that is not there.
    let own = service.record_esign_consent(cleo.caller(), cleo.id, &agreement, &key("own")).await;
    assert_eq!(code(own), RefusalCode::NotAllowed);
    let nobody = CustomerId::mint(service.now());
    let other =
        service.record_esign_consent(Caller::system(), nobody, &agreement, &key("no")).await;
    assert_eq!(code(other), RefusalCode::NotFound);
}

#[tokio::test]
async fn a_draw_fails_with_its_record_in_the_same_transaction() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    // The owner alone could do this; what is asked is whether the draw looks.
    sqlx::raw_sql("DELETE FROM opening_deliveries").execute(house.database.owner()).await.unwrap();
    let ask = at_once(50_000, ann.checking);
    let drawn = house.servicing.draw(ann.caller(), ann.id, ask, &key("late")).await;
    assert_eq!(code(drawn), RefusalCode::OpeningRecordMissing);
    assert_eq!(house.count("SELECT count(*) FROM postings").await, 0);
}

#[tokio::test]
async fn a_line_of_the_sandbox_has_its_record_from_the_day_it_opened() {
    let house = House::on("2026-11-23").await;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../worlds");
    let files = WorldFile::load_all(&folder).unwrap();
    let revolving = files.iter().find(|file| file.name == "revolving").unwrap();
    let world = house.servicing.make_world(revolving, 0, "seed").await.unwrap();
    let caller = Caller::customer(world.customer_id);
    let record = house.servicing.opening_record(caller, world.customer_id).await.unwrap();
    let position = house.servicing.position(caller, world.customer_id).await.unwrap().position;
    assert_eq!(record.delivery.unwrap().delivered_at, noon(position.opened_on));
    let text = String::from_utf8_lossy(&record.document.bytes).into_owned();
    assert!(text.contains(&position.terms.credit_limit.to_string()), "{text}");

    // A statement of the history opens like any other.
    let newest = house.servicing.list_statements(caller, world.customer_id, None, 1).await.unwrap();
    let number = newest.items[0].number;
    let html = house
        .servicing
        .statement_document(caller, world.customer_id, number, Format::Html)
        .await
        .unwrap();
    assert!(
        String::from_utf8_lossy(&html.bytes).contains(&newest.items[0].new_balance.to_string())
    );
}
