//! The transition function. One arm per event; everything else follows from the state.

use crate::{
    Ask, Budget, Clause, Effect, Ended, Event, Guarded, Judgment, ModelFailure, Phase, Plain,
    ToolOutcome, ToolRequest, ToolResult, Turn, Usage,
    calls::{self, Sorted},
};

/// Rounds of nothing but repeated or unreadable calls after which the server answers by itself.
const IDLE_ROUNDS_MAX: u32 = 2;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// Not to be recorded: it comes from an ask that has been given up.
    #[error("it belongs to an ask that is over")]
    Stale,
    #[error("the turn was not waiting for this")]
    OutOfStep,
    #[error("the results do not answer the calls one for one")]
    ResultsMismatch,
}

/// The state after one more event, and what must be done next.
pub fn step(mut turn: Turn, event: Event) -> Result<(Turn, Vec<Effect>), StepError> {
    let effects = turn.apply(event)?;
    Ok((turn, effects))
}

/// The state after these events; what is pending is [`Turn::outstanding`].
pub fn fold(events: impl IntoIterator<Item = Event>) -> Result<Turn, StepError> {
    events
        .into_iter()
        .try_fold(Turn::default(), |turn, event| step(turn, event).map(|(turn, _)| turn))
}

impl Turn {
    /// Applies an event in place; an event that is refused changes nothing.
    pub fn apply(&mut self, event: Event) -> Result<Vec<Effect>, StepError> {
        if self.ended().is_some() {
            return Err(StepError::OutOfStep);
        }
        let mut next = Vec::new();
        match event {
            Event::Received { text, limits } => {
                self.expect(Phase::New)?;
                self.text = text;
                self.budget = Some(Budget::new(limits));
                self.phase = Phase::Received;
                next.push(Effect::Guard);
            }
            Event::Guarded { outcome } => {
                self.settle(|effect| matches!(effect, Effect::Guard))?;
                self.guarded(outcome, &mut next);
            }
            Event::Planned { prompt_tokens } => {
                self.settle(|effect| matches!(effect, Effect::Plan))?;
                self.planned(prompt_tokens, &mut next);
            }
            Event::Drafted { ask, text } => self.drafted(ask, text, &mut next)?,
            Event::Judged { clause, judgment } => self.judged(clause, judgment, &mut next)?,
            Event::Replied { ask, requests, usage } => {
                self.settle_ask(ask, usage)?;
                self.reply = Some(requests);
                self.phase = Phase::Releasing;
                self.advance(&mut next);
            }
            Event::ModelFailed { ask, failure, usage } => {
                self.settle_ask(ask, usage)?;
                self.model_failed(failure, &mut next);
            }
            Event::Ran { results } => self.ran(results, &mut next)?,
            Event::Released { through } => {
                self.settle(
                    |effect| matches!(effect, Effect::Release { through: t } if *t <= through),
                )?;
                self.released = self.released.max(through);
                self.advance(&mut next);
            }
            Event::Said => {
                self.settle(|effect| matches!(effect, Effect::Say { .. }))?;
                let ended = self.ending.unwrap_or(Ended::Done);
                self.finish(ended, &mut next);
            }
            Event::HandedOff { .. } => {
                self.settle(|effect| matches!(effect, Effect::HandOff { .. }))?;
                self.finish(Ended::HandedOff, &mut next);
            }
            Event::Cancelled => {
                self.expect_begun()?;
                self.finish(Ended::Cancelled, &mut next);
            }
            Event::TimedOut => {
                self.expect_begun()?;
                self.say_instead(Plain::Unavailable, Ended::OutOfBudget, &mut next);
            }
        }
        self.outstanding.extend(next.iter().cloned());
        Ok(next)
    }

    fn expect(&self, phase: Phase) -> Result<(), StepError> {
        if self.phase == phase { Ok(()) } else { Err(StepError::OutOfStep) }
    }

    fn expect_begun(&self) -> Result<(), StepError> {
        if self.phase == Phase::New { Err(StepError::OutOfStep) } else { Ok(()) }
    }

    /// Takes the effects an event settles off the list; there must be one.
    fn settle(&mut self, settles: impl Fn(&Effect) -> bool) -> Result<(), StepError> {
        let before = self.outstanding.len();
        self.outstanding.retain(|effect| !settles(effect));
        if self.outstanding.len() == before { Err(StepError::OutOfStep) } else { Ok(()) }
    }

