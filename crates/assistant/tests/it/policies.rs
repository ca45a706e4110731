//! Which policies a customer is answered from: those of their own line, on today's date.

use assistant::StreamPart;
use serde_json::{Value, json};
use understudy::scripted::{Script, Step};

use crate::house::{Answer, House};

fn cited(answer: &Answer) -> Vec<String> {
    let citations = answer.parts.iter().filter_map(|part| match part {
        StreamPart::DataCitation { data } => {
            data.get("citation").and_then(Value::as_str).map(str::to_owned)
        }
        _ => None,
    });
    citations.collect()
}

#[tokio::test]
async fn a_rule_of_some_states_is_shown_to_who_lives_there_whatever_the_model_asks() {
    let question = "How old do I need to be to get a line if I live in Alabama?";
    let script = Script::per_turn([
        Step::call("search_policy", &json!({ "question": question })),
        Step::text("The age is in our policy. [[p1]] [[p2]] [[p3]]"),
    ]);
    let house = House::with_script(script).await;
    for (name, state, shown) in [("Ada", "AL", true), ("Ben", "CA", false)] {
        let person = house.person_in(name, state).await;
        let answer = house.say(person, "how old do I have to be?").await;
        let cited = cited(&answer);
        assert!(!cited.is_empty(), "{:?}", answer.parts);
        let found = cited.iter().any(|citation| citation.starts_with("eligibility-age-19@"));
        assert_eq!(found, shown, "{state}: {cited:?}");
    }
}
