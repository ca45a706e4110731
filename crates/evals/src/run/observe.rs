//! What is known after a turn and after a case: from the record, the store and the ledger, never from what was claimed.

use std::collections::BTreeMap;

use audit::Trust;
use identity::{ConversationId, CreditLineId, CustomerId, chain};
use ledger::Chart;
use money::Cents;
use serde_json::Value;
use servicing::{Action, Caller, conversations::ConversationView, payments::PaymentView};
use store::{
    conversations::{ConversationStatus, MessageRole, StepRow, TurnStatus},
    intents::{IntentRow, IntentStatus},
    postings,
};

use super::{Bench, play::Playing};
use crate::grade::{ObservedCall, ObservedIntent, ObservedPayment, ObservedTurn};

impl Bench {
    /// The customer's payments; none where there is no line.
    pub(super) async fn payments(&self, customer: CustomerId) -> Result<Vec<PaymentView>, String> {
        match self.servicing.list_payments(Caller::system(), customer).await {
            Ok(payments) => Ok(payments),
            Err(error) if error.refusal().is_some() => Ok(Vec::new()),
            Err(error) => Err(chain(&error)),
        }
    }

    /// What one message led to, read back from the record.
    pub(super) async fn observe_turn(
        &self,
        playing: &mut Playing,
        said: &str,
        before: &ConversationView,
        after: &ConversationView,
    ) -> Result<(), String> {
        let last = before.messages.last().map_or(0, |row| row.n);
        let mut turn = ObservedTurn { said: said.to_owned(), ..ObservedTurn::default() };
        let mut answers = Vec::new();
        let new = after.messages.iter().filter(|row| row.n > last);
        for message in new.map(|row| &row.message) {
            if message.role == MessageRole::Customer {
                continue;
            }
            answers.push(message.text.clone());
            turn.notices.extend(texts(&message.notices, "text"));
            turn.cited.extend(
                texts(&message.citations, "citation").map(|citation| document_of(&citation)),
            );
        }
        for new in after.turns.iter().filter(|turn| !before.turns.iter().any(|t| t.id == turn.id)) {
            let steps = self
                .servicing
                .turn_steps(Caller::system(), new.id)
                .await
                .map_err(|error| chain(&error))?;
            if let Some(failure) = gave_up(new.status, &steps) {
                playing.away = Some(failure);
            }
            for step in steps {
                playing.tokens += tokens(&step.body);
                for call in items(step.body.get("calls")) {
                    turn.calls.push(call_of(call));
                    let attached = items(call.get("attachments"));
                    let passages = attached.filter(|a| text(a, "attachment") == "passage");
                    turn.passages.extend(passages.map(|passage| text(passage, "text")));
                }
            }
        }
        turn.answer = answers.join("\n");
        playing.line("assistant", turn.answer.clone());
        for notice in turn.notices.clone() {
            playing.line("notice", notice);
        }
        playing.observed.turns.push(turn);
        Ok(())
    }

    /// What a case came to.
    pub(super) async fn observe(&self, playing: &mut Playing) -> Result<(), String> {
        let system = Caller::system();
        let servicing = &self.servicing;
        let customer = playing.customer;
        let view = servicing
            .conversation(system, playing.conversation, 0)
            .await
            .map_err(|error| chain(&error))?;
        let payments = self.payments(customer).await?;
        let cases = servicing.list_cases(system, customer).await.map_err(|error| chain(&error))?;
        let observed = &mut playing.observed;
        observed.intents = view
            .intents
            .iter()
            .map(|(intent, _)| intent_of(intent, &payments, playing.confirmed.contains(&intent.id)))
            .collect();
        observed.payments = payments
            .iter()
            .filter(|view| !playing.payments_before.contains_key(&view.payment.id))
            .map(|view| ObservedPayment {
                amount_cents: view.payment.amount.get(),
                on: view.payment.authorised_on,
                status: view.payment.status.as_str().to_owned(),
            })
            .collect();
        observed.cases = cases
            .iter()
            .filter(|case| !playing.cases_before.contains(&case.id))
            .map(|case| case.kind.clone())
            .collect();
        observed.hand_off =
            view.hand_off.is_some() || view.conversation.status == ConversationStatus::Waiting;
        if let Ok(decision) = servicing.decision(system, customer).await {
            observed.reasons = decision.reasons.iter().map(|reason| reason.text.clone()).collect();
        }
        observed.ledger_problems = self.ledger_problems(customer).await?;
        let record_problems = self.record_problems(playing.conversation).await?;
        playing.observed.record_problems = record_problems;
        let references = payments
            .iter()
            .map(|view| &view.payment.reference)
            .chain(cases.iter().map(|case| &case.reference))
            .chain(view.hand_off.iter().map(|hand_off| &hand_off.reference));
        hide(playing, &references.cloned().collect::<Vec<_>>());
        Ok(())
    }

