//! The guards before the model, in fixed order: rights, flags, the wish for a person, the release.

use credit::FlagKind;
use orchestrator::{Event, Guarded, HandOff};
use serde_json::{Value, json};
use servicing::{Caller, CaseKind, ServicingError};
use toolkit::Conversation;

use super::Run;
use crate::{StreamPart, flags, heard, plain, rights};

impl Run {
    /// What stands on the customer now narrows what this turn may do.
    pub(super) async fn look_at_flags(&mut self) -> Result<(), ServicingError> {
        let servicing = &self.inner.means.servicing;
        // The gate looks for itself, however well the customer is known: nothing of it is told.
        let customer = self.conversation.customer;
        let standing = servicing.standing_flags(Caller::system(), customer).await?;
        let kinds: Vec<FlagKind> = standing.iter().map(|flag| flag.kind).collect();
        self.gate = flags::gate(kinds);
        Ok(())
    }

    pub(super) async fn guard(&mut self) -> Result<(), ServicingError> {
        let heard = rights::hear(&self.text);
        for kind in &heard.rights {
            self.open_case(*kind).await?;
        }
        self.verdict(
            "rights",
            if heard.rights.is_empty() { "allow" } else { "case" },
            &json!(heard.rights),
        );
        if !heard.rights.is_empty() {
            self.look_at_flags().await?;
        }
        let flag = self.gate.because.map(|flag| format!("{flag:?}"));
        self.verdict("flags", if self.gate.hand_off { "hand_off" } else { "allow" }, &json!(flag));
        let outcome = if heard.asks_for_person {
            self.verdict("person", "hand_off", &Value::Null);
            Guarded::HandOff { reason: HandOff::Asked }
        } else if self.gate.hand_off {
            Guarded::HandOff { reason: HandOff::Flag }
        } else if heard.somebody_else {
            self.verdict("identity", "deny", &Value::Null);
            Guarded::Answer { text: plain::somebody_else(self.language).to_owned() }
        } else if self.inner.release.is_none() {
            self.verdict("release", "deny", &Value::Null);
            Guarded::Answer { text: plain::not_released(self.language).to_owned() }
        } else {
            Guarded::Proceed
        };
        let cases = self.found.cases.clone();
        self.note(Event::Guarded { outcome }, json!({ "cases": cases }));
        Ok(())
    }

    async fn open_case(&mut self, kind: CaseKind) -> Result<(), ServicingError> {
        let Conversation { customer, id, .. } = self.conversation;
        let case = heard::new_case(customer, id, kind, &self.text);
        let servicing = &self.inner.means.servicing;
        let data = heard::open_case(servicing, self.caller, case, self.language).await?;
        self.found.cases.push(data.clone());
        self.send(StreamPart::DataCase { data }).await;
        Ok(())
    }

    pub(super) fn verdict(&mut self, guard: &str, answer: &str, reason: &Value) {
        self.verdicts.push(json!({"guard": guard, "answer": answer, "reason": reason}));
    }
}
