//! One case, step by step: what the customer says goes to the assistant, what they decide to the authenticated route.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use assistant::StreamPart;
use identity::{CaseId, ConversationId, CustomerId, IntentId, PaymentId, chain};
use servicing::{Caller, Key, ServicingError, payments::PaymentView};
use store::{
    conversations::Surface,
    intents::IntentStatus,
    payments::{PaymentRow, PaymentStatus},
};

use super::{Bench, Side};
use crate::{
    Case, CaseStep,
    gate::{CaseOutcome, CaseResult, Finding, Line},
    grade::{Observed, grade},
};

/// No turn takes longer: its own limit is shorter.
const TURN_TIMEOUT: Duration = Duration::from_mins(5);

/// How one play of a case went.
pub(super) struct Play {
    /// What was observed, or why it could not be run.
    observed: Result<Observed, String>,
    transcript: Vec<Line>,
    tokens: u64,
    latency: Duration,
}

/// A case under way.
pub(super) struct Playing {
    pub(super) customer: CustomerId,
    pub(super) conversation: ConversationId,
    /// What there was before anything was said.
    pub(super) payments_before: BTreeMap<PaymentId, PaymentStatus>,
    pub(super) cases_before: BTreeSet<CaseId>,
    /// Intents the customer confirmed on the authenticated route.
    pub(super) confirmed: BTreeSet<IntentId>,
    pub(super) observed: Observed,
    pub(super) transcript: Vec<Line>,
    pub(super) tokens: u64,
    latency: Duration,
    /// Why the model did not answer, where that ended a turn. A turn that failed by what the model said is the candidate's.
    pub(super) away: Option<String>,
}

impl Playing {
    pub(super) fn line(&mut self, who: &str, text: impl Into<String>) {
        self.transcript.push(Line { who: who.to_owned(), text: text.into() });
    }
}

impl Bench {
    pub(super) async fn play(&self, side: &Side, case: &Case, nth: &str) -> Play {
        let seed = format!("{}/{}/{nth}", side.name, case.id);
        let mut playing = match self.begin(case, &seed).await {
            Ok(playing) => playing,
            Err(problem) => return Play::not_run(problem),
        };
        let mut problem = None;
        for (at, step) in case.steps.iter().enumerate() {
            let key = format!("eval/{seed}/{at}");
            if let Err(failed) = self.step(side, &mut playing, step, &key).await {
                problem = Some(failed);
                break;
            }
        }
        if problem.is_none() {
            problem = self.observe(&mut playing).await.err();
        }
        let Playing { observed, transcript, tokens, latency, .. } = playing;
        Play { observed: problem.map_or(Ok(observed), Err), transcript, tokens, latency }
    }

    async fn begin(&self, case: &Case, seed: &str) -> Result<Playing, String> {
        let failed = |error: ServicingError| chain(&error);
        let file = self
            .worlds
            .get(&case.world)
            .ok_or_else(|| format!("there is no world `{}`", case.world))?;
        let world = self.servicing.make_world(file, 0, seed).await.map_err(failed)?;
        let customer = world.customer_id;
        let key = Key::parse(&digest_key("conversation")).map_err(|refusal| refusal.sentence)?;
        let conversation = self
            .servicing
            .start_conversation(Caller::customer(customer), customer, Surface::Consumer, &key)
            .await
            .map_err(failed)?;
        let payments = self.payments(customer).await?;
        let cases = self.servicing.list_cases(Caller::system(), customer).await.map_err(failed)?;
        Ok(Playing {
            customer,
            conversation: conversation.id,
            payments_before: statuses(&payments),
            cases_before: cases.iter().map(|case| case.id).collect(),
            confirmed: BTreeSet::new(),
            observed: Observed::default(),
            transcript: Vec::new(),
            tokens: 0,
            latency: Duration::ZERO,
            away: None,
        })
    }

    async fn step(
        &self,
        side: &Side,
        playing: &mut Playing,
        step: &CaseStep,
        key: &str,
    ) -> Result<(), String> {
        let key = Key::parse(&digest_key(key)).map_err(|refusal| refusal.sentence)?;
        match step {
            CaseStep::Say(text) => self.say(side, playing, text, &key).await,
            CaseStep::Confirm => self.settle(playing, true, &key).await,
            CaseStep::Refuse => self.settle(playing, false, &key).await,
        }
    }

