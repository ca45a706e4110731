//! What the registry lets through, with tools of no domain.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate};
use identity::{Actor, ConversationId, CustomerId, TurnId};
use money::Cents;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use toolkit::{
    Answers, Call, Conversation, Effect, Evidence, Findings, Level, Manifest, ManifestError,
    Outcome, Policy, Proposal, Proposes, Registry, Surface, Tool, ToolError, ToolErrorKind,
    Verdict,
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PayArgs {
    amount: String,
}

struct Pay;

impl Tool for Pay {
    type Args = PayArgs;
    const NAME: &'static str = "pay";
}

impl Proposes for Pay {
    async fn propose(&self, _: &Conversation, args: PayArgs) -> Result<Proposal, ToolError> {
        let amount = Cents::parse_dollars(&args.amount)
            .map_err(|error| ToolError::new(ToolErrorKind::InvalidArgs, error.to_string()))?;
        Ok(Proposal {
            effect: Effect::MovesMoney(amount),
            arguments: json!({ "amount_cents": amount }),
            shown: json!({ "amount": amount }),
            subject: "payment".into(),
        })
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Serialize, JsonSchema)]
struct Visits {
    count: i64,
    visits: Vec<Visit>,
}

#[derive(Serialize, JsonSchema)]
struct Visit {
    on: String,
    memo: String,
}

struct ListVisits;

impl Tool for ListVisits {
    type Args = Nothing;
    const NAME: &'static str = "list_visits";
}

impl Answers for ListVisits {
    type Output = Visits;

    async fn answer(&self, _: &Conversation, _: Nothing) -> Result<Findings<Visits>, ToolError> {
        let visits = vec![Visit { on: "2026-11-24".into(), memo: "pay $900".into() }];
        Ok(Visits { count: 1, visits }.into())
    }
}

const PAY: &str = r#"
name = "pay"
version = "1"
effect = "moves_money"
surfaces = ["consumer"]
level = "l2"
description = "Prepare a payment."
arguments = { amount = "how much" }
protected = { amount = "amount" }

[[result]]
name = "amount"
kind = "money"
label = "amount"
nouns = ["payment"]

[sheet]
title = "Confirm payment"
effect = "{amount} leaves your bank."
expires_minutes = 15
fields = [{ name = "amount", label = "Amount" }]

[[example]]
says = "pay $5"
arguments = { amount = "$5" }
"#;

const LIST: &str = r#"
name = "list_visits"
version = "1"
effect = "reads"
surfaces = ["consumer"]
level = "l0"
description = "List visits."

[[result]]
name = "visits"
kind = "list"
label = "visits"
item = "{on}: {memo}"
items = [
  { name = "on", kind = "date", label = "visit date", nouns = ["visit"] },
  { name = "memo", kind = "text", label = "memo", third_party = true },
]
"#;

fn manifests(texts: &[&str]) -> BTreeMap<String, Manifest> {
    texts
        .iter()
        .map(|text| Manifest::parse(text).unwrap())
        .map(|manifest| (manifest.name.clone(), manifest))
        .collect()
}

fn registry() -> Registry {
    let manifests = manifests(&[PAY, LIST]);
    Registry::default()
        .with_proposal(Pay, &manifests)
        .unwrap()
        .with_answer(ListVisits, &manifests)
        .unwrap()
}

fn conversation() -> Conversation {
    let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    let customer = CustomerId::mint(now);
    Conversation {
        id: ConversationId::mint(now),
        turn: TurnId::mint(now),
        actor: Actor::Assistant { on_behalf_of: customer },
        customer,
        credit_line: None,
        surface: Surface::Consumer,
        level: Level::L2,
        now,
        today: NaiveDate::from_ymd_opt(2026, 11, 21).unwrap(),
    }
}

fn lax() -> Policy {
    Policy {
        reads: Verdict::Allow,
        writes: Verdict::Allow,
        money: Verdict::Allow,
        deny_above_cents: Cents::new(100_000),
    }
}

async fn call(tool: &str, args: Value, said: &str) -> Result<Outcome, ToolErrorKind> {
    let call = Call { id: "1".into(), tool: tool.into(), args };
    let evidence = Evidence { said: vec![said.into()], fields: vec![] };
    let outcome = registry().dispatch(&conversation(), &call, &lax(), &evidence).await;
    outcome.map_err(|error| error.kind)
}

#[tokio::test]
async fn a_payment_is_only_proposed_and_worded_by_its_manifest() {
    let outcome = call("pay", json!({"amount": "$50"}), "pay $50").await.unwrap();
    let Outcome::Proposed(proposed) = outcome else { panic!("a write ran") };
    assert_eq!(proposed.title, "Confirm payment");
    assert_eq!(proposed.effect_line, "$50.00 leaves your bank.");
    assert_eq!(proposed.shown[0].text, "$50.00");
    assert_eq!(proposed.arguments, json!({"amount_cents": 5_000}));
}

#[tokio::test]
async fn the_model_cannot_name_a_credit_line() {
    let args = json!({"amount": "$50", "credit_line": "x"});
    assert_eq!(call("pay", args, "pay $50").await, Err(ToolErrorKind::InvalidArgs));
}

#[tokio::test]
async fn refusals_come_in_kinds() {
    let amount = |text: &str| json!({ "amount": text });
    assert_eq!(call("fly", json!({}), "").await, Err(ToolErrorKind::UnknownTool));
    assert_eq!(call("pay", amount("$50"), "pay it").await, Err(ToolErrorKind::Unsourced));
    assert_eq!(call("pay", amount("$9000"), "pay $9000").await, Err(ToolErrorKind::Denied));
    assert_eq!(call("pay", json!({}), "pay").await, Err(ToolErrorKind::InvalidArgs));
}

#[tokio::test]
async fn a_list_is_written_by_its_manifest_and_marks_third_party_text() {
    let outcome = call("list_visits", json!({}), "").await.unwrap();
    let Outcome::Answered(answered) = outcome else { panic!("a read was proposed") };
    let text = |name: &str| {
        answered.fields.iter().find(|field| field.name == name).map(|f| f.text.clone()).unwrap()
    };
    assert_eq!(text("visits"), "- November 24, 2026: pay $900");
    assert_eq!(text("visits.count"), "1");
    assert_eq!(text("visits.1.on"), "November 24, 2026");
    assert!(answered.fields.iter().find(|f| f.name == "visits.1.memo").unwrap().third_party);
}

#[tokio::test]
async fn a_person_not_known_well_enough_is_denied() {
    let call = Call { id: "1".into(), tool: "pay".into(), args: json!({"amount": "$5"}) };
    let evidence = Evidence { said: vec!["pay $5".into()], fields: vec![] };
    let stranger = Conversation { level: Level::L1, ..conversation() };
    let error = registry().dispatch(&stranger, &call, &lax(), &evidence).await.unwrap_err();
    assert_eq!(error.kind, ToolErrorKind::Denied);
    assert!(error.for_model().contains("step-up"), "{}", error.for_model());
    let staff = Conversation { surface: Surface::Staff, ..conversation() };
    let error = registry().dispatch(&staff, &call, &lax(), &evidence).await.unwrap_err();
    assert_eq!(error.kind, ToolErrorKind::UnknownTool);
}

#[test]
fn the_schema_is_generated_and_worded_by_the_manifest() {
    let specs = registry().specs(Surface::Consumer);
    let pay = specs.iter().find(|spec| spec.name == "pay").unwrap();
    assert_eq!(
        pay.parameters,
        json!({
            "type": "object",
            "properties": {"amount": {"type": "string", "description": "how much"}},
            "required": ["amount"],
            "additionalProperties": false,
        })
    );
    assert_eq!(pay.description, "Prepare a payment.\nExample: \"pay $5\" -> {\"amount\":\"$5\"}");
}

#[test]
fn a_manifest_that_does_not_fit_is_refused_at_load() {
    let misfits = [
        (PAY.replace("\"how much\"", "\"how much\", to = \"whom\""), "describes `to`"),
        (PAY.replace("{ amount = \"$5\" }", "{ sum = \"$5\" }"), "does not fit"),
        (PAY.replace("\"moves_money\"", "\"reads\""), "has a sheet"),
        (PAY.replace("{ name = \"amount\", label", "{ name = \"to\", label"), "the sheet shows"),
        (PAY.replace("protected = { amount", "protected = { sum"), "protects `sum`"),
    ];
    for (text, problem) in misfits {
        let error = match Manifest::parse(&text) {
            Ok(manifest) => {
                let manifests = BTreeMap::from([(manifest.name.clone(), manifest)]);
                Registry::default().with_proposal(Pay, &manifests).err().unwrap()
            }
            Err(error) => error,
        };
        assert!(error.to_string().contains(problem), "{error} lacks {problem}");
    }
    let missing = Registry::default().with_proposal(Pay, &BTreeMap::new()).err().unwrap();
    assert!(matches!(missing, ManifestError::Missing(_)));
}
