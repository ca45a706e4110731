//! What the stand-in does with a prompt, sentence by sentence.

use serde_json::json;

use crate::office::{Counter, PROMPT, Turn, encoder, routers, tools};

async fn each(text: &str, check: impl Fn(Turn)) {
    for router in routers() {
        check(Counter::new(router).say(text).await);
    }
}

#[tokio::test]
async fn a_question_like_an_example_is_answered_by_its_tool_and_reply() {
    each("where is my parcel now?", |turn| {
        assert_eq!(turn.calls, [("trace_parcel".to_owned(), json!({}))]);
        // The result has no delay: the sentence that names it is left out.
        assert_eq!(
            turn.reply,
            "Your parcel is at [[r1.place]]. It should arrive on [[r1.arrives_on]]."
        );
    })
    .await;
}

#[tokio::test]
async fn a_request_takes_its_arguments_from_what_was_said() {
    each("from savings, please collect a parcel worth $80 on the 9th", |turn| {
        let args = json!({"worth": {"kind": "exact", "value": "$80"}, "on": "the 9th", "from": "savings"});
        assert_eq!(turn.calls, [("book_collection".to_owned(), args)]);
        let expected = "I have prepared a collection on [[r1.on]], insured for [[r1.worth]]. Please check the slip and sign it.";
        assert_eq!(turn.reply, expected);
    })
    .await;
}

#[tokio::test]
async fn what_is_missing_is_asked_for_and_the_next_message_supplies_it() {
    for router in routers() {
        let mut counter = Counter::new(router);
        let first = counter.say("collect a parcel worth $80").await;
        assert_eq!(
            (first.tools(), first.reply.contains("on which day to come")),
            (vec![], true),
            "{first:?}"
        );
        let second = counter.say("yes, the 9th").await;
        let args = json!({"worth": {"kind": "exact", "value": "$80"}, "on": "the 9th"});
        assert_eq!(second.calls, [("book_collection".to_owned(), args)]);
        let third = counter.say("make it $95 instead").await;
        assert_eq!(third.calls[0].1["worth"]["value"], "$95");
    }
}

#[tokio::test]
async fn what_was_just_made_can_be_undone_by_its_number() {
    for router in routers() {
        let mut counter = Counter::new(router);
        counter.say("collect a parcel worth $80 on the 9th").await;
        let turn = counter.say("call off the collection again").await;
        assert_eq!(turn.calls, [("call_off".to_owned(), json!({"collection": "CL-7Q2X"}))]);
        assert_eq!(turn.reply, "Please sign the slip to call off [[r1.collection]].");
    }
}

#[tokio::test]
async fn two_requests_in_one_message_are_called_in_parallel_and_answered_in_order() {
    for router in routers() {
        let mut counter = Counter::new(router);
        counter.messages.push(json!({"role": "user", "content": "where is my parcel and what do I owe you for storage?"}));
        let message = counter.ask().await;
        assert_eq!(message["tool_calls"].as_array().unwrap().len(), 2, "{message}");
        counter.messages.clear();
        let turn = counter.say("where is my parcel and what do I owe you for storage?").await;
        assert_eq!(turn.tools(), ["trace_parcel", "show_charges"]);
        let expected = "Your parcel is at [[r1.place]]. It should arrive on [[r1.arrives_on]]. Your storage charges are [[r2.storage]].";
        assert_eq!(turn.reply, expected);
    }
}

#[tokio::test]
async fn a_rule_is_quoted_from_the_passage_and_cited() {
    each("may I send perfume by sea or by air?", |turn| {
        let args = json!({"question": "may I send perfume by sea or by air?"});
        assert_eq!(turn.calls, [("look_up_rules".to_owned(), args)]);
        assert!(
            turn.reply.starts_with("Our rules say: Perfume must not travel by air."),
            "{}",
            turn.reply
        );
        assert!(turn.reply.ends_with("[[p1]]"), "{}", turn.reply);
    })
    .await;
}

#[tokio::test]
async fn a_refusal_is_told_in_the_tools_own_words() {
    each("collect a parcel worth $80 on Sunday", |turn| {
        assert_eq!(
            turn.reply,
            "I could not do that: nobody drives on Sundays. I can call you a clerk."
        );
    })
    .await;
}

#[tokio::test]
async fn a_tool_nobody_worked_an_example_for_is_found_by_its_description() {
    each("at what hours is the office open?", |turn| {
        assert_eq!(turn.tools(), ["opening_hours"]);
        assert!(turn.reply.contains("[[r1.opens]]"), "{}", turn.reply);
    })
    .await;
}

#[tokio::test]
async fn a_field_asked_for_by_name_is_shown_although_no_reply_names_it() {
    each("what do I owe you for storage and customs duty?", |turn| {
        assert!(
            turn.reply.contains("[[r1.storage]]")
                && turn.reply.contains("Customs duty: [[r1.duty]]."),
            "{}",
            turn.reply
        );
    })
    .await;
}

#[tokio::test]
async fn what_nothing_is_near_to_is_declined_with_the_prompts_own_offer() {
    each("sing me a ballad about the moon", |turn| {
        assert_eq!(turn.calls, []);
        assert_eq!(turn.reply, "I am sorry, I cannot help with that here. I can call you a clerk.");
    })
    .await;
}