    fn settle_ask(&mut self, ask: u32, usage: Option<Usage>) -> Result<(), StepError> {
        let settled = self.settle(|effect| matches!(effect, Effect::Ask(a) if a.number == ask));
        settled.map_err(|error| if ask <= self.ask { StepError::Stale } else { error })?;
        if let Some(budget) = &mut self.budget {
            budget.settle_ask(usage);
        }
        Ok(())
    }

    fn guarded(&mut self, outcome: Guarded, next: &mut Vec<Effect>) {
        match outcome {
            Guarded::Proceed => self.plan(None, next),
            Guarded::Answer { text } => self.say(Plain::Guard { text }, Ended::Done, next),
            Guarded::HandOff { reason } => {
                self.phase = Phase::HandingOff;
                next.push(Effect::HandOff { reason });
            }
        }
    }

    fn plan(&mut self, repair: Option<String>, next: &mut Vec<Effect>) {
        self.phase = Phase::Planning;
        self.reply = None;
        self.repair = repair;
        next.push(Effect::Plan);
    }

    fn planned(&mut self, prompt_tokens: u64, next: &mut Vec<Effect>) {
        let affordable =
            self.budget.as_mut().is_some_and(|budget| budget.reserve_ask(prompt_tokens));
        if !affordable {
            return self.say_instead(Plain::OutOfBudget, Ended::OutOfBudget, next);
        }
        self.ask += 1;
        self.phase = Phase::Asking;
        next.push(Effect::Ask(Ask { number: self.ask, repair: self.repair.take() }));
    }

    fn drafted(&mut self, ask: u32, text: String, next: &mut Vec<Effect>) -> Result<(), StepError> {
        if ask != self.ask || self.phase != Phase::Asking {
            return Err(if ask <= self.ask { StepError::Stale } else { StepError::OutOfStep });
        }
        let limit = self.budget.as_ref().map_or(0, |budget| budget.limits.clauses);
        let said = self.clauses.iter().any(|clause| same_words(&clause.draft, &text));
        let number = count(&self.clauses);
        if said || number >= limit {
            return Ok(());
        }
        self.clauses.push(Clause { draft: text.clone(), text: None });
        next.push(Effect::Check { clause: number, text });
        Ok(())
    }

    fn judged(
        &mut self,
        number: u32,
        judgment: Judgment,
        next: &mut Vec<Effect>,
    ) -> Result<(), StepError> {
        self.settle(|effect| matches!(effect, Effect::Check { clause, .. } if *clause == number))?;
        let text = match judgment {
            Judgment::Pass { text } => text,
            Judgment::Drop => String::new(),
            Judgment::Repair { reason } => {
                self.repair_from(number, reason, next);
                return Ok(());
            }
        };
        if let Some(clause) = self.clauses.get_mut(number as usize) {
            clause.text = Some(text);
        }
        self.release_judged(next);
        self.advance(next);
        Ok(())
    }

    /// Asks for a release of the judged clauses that follow what is released or about to be.
    fn release_judged(&mut self, next: &mut Vec<Effect>) {
        let judged = self.clauses.iter().take_while(|clause| clause.text.is_some()).count();
        let through = u32::try_from(judged).unwrap_or(u32::MAX);
        let asked = self.outstanding.iter().filter_map(|effect| match effect {
            Effect::Release { through } => Some(*through),
            _ => None,
        });
        if through > asked.max().unwrap_or(0).max(self.released) {
            next.push(Effect::Release { through });
        }
    }

    /// Rewrites from clause `number` on; what stands before it stays.
    fn repair_from(&mut self, number: u32, reason: String, next: &mut Vec<Effect>) {
        self.clauses.truncate(number as usize);
        self.give_up_ask();
        if self.budget.as_mut().is_some_and(Budget::take_repair) {
            self.plan(Some(reason), next);
        } else {
            self.say_instead(Plain::Facts, Ended::Faulted, next);
        }
    }

    /// The ask under way and the checks of its clauses are no longer wanted.
    fn give_up_ask(&mut self) {
        let asking = self.outstanding.iter().any(|effect| matches!(effect, Effect::Ask(_)));
        self.outstanding.retain(|effect| {
            !matches!(
                effect,
                Effect::Ask(_) | Effect::Check { .. } | Effect::Run { .. } | Effect::Plan
            )
        });
        if asking && let Some(budget) = &mut self.budget {
            budget.settle_ask(None);
        }
        self.reply = None;
    }

    fn model_failed(&mut self, failure: ModelFailure, next: &mut Vec<Effect>) {
        let judged = self.clauses.iter().take_while(|clause| clause.text.is_some()).count();
        self.clauses.truncate(judged);
        self.give_up_ask();
        let retried = failure != ModelFailure::Rejected
            && self.budget.as_mut().is_some_and(Budget::take_retry);
        if retried {
            self.plan(None, next);
        } else {
            self.say_instead(Plain::Unavailable, Ended::Faulted, next);
        }
    }

