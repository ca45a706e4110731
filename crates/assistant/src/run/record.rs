//! Committing and showing: what a customer reads is on record first.

use orchestrator::{Effect, Event};
use serde_json::{Value, json};
use servicing::{
    Refusal, RefusalCode, ServicingError,
    conversations::{NewMessage, TurnRecord},
};
use store::conversations::{MessageRole, TurnStatus};
use toolkit::Notice;

use super::{Run, status};
use crate::{Release, StreamPart};

impl Run {
    /// Commits and shows the clauses up to `through`.
    pub(super) async fn release(&mut self, through: u32) -> Result<(), ServicingError> {
        let texts = self.texts(through);
        self.note(Event::Released { through }, json!({}));
        if texts.is_empty() {
            return Ok(());
        }
        self.show(joined(&texts), Vec::new()).await
    }

    /// What a release up to `through` would show.
    pub(super) fn texts(&self, through: u32) -> Vec<String> {
        let clauses = self.turn.clauses.iter().take(through as usize);
        clauses
            .skip(self.turn.released as usize)
            .filter_map(|clause| clause.text.clone())
            .filter(|text| !text.is_empty())
            .collect()
    }

    /// Commits a message with all that belongs to it, then sends it. The turn ends in the same transaction if this was the
    /// last of it.
    pub(super) async fn show(
        &mut self,
        text: String,
        more: Vec<StreamPart>,
    ) -> Result<(), ServicingError> {
        let ends = match self.turn.outstanding() {
            [Effect::Finish { ended }] => Some(status(*ended)),
            _ => None,
        };
        let notices: Vec<Value> =
            self.found.notices().iter().skip(self.found.notices_shown).map(|n| shown(n)).collect();
        let cases: Vec<Value> =
            self.found.cases.get(self.found.cases_shown..).unwrap_or_default().to_vec();
        let citations = self.cited(&text);
        let message = NewMessage {
            role: MessageRole::Assistant,
            text: text.clone(),
            citations: json!(citations),
            notices: json!(notices),
            cases: json!(cases),
            evidence: Some(self.evidence()),
        };
        let verdicts = self.verdicts.clone();
        self.leaf(
            "turn.released",
            json!({
                "turn_id": self.conversation.turn, "text": text, "citations": citations,
                "notices": notices, "cases": cases, "verdicts": verdicts,
                "served_configuration": self.served(), "attested": self.attested(),
            }),
        );
        let ids = self.commit(vec![message], ends).await?;
        self.found.shown();
        self.send_message(ids.first().cloned().unwrap_or_default(), text).await;
        for data in citations {
            self.send(StreamPart::DataCitation { data }).await;
        }
        for data in notices {
            self.send(StreamPart::DataNotice { data }).await;
        }
        for part in more {
            self.send(part).await;
        }
        Ok(())
    }

    /// Sends a committed text; the parts of one turn are one message to the page.
    async fn send_message(&mut self, message_id: String, text: String) {
        if let Some(id) = self.message_id.clone() {
            self.send(StreamPart::TextDelta { id, delta: format!(" {text}") }).await;
            return;
        }
        self.message_id = Some(message_id.clone());
        self.send(StreamPart::Start { message_id: message_id.clone() }).await;
        self.send(StreamPart::TextStart { id: message_id.clone() }).await;
        self.send(StreamPart::TextDelta { id: message_id, delta: text }).await;
    }

    /// The passages a text cites, by their marks.
    fn cited(&self, text: &str) -> Vec<Value> {
        let cited = self.citations.0.iter().enumerate().map(|(at, citation)| (at + 1, citation));
        cited
            .filter(|(number, _)| text.contains(&format!("[{number}]")))
            .filter_map(|(number, citation)| {
                let mut passages = self.found.passages().iter();
                let (_, passage) = passages.find(|(_, passage)| passage.citation == *citation)?;
                Some(json!({
                    "marker": number, "citation": passage.citation,
                    "title": passage.title, "section": passage.section, "digest": passage.digest,
                }))
            })
            .collect()
    }

    fn evidence(&self) -> Value {
        let calls: Vec<Value> =
            self.found.calls.iter().map(super::found::CallRecord::evidence).collect();
        let passages: Vec<Value> = self
            .found
            .passages()
            .iter()
            .map(|(mark, passage)| {
                json!({
                    "ref": mark, "citation": passage.citation, "title": passage.title,
                    "section": passage.section, "text": passage.text, "digest": passage.digest,
                })
            })
            .collect();
        let repairs = self.turn.budget.as_ref().map_or(0, |budget| budget.spent.repairs);
        json!({
            "turn_id": self.conversation.turn, "attested": self.attested(),
            "served_configuration": self.served(), "tool_calls": calls, "passages": passages,
            "verdicts": self.verdicts, "repairs": repairs,
        })
    }

    fn served(&self) -> Value {
        self.inner.release.as_ref().map_or(Value::Null, |release| release.served.clone())
    }

    fn attested(&self) -> bool {
        self.inner.release.as_ref().is_some_and(Release::attested)
    }

    /// Writes everything recorded since the last commit, in one transaction.
    pub(super) async fn commit(
        &mut self,
        messages: Vec<NewMessage>,
        ends: Option<TurnStatus>,
    ) -> Result<Vec<String>, ServicingError> {
        if !self.taken.held().await {
            let sentence = "This turn is answered elsewhere.";
            return Err(Refusal::new(RefusalCode::TurnOver, sentence).into());
        }
        let record = TurnRecord {
            steps: std::mem::take(&mut self.steps),
            leaves: std::mem::take(&mut self.leaves),
            messages,
            ends,
        };
        let servicing = &self.inner.means.servicing;
        let footing = match &mut self.footing {
            Some(footing) => footing,
            unknown => {
                unknown.insert(servicing.footing(self.caller, self.conversation.turn).await?)
            }
        };
        let ids = servicing.record_turn_on(self.caller, footing, record).await?;
        self.ended |= ends.is_some();
        Ok(ids.iter().map(ToString::to_string).collect())
    }
}

fn shown(notice: &Notice) -> Value {
    json!({"kind": notice.kind, "title": notice.title, "html": notice.html, "text": notice.text, "digest": notice.digest})
}

/// Clauses as one text: a list keeps its lines.
fn joined(texts: &[String]) -> String {
    let mut joined = String::new();
    for text in texts {
        if !joined.is_empty() {
            let lines = text.starts_with("- ")
                || joined.ends_with('\n')
                || joined.rsplit('\n').next().is_some_and(|line| line.starts_with("- "));
            joined.push(if lines { '\n' } else { ' ' });
        }
        joined.push_str(text);
    }
    joined
}