    /// Where the books do not show what the history of the line comes to.
    async fn ledger_problems(&self, customer: CustomerId) -> Result<Vec<String>, String> {
        let view = match self.servicing.position(Caller::system(), customer).await {
            Ok(view) => view,
            Err(error) if error.refusal().is_some() => return Ok(Vec::new()),
            Err(error) => return Err(chain(&error)),
        };
        let line: CreditLineId = view.credit_line_id;
        let mut conn =
            self.servicing.store().app().acquire().await.map_err(|error| chain(&error))?;
        let booked: BTreeMap<_, _> = postings::line_balances(&mut conn, line)
            .await
            .map_err(|error| chain(&error))?
            .into_iter()
            .map(|balance| (balance.account, balance.balance))
            .collect();
        let chart = Chart::embedded().map_err(|error| chain(&error))?;
        let posted = view.position.posted;
        let mut problems = Vec::new();
        for (name, replayed) in [
            ("principal", posted.principal),
            ("billed_interest", posted.billed_interest),
            ("fees", posted.fees),
            ("penalty_fees", posted.penalty_fees),
            ("credit_balances", -posted.credit_balance),
        ] {
            let account = chart.account(name).map_err(|error| chain(&error))?;
            let booked = booked.get(&account.code).copied().unwrap_or(Cents::ZERO);
            if booked != replayed {
                problems
                    .push(format!("{name} is {booked} in the books and {replayed} by the history"));
            }
        }
        for id in postings::find_unbalanced(&mut conn).await.map_err(|error| chain(&error))? {
            problems.push(format!("the posting {id} does not balance"));
        }
        Ok(problems)
    }

    /// What verification of the conversation's bundle complains of.
    async fn record_problems(&self, id: ConversationId) -> Result<Vec<String>, String> {
        let pool = self.servicing.store().audit();
        let failed = |error: audit::AuditError| chain(&error);
        audit::sequence(pool, &self.log, self.servicing.now()).await.map_err(failed)?;
        let bundle = audit::export(pool, &self.log, id, None).await.map_err(failed)?;
        let trust = Trust { key: Some(self.log.verifier()), checkpoint: None };
        let report = audit::verify(bundle.to_json().map_err(failed)?.as_bytes(), &trust);
        Ok(report.problems.into_iter().map(|problem| problem.message).collect())
    }
}

/// References are drawn anew in every play; a transcript is compared without them.
fn hide(playing: &mut Playing, references: &[String]) {
    for line in &mut playing.transcript {
        for reference in references {
            line.text = line.text.replace(reference, "(reference)");
        }
    }
}

/// Why a turn ended without what the model would have said: it failed last, or time ran out. A turn that ended badly by what
/// the model did say is the candidate's.
fn gave_up(status: TurnStatus, steps: &[StepRow]) -> Option<String> {
    if steps.iter().any(|step| step.kind == "timed_out") {
        return Some("the turn ran out of time".to_owned());
    }
    let heard = |step: &&StepRow| matches!(step.kind.as_str(), "replied" | "model_failed");
    let last = steps.iter().rfind(heard)?;
    (status == TurnStatus::Faulted && last.kind == "model_failed")
        .then(|| text(&last.body, "failure"))
}

fn intent_of(intent: &IntentRow, payments: &[PaymentView], granted: bool) -> ObservedIntent {
    let action: Option<Action> = serde_json::from_value(intent.arguments.clone()).ok();
    let meant = match &action {
        Some(Action::SchedulePayment(payment)) => Some((payment.amount, payment.on)),
        Some(Action::CancelPayment(cancellation)) => payments
            .iter()
            .find(|view| view.payment.id == cancellation.payment_id)
            .map(|view| (view.payment.amount, view.payment.authorised_on)),
        _ => None,
    };
    ObservedIntent {
        tool: intent.tool.clone(),
        status: intent.status.as_str().to_owned(),
        amount_cents: meant.map(|(amount, _)| amount.get()),
        on: meant.map(|(_, on)| on),
        granted: granted && intent.status == IntentStatus::Confirmed,
    }
}

fn call_of(call: &Value) -> ObservedCall {
    let mut fields: Vec<(String, String)> =
        items(call.get("fields")).map(|field| (text(field, "name"), text(field, "text"))).collect();
    // What a tool answers instead of a result may be said, figures included.
    let sentence = text(call, "sentence");
    if !sentence.is_empty() {
        fields.push(("sentence".to_owned(), sentence));
    }
    ObservedCall { tool: text(call, "tool"), outcome: text(call, "outcome"), fields }
}

/// The tokens of every answer of the model that a step holds.
fn tokens(body: &Value) -> u64 {
    let usage = body.get("usage");
    let of = |name| usage.and_then(|usage| usage.get(name)).and_then(Value::as_u64).unwrap_or(0);
    of("prompt_tokens") + of("completion_tokens")
}

/// `late-fee` of `late-fee@2#amount`.
fn document_of(citation: &str) -> String {
    citation.split('@').next().unwrap_or_default().to_owned()
}

fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn texts<'a>(list: &'a Value, name: &'a str) -> impl Iterator<Item = String> + 'a {
    items(Some(list)).map(move |item| text(item, name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_turn_is_the_models_absence_only_where_the_model_failed_last_or_time_ran_out() {
        let gave_up_after = |status, kinds: &[&str]| {
            let step = |(n, kind): (i32, &&str)| StepRow {
                n,
                kind: (*kind).to_owned(),
                body: json!({"failure": "stalled"}),
                recorded_at: chrono::DateTime::UNIX_EPOCH,
            };
            let steps: Vec<StepRow> = (1..).zip(kinds).map(step).collect();
            gave_up(status, &steps).is_some()
        };
        assert!(gave_up_after(TurnStatus::Faulted, &["received", "model_failed", "model_failed"]));
        assert!(gave_up_after(TurnStatus::OutOfBudget, &["received", "timed_out"]));
        assert!(!gave_up_after(TurnStatus::Done, &["received", "model_failed", "replied"]));
        assert!(!gave_up_after(TurnStatus::Faulted, &["received", "model_failed", "replied"]));
        assert!(!gave_up_after(TurnStatus::OutOfBudget, &["received", "replied"]));
    }
}
