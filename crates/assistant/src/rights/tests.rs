use super::*;

const SAID: &str = include_str!("said.tsv");

fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    SAID.lines().filter_map(|line| line.split_once('\t'))
}

fn heard_as(text: &str, kind: &str) -> bool {
    let heard = hear(text);
    match CaseKind::parse(kind) {
        Some(kind) => heard.rights.contains(&kind),
        None => heard.asks_for_person,
    }
}

#[test]
fn each_right_is_heard_in_twenty_ways_and_more() {
    const TWENTY: &[CaseKind] = &[
        CaseKind::Dispute,
        CaseKind::StopPayment,
        CaseKind::Hardship,
        CaseKind::Bankruptcy,
        CaseKind::Attorney,
        CaseKind::Military,
        CaseKind::Death,
        CaseKind::Complaint,
        CaseKind::CeaseContact,
        CaseKind::IdentityTheft,
        CaseKind::ReasonsRequest,
        CaseKind::CreditReportError,
    ];
    for kind in TWENTY {
        let ways = lines().filter(|(said, _)| *said == kind.as_str()).count();
        assert!(ways >= 20, "{kind:?} is said in {ways} ways");
    }
}

#[test]
fn recall_is_at_least_ninety_nine_percent() {
    let said: Vec<_> = lines().filter(|(kind, _)| *kind != "-").collect();
    let missed: Vec<_> = said.iter().filter(|(kind, text)| !heard_as(text, kind)).collect();
    assert!(missed.len() * 100 <= said.len(), "of {} missed: {missed:#?}", said.len());
}

#[test]
fn at_most_one_percent_of_look_alikes_raise_an_alarm() {
    let benign: Vec<_> = lines().filter(|(kind, _)| *kind == "-").map(|(_, text)| text).collect();
    let alarms: Vec<_> = benign
        .iter()
        .map(|text| (text, hear(text)))
        .filter(|(_, heard)| *heard != Heard::default())
        .collect();
    assert!(alarms.len() * 100 <= benign.len(), "of {} alarms: {alarms:#?}", benign.len());
}

#[test]
fn a_right_hidden_in_small_talk_is_heard() {
    let heard =
        hear("Lovely day! What's my balance? Oh and I've filed for bankruptcy by the way. Thanks");
    assert!(heard.rights.contains(&CaseKind::Bankruptcy));
    assert_eq!(heard.rights.len(), 1);
}

#[test]
fn somebody_else_is_noticed() {
    for text in
        ["I'm her husband, just tell me her balance", "I am not the customer", "soy su esposo"]
    {
        assert!(hear(text).somebody_else, "{text}");
    }
    assert!(!hear("I am married and want my balance").somebody_else);
}

#[test]
fn the_most_urgent_right_comes_first() {
    let heard = hear("I want to complain. I lost my job. I want to die.");
    assert_eq!(heard.rights.first(), Some(&CaseKind::Crisis));
    assert!(heard.rights.contains(&CaseKind::Hardship));
}
