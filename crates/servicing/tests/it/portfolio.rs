//! The sandbox portfolio: every world file makes the customer it says.

use std::path::{Path, PathBuf};

use servicing::{Caller, portfolio::WorldFile};

use crate::house::House;

fn worlds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../worlds")
}

/// What the first copy of each world looks like, in one line.
async fn picture(house: &House, file: &WorldFile) -> String {
    let world = house.servicing.make_world(file, 0, "test").await.unwrap();
    let system = Caller::system();
    let Ok(view) = house.servicing.position(system, world.customer_id).await else {
        let decision = house.servicing.decision(system, world.customer_id).await.unwrap();
        let codes: Vec<_> = decision.reasons.iter().map(|reason| reason.code.as_str()).collect();
        return format!("{}: {} {}", file.name, decision.outcome, codes.join(" "));
    };
    let position = view.position;
    let flags: Vec<String> =
        view.flags.iter().map(|flag| servicing::flags::flag_word(flag.kind)).collect();
    format!(
        "{}: owes {}, minimum {} by {}, past due {} for {} days, credit {}, flags [{}]",
        file.name,
        position.total_owed,
        position.minimum_due,
        position.due_on.map_or("-".to_owned(), |on| on.to_string()),
        position.past_due,
        position.days_past_due,
        position.credit_balance,
        flags.join(" "),
    )
}

#[tokio::test]
async fn every_world_is_what_its_name_says() {
    let house = House::on("2026-11-23").await;
    let mut pictures = Vec::new();
    for file in WorldFile::load_all(&worlds()).unwrap() {
        pictures.push(picture(&house, &file).await);
    }
    insta::assert_snapshot!(pictures.join("\n"));
    let checked = servicing::books::check(house.database.store()).await.unwrap();
    assert!(checked.ok, "{checked}");
}

#[tokio::test]
async fn the_same_files_and_seed_give_the_same_portfolio() {
    let mut made = Vec::new();
    for _ in 0..2 {
        let house = House::on("2026-11-23").await;
        let file = WorldFile::load(&worlds().join("revolving.toml")).unwrap();
        for copy in 0..3 {
            let world = house.servicing.make_world(&file, copy, "sandbox").await.unwrap();
            let view = house.servicing.position(Caller::system(), world.customer_id).await.unwrap();
            made.push((world.customer_id, view.position.total_owed));
        }
    }
    let (first, second) = made.split_at(3);
    assert_eq!(first, second);
    assert_ne!(first[1].1, first[2].1, "copies differ");
}

#[tokio::test]
async fn nobody_in_the_portfolio_has_the_name_of_another() {
    let folder = tempfile::tempdir().unwrap();
    for (name, copies) in [("first", 40), ("second", 40)] {
        let text = format!(
            "copies = {copies}\n[person]\nname = \"Ann {name}\"\nstate = \"CA\"\narchetype = \"{name}\"\nsummary = \"-\"\nbank_accounts = []\n"
        );
        std::fs::write(folder.path().join(format!("{name}.toml")), text).unwrap();
    }
    let house = House::on("2026-11-23").await;
    // Drawn by themselves, two names of this seed fall on two people each.
    house.servicing.make_portfolio(folder.path(), "sandbox", |_, _| ()).await.unwrap();
    let customers = house.servicing.list_customers(Caller::system()).await.unwrap();
    let mut names: Vec<_> = customers.into_iter().map(|customer| customer.name).collect();
    assert_eq!(names.len(), 80);
    assert!(names.contains(&"Ann first".to_owned()) && names.contains(&"Ann second".to_owned()));
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 80);
}
