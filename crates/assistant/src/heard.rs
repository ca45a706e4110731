//! A right that was heard becomes a case at once, whoever answers: in a turn, and while a person of ours is awaited or has
//! the conversation.

use identity::{ConversationId, CustomerId};
use serde_json::{Value, json};
use servicing::{
    Caller, CaseKind, Key, Level, NewCase, Servicing, ServicingError, conversations::NewMessage,
};
use store::{conversations::MessageRole, customers::Language as Spoken};
use tokio::sync::mpsc;

use crate::{StreamPart, figures::Language, plain, rights};

/// Opens the case of a right, and gives it as the page shows it.
pub(crate) async fn open_case(
    servicing: &Servicing,
    caller: Caller,
    case: NewCase,
    language: Language,
) -> Result<Value, ServicingError> {
    let kind = case.kind;
    let row = servicing.open_case(caller, case).await?;
    let spoken = match language {
        Language::English => Spoken::English,
        Language::Spanish => Spoken::Spanish,
    };
    let text = kind.promise(spoken);
    Ok(json!({"reference": row.reference, "kind": row.kind, "text": text}))
}

/// Hears the rights of a message that no assistant answers: each is on record, and its reference shown and kept.
pub(crate) async fn beside_a_person(
    servicing: &Servicing,
    (customer, conversation): (CustomerId, ConversationId),
    level: Level,
    text: &str,
    key: &Key,
    parts: &mpsc::Sender<StreamPart>,
) -> Result<(), ServicingError> {
    let (text, language) = (text.trim(), plain::language_of(text));
    let caller = Caller::assistant(customer).at(level);
    let mut cases = Vec::new();
    for kind in rights::hear(text).rights {
        let case = new_case(customer, conversation, kind, text);
        let data = open_case(servicing, caller, case, language).await?;
        parts.send(StreamPart::DataCase { data: data.clone() }).await.ok();
        cases.push(data);
    }
    if cases.is_empty() {
        return Ok(());
    }
    let words = plain::on_record(&cases, language);
    let message =
        NewMessage { cases: json!(cases), ..NewMessage::plain(MessageRole::System, words.clone()) };
    let id = servicing.add_server_message(caller, conversation, message, key).await?.to_string();
    for part in [
        StreamPart::Start { message_id: id.clone() },
        StreamPart::TextStart { id: id.clone() },
        StreamPart::TextDelta { id: id.clone(), delta: words },
        StreamPart::TextEnd { id },
    ] {
        parts.send(part).await.ok();
    }
    Ok(())
}

pub(crate) fn new_case(
    customer_id: CustomerId,
    conversation_id: ConversationId,
    kind: CaseKind,
    words: &str,
) -> NewCase {
    NewCase { customer_id, conversation_id: Some(conversation_id), kind, words: words.to_owned() }
}
