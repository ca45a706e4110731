//! What proves a clause: a receipt of the proposal just before, or of the payment the clause names; a status of the payment
//! it names. A receipt of some earlier payment proves nothing of a new one.

use identity::TurnId;
use servicing::conversations::ConversationView;
use toolkit::Field;

use super::Run;

/// A receipt that was given in this conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    kind: String,
    /// It answers a proposal of the turn just before this one.
    last: bool,
    /// References of the receipt and of its payment.
    names: Vec<String>,
}

/// The receipts of a conversation, seen from a turn.
pub(super) fn given(view: &ConversationView, turn: TurnId) -> Vec<Given> {
    let before = view.turns.iter().take_while(|known| known.id != turn).last();
    let receipts =
        view.intents.iter().filter_map(|(intent, receipt)| Some((intent, receipt.as_ref()?)));
    receipts
        .map(|(intent, receipt)| {
            let payment = receipt.fields.iter().filter(|field| field.name == "payment");
            let names = payment.map(|field| field.text.clone());
            Given {
                kind: receipt.kind.clone(),
                last: before.is_some_and(|before| intent.turn_id == Some(before.id)),
                names: names.chain([receipt.reference.clone()]).collect(),
            }
        })
        .collect()
}

impl Run {
    /// The kinds of the receipts that speak of what a clause speaks of.
    pub(super) fn receipts_for(&self, clause: &str) -> Vec<String> {
        let proposed = self.found.proposed();
        let named = self.named(clause);
        let speaks = |given: &&Given| {
            (given.last && !proposed)
                || given.names.iter().any(|name| named.contains(name.as_str()))
        };
        self.receipts.iter().filter(speaks).map(|given| given.kind.clone()).collect()
    }

    /// Texts of this turn's fields that prove a status: no third party's, and those of an item of a list only where the
    /// clause cites that item or its list, or all items agree.
    pub(super) fn statuses_for(&self, clause: &str) -> Vec<String> {
        let mut proving = Vec::new();
        for (mark, fields) in self.found.results() {
            for field in fields.iter().filter(|field| !field.third_party) {
                let Some((list, item)) = item_of(&field.name) else {
                    proving.push(field.text.clone());
                    continue;
                };
                let same = |other: &Field| {
                    item_of(&other.name).is_none_or(|(of, _)| of != list)
                        || last_part(&other.name) != last_part(&field.name)
                        || other.text == field.text
                };
                let cited = clause.contains(&format!("[[{mark}.{list}.{item}."))
                    || clause.contains(&format!("[[{mark}.{list}]]"));
                let others = clause.contains(&format!("[[{mark}.{list}."));
                if cited || (!others && fields.iter().all(same)) {
                    proving.push(field.text.clone());
                }
            }
        }
        proving
    }

    /// The clause with the texts of the fields it cites.
    fn named(&self, clause: &str) -> String {
        let mut named = clause.to_owned();
        for (mark, fields) in self.found.results() {
            for field in fields.iter().filter(|field| !field.third_party) {
                let cited = match item_of(&field.name) {
                    Some((list, item)) => clause.contains(&format!("[[{mark}.{list}.{item}.")),
                    None => clause.contains(&format!("[[{mark}.{}]]", field.name)),
                };
                if cited {
                    named.push(' ');
                    named.push_str(&field.text);
                }
            }
        }
        named
    }
}

/// `payments.2.status` is of item 2 of `payments`.
fn item_of(name: &str) -> Option<(&str, &str)> {
    let (list, rest) = name.split_once('.')?;
    let (item, _) = rest.split_once('.')?;
    item.bytes().all(|byte| byte.is_ascii_digit()).then_some((list, item))
}

fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