#[tokio::test]
async fn agreement_takes_up_what_was_offered() {
    for router in routers() {
        let mut counter = Counter::new(router);
        counter.messages.push(json!({"role": "user", "content": "sing me a ballad"}));
        counter.messages.push(
            json!({"role": "assistant", "content": "I cannot. Do you want to speak to somebody?"}),
        );
        assert_eq!(counter.say("yes please").await.tools(), ["fetch_clerk"]);
    }
}

#[tokio::test]
async fn spanish_is_answered_in_spanish() {
    each("¿dónde está mi paquete?", |turn| {
        assert_eq!(turn.reply, "Su paquete está en [[r1.place]].");
    })
    .await;
}

#[tokio::test]
async fn a_refused_clause_is_left_out_and_the_rest_stays() {
    for router in routers() {
        let mut counter = Counter::new(router);
        counter.say("where is my parcel?").await;
        let note = "Clause refused: \"Your parcel is at [[r1.place]].\" Reason: not needed. Write the answer again.";
        counter.messages.push(json!({"role": "system", "content": note}));
        let message = counter.ask().await;
        assert_eq!(message["content"], "It should arrive on [[r1.arrives_on]].");
    }
}

#[tokio::test]
async fn when_every_clause_is_refused_the_facts_are_listed() {
    let router = routers().remove(0);
    let mut counter = Counter::new(router);
    counter.say("what do I owe you for storage?").await;
    let note = "<refused>Your storage charges are [[r1.storage]].</refused>";
    counter.messages.push(json!({"role": "user", "content": note}));
    let said = counter.ask().await["content"].as_str().unwrap().to_owned();
    assert!(said.starts_with("Customs duty: [[r1.duty]]"), "{said}");
}

#[tokio::test]
async fn paraphrases_far_from_the_examples_wording_need_the_encoder() {
    let Some(encoder) = encoder() else { return };
    let router = understudy::router(Some(encoder));
    let cases = [
        ("has my package shipped yet? I can't find it", "trace_parcel"),
        ("I'd like to talk with a human being", "fetch_clerk"),
        ("please cancel the collection I booked, CL-9Z9Z", "call_off"),
        ("when does the office close today?", "opening_hours"),
    ];
    for (text, tool) in cases {
        let turn = Counter::new(router.clone()).say(text).await;
        assert_eq!(turn.tools(), [tool], "{text}: {}", turn.reply);
    }
}

#[tokio::test]
async fn what_is_refused_reported_or_supposed_is_not_done() {
    for text in [
        "don't collect a parcel worth $80 on the 9th",
        "just tell me that you collected a parcel worth $80",
        "did you collect a parcel worth $80 on the 9th?",
        "what if I had collected a parcel worth $80 on the 9th?",
    ] {
        each(text, |turn| {
            assert!(!turn.tools().contains(&"book_collection"), "{text}: {turn:?}");
        })
        .await;
    }
    each("collect a parcel worth $80 on the 9th", |turn| {
        assert_eq!(turn.tools(), ["book_collection"]);
    })
    .await;
}

#[tokio::test]
async fn a_reply_is_worded_for_what_was_called_and_not_for_what_the_example_called() {
    let nothing = r#"<example>
<customer>please come and fetch my old box on Monday</customer>
<call tool="book_collection">{"worth": {"kind": "nothing"}, "on": "Monday"}</call>
<reply>I have prepared an uninsured collection on [[book_collection.on]].</reply>
</example>
"#;
    for router in routers() {
        let mut counter = Counter::taught(router, &format!("{PROMPT}{nothing}"), tools());
        let turn = counter.say("please come and fetch my old box worth $80 on the 9th").await;
        let worth = json!({"kind": "exact", "value": "$80"});
        assert_eq!(turn.calls[0].1["worth"], worth, "{turn:?}");
        assert!(
            turn.reply.contains("insured for") && !turn.reply.contains("uninsured"),
            "{turn:?}"
        );
    }
}

#[tokio::test]
async fn a_choice_that_the_example_names_and_the_message_does_not_is_asked_for() {
    let nothing = r#"<example>
<customer>come and collect it for nothing on Monday</customer>
<call tool="book_collection">{"worth": {"kind": "nothing"}, "on": "Monday"}</call>
<reply>I have prepared a collection on [[book_collection.on]].</reply>
</example>
"#;
    for router in routers() {
        let mut counter = Counter::taught(router, nothing, tools());
        let turn = counter.say("come and collect it on Tuesday").await;
        assert_eq!(turn.calls, [], "{turn:?}");
        assert!(turn.reply.contains("what the parcel is worth"), "{turn:?}");
    }
}

#[tokio::test]
async fn slips_of_the_finger_are_read_as_the_word_that_was_meant() {
    let Some(encoder) = encoder() else { return };
    let router = understudy::router(Some(encoder));
    for (text, tool) in [
        ("wher is my parcell?", "trace_parcel"),
        ("what do I owe you for storrage?", "show_charges"),
    ] {
        let turn = Counter::new(router.clone()).say(text).await;
        assert_eq!(turn.tools(), [tool], "{text}: {}", turn.reply);
    }
}

#[tokio::test]
async fn a_refused_quotation_takes_its_mark_along_and_is_not_quoted_again() {
    for router in routers() {
        let mut counter = Counter::new(router);
        counter.say("may I send perfume by sea or by air?").await;
        let note = "<refused>Our rules say: Perfume must not travel by air.</refused>";
        counter.messages.push(json!({"role": "user", "content": note}));
        let said = counter.ask().await["content"].as_str().unwrap().to_owned();
        assert!(!said.starts_with("[[") && !said.contains("must not travel"), "{said}");
    }
}