    async fn say(
        &self,
        side: &Side,
        playing: &mut Playing,
        text: &str,
        key: &Key,
    ) -> Result<(), String> {
        let caller = Caller::customer(playing.customer);
        let (customer, conversation) = (playing.customer, playing.conversation);
        let before =
            self.servicing.conversation(caller, conversation, 0).await.map_err(|e| chain(&e))?;
        let payments = statuses(&self.payments(customer).await?);
        playing.line("customer", text);
        let begun = Instant::now();
        let mut parts = side
            .assistant
            .respond(caller, customer, conversation, text, key)
            .await
            .map_err(|error| chain(&error))?;
        let mut fault = None;
        let read = async {
            while let Some(part) = parts.recv().await {
                if let StreamPart::Error { error_text } = part {
                    fault = Some(error_text);
                }
            }
        };
        if tokio_timeout(read).await.is_err() {
            return Err("the turn did not end".to_owned());
        }
        playing.latency += begun.elapsed();
        if let Some(fault) = fault {
            return Err(fault);
        }
        let after =
            self.servicing.conversation(caller, conversation, 0).await.map_err(|e| chain(&e))?;
        self.observe_turn(playing, text, &before, &after).await?;
        let now = statuses(&self.payments(customer).await?);
        let made = now.iter().filter(|(id, status)| payments.get(*id) != Some(*status)).count();
        if let Some(turn) = playing.observed.turns.last_mut() {
            turn.effects = u32::try_from(made).unwrap_or(u32::MAX);
        }
        match &playing.away {
            Some(failure) => Err(format!("the model did not answer: {failure}")),
            None => Ok(()),
        }
    }

    /// Confirms or refuses the sheet that stands open. Where none does, nothing happens: that is for the graders.
    async fn settle(&self, playing: &mut Playing, confirm: bool, key: &Key) -> Result<(), String> {
        let caller = Caller::customer(playing.customer);
        let view = self
            .servicing
            .conversation(caller, playing.conversation, 0)
            .await
            .map_err(|error| chain(&error))?;
        let open = view
            .intents
            .iter()
            .rev()
            .find(|(intent, _)| intent.status == IntentStatus::AwaitingConfirmation);
        let Some((intent, _)) = open else {
            playing.line("customer", "(finds no sheet to decide on)");
            return Ok(());
        };
        let shown: Vec<String> =
            intent.fields.iter().map(|field| format!("{} {}", field.label, field.text)).collect();
        playing.line("sheet", format!("{}: {}", intent.title, shown.join(", ")));
        let done = if confirm {
            playing.confirmed.insert(intent.id);
            self.servicing.confirm(caller, intent.id, key).await.map(|receipt| receipt.text)
        } else {
            self.servicing.refuse(caller, intent.id, key).await.map(|_| "Refused.".to_owned())
        };
        playing.line("customer", if confirm { "(confirms the sheet)" } else { "(says no)" });
        match done {
            Ok(text) => playing.line("server", text),
            // What the rules refuse is an answer; what broke is not.
            Err(error) => match error.refusal() {
                Some(refusal) => playing.line("server", refusal.sentence.clone()),
                None => return Err(chain(&error)),
            },
        }
        Ok(())
    }
}

/// How each payment stands by what was decided about it. One that a case holds back is shown as cancelled and was not.
fn statuses(payments: &[PaymentView]) -> BTreeMap<PaymentId, PaymentStatus> {
    let decided = |payment: &PaymentRow| match (payment.status, payment.cancel_reason.as_deref()) {
        (PaymentStatus::Cancelled, reason) if reason != Some("customer") => {
            PaymentStatus::Scheduled
        }
        (status, _) => status,
    };
    payments.iter().map(|view| (view.payment.id, decided(&view.payment))).collect()
}

async fn tokio_timeout(work: impl Future<Output = ()>) -> Result<(), ()> {
    tokio::time::timeout(TURN_TIMEOUT, work).await.map_err(|_| ())
}

/// A key of any step is short and plain, whatever the case is called.
fn digest_key(text: &str) -> String {
    use sha2::{Digest, Sha256};
    format!("eval-{}", hex::encode(Sha256::digest(text)).chars().take(40).collect::<String>())
}

impl Play {
    /// Why it could not be run.
    pub(super) fn problem(&self) -> Option<&str> {
        self.observed.as_ref().err().map(String::as_str)
    }

    fn not_run(problem: String) -> Self {
        Self { observed: Err(problem), transcript: Vec::new(), tokens: 0, latency: Duration::ZERO }
    }
}

/// The plays of a case as one result: those that could not be run count for nobody, hard rules in any of them count.
pub(super) fn summed(case: &Case, plays: Vec<Play>) -> CaseResult {
    let mut result = CaseResult {
        id: case.id.clone(),
        slice: case.slice.clone(),
        outcome: CaseOutcome::Infrastructure,
        repeats: 0,
        passed: 0,
        findings: Vec::new(),
        tokens: 0,
        latency_ms: 0,
        transcript: Vec::new(),
    };
    let mut not_run = Vec::new();
    for play in plays {
        result.tokens += play.tokens;
        result.latency_ms += u64::try_from(play.latency.as_millis()).unwrap_or(u64::MAX);
        if result.transcript.is_empty() {
            result.transcript = play.transcript;
        }
        match play.observed {
            Ok(observed) => {
                let findings = grade(case, &observed);
                result.repeats += 1;
                result.passed += u32::from(findings.is_empty());
                for finding in findings {
                    if !result.findings.contains(&finding) {
                        result.findings.push(finding);
                    }
                }
            }
            Err(problem) => not_run.push(Finding {
                grader: "infrastructure".to_owned(),
                hard_rule: false,
                detail: problem,
            }),
        }
    }
    if result.repeats > 0 {
        result.outcome =
            if result.passed * 2 > result.repeats { CaseOutcome::Pass } else { CaseOutcome::Fail };
    }
    result.findings.extend(not_run);
    result
}