    /// Once the reply has ended and its clauses are out: run its calls, or end.
    fn advance(&mut self, next: &mut Vec<Effect>) {
        let busy =
            |effect: &Effect| matches!(effect, Effect::Check { .. } | Effect::Release { .. });
        if self.phase != Phase::Releasing
            || self.outstanding.iter().any(busy)
            || next.iter().any(busy)
        {
            return;
        }
        let Some(requests) = self.reply.take() else { return };
        if !requests.is_empty() {
            return self.begin_round(requests, next);
        }
        if self.released_text().is_empty() {
            let said = count(&self.clauses);
            return self.repair_from(said, "the reply was empty".to_owned(), next);
        }
        self.finish(Ended::Done, next);
    }

    fn begin_round(&mut self, requests: Vec<ToolRequest>, next: &mut Vec<Effect>) {
        let Some(budget) = &mut self.budget else { return };
        let Sorted { requests, settled, runnable, idle } =
            calls::sort(requests, self.exchanges.len(), &self.answers, budget);
        let proposals_left = budget.limits.proposals.saturating_sub(budget.spent.proposals);
        let said = self.released_drafts().join(" ");
        self.exchanges.push(crate::Exchange { text: said, requests, results: settled });
        self.idle_rounds = if idle { self.idle_rounds + 1 } else { 0 };
        if !runnable.is_empty() {
            self.phase = Phase::Running;
            next.push(Effect::Run { requests: runnable, proposals_left });
        } else if self.idle_rounds >= IDLE_ROUNDS_MAX {
            self.say_instead(Plain::Facts, Ended::Faulted, next);
        } else {
            self.plan(None, next);
        }
    }

    fn ran(&mut self, results: Vec<ToolResult>, next: &mut Vec<Effect>) -> Result<(), StepError> {
        let run = self.outstanding.iter().find_map(|effect| match effect {
            Effect::Run { requests, .. } => Some(requests),
            _ => None,
        });
        let asked = run.ok_or(StepError::OutOfStep)?;
        if !asked.iter().map(|r| &r.id).eq(results.iter().map(|r| &r.request_id)) {
            return Err(StepError::ResultsMismatch);
        }
        for (request, result) in asked.iter().zip(&results) {
            if matches!(result.outcome, ToolOutcome::Answered | ToolOutcome::Proposed) {
                self.answers.insert(calls::key(request), result.content.clone());
            }
            if let (ToolOutcome::Proposed, Some(budget)) = (result.outcome, &mut self.budget) {
                budget.spent.proposals += 1;
            }
        }
        self.settle(|effect| matches!(effect, Effect::Run { .. }))?;
        if let Some(exchange) = self.exchanges.last_mut() {
            exchange.results.extend(results);
            let place = |id: &str| exchange.requests.iter().position(|request| request.id == id);
            exchange.results.sort_by_key(|result| place(&result.request_id));
        }
        self.plan(None, next);
        Ok(())
    }

    /// The server's own words end the turn. Where facts were found this turn, they are what it says.
    fn say_instead(&mut self, plain: Plain, ended: Ended, next: &mut Vec<Effect>) {
        self.give_up_ask();
        let judged = self.clauses.iter().take_while(|clause| clause.text.is_some()).count();
        self.clauses.truncate(judged);
        let found = self.results().any(|(_, result)| {
            matches!(result.outcome, ToolOutcome::Answered | ToolOutcome::Proposed)
        });
        self.say(if found { Plain::Facts } else { plain }, ended, next);
    }

    fn say(&mut self, plain: Plain, ended: Ended, next: &mut Vec<Effect>) {
        self.outstanding.retain(|effect| !matches!(effect, Effect::Guard | Effect::Say { .. }));
        self.phase = Phase::Saying;
        self.ending = Some(ended);
        next.push(Effect::Say { plain });
    }

    fn finish(&mut self, ended: Ended, next: &mut Vec<Effect>) {
        self.give_up_ask();
        self.outstanding.clear();
        self.clauses.truncate(self.released as usize);
        self.phase = Phase::Ended(ended);
        next.push(Effect::Finish { ended });
    }
}

fn count(clauses: &[Clause]) -> u32 {
    u32::try_from(clauses.len()).unwrap_or(u32::MAX)
}

/// Equal but for blanks and case: a model that begins again says the same clause again.
fn same_words(one: &str, other: &str) -> bool {
    let words = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    words(one) == words(other)
}
