//! Words for what the tools found: the example's reply with this turn's references, passages quoted and cited, refusals in
//! their own words.
//!
//! No figure is ever written: a value is named by reference, and a sentence that names what is not there is left out.

use serde_json::Value;

use crate::{
    choose::Choice,
    likeness::Likeness,
    phrases,
    prompt::Exchange,
    quote,
    reading::{Field, Reading, ToolResult},
    schema::Node,
    words::{Language, plain, sentences, stem},
};

/// Fields shown when no worked reply says which.
const FIELDS_MAX: usize = 4;

pub(crate) struct Answerer<'a> {
    pub(crate) likeness: &'a Likeness,
    pub(crate) reading: &'a Reading,
    pub(crate) language: Language,
}

impl Answerer<'_> {
    /// The words for these choices, each followed as far as this turn's results allow.
    pub(crate) fn answer(&self, choices: &[Choice]) -> String {
        let mut said: Vec<String> = Vec::new();
        let mut taken = Vec::new();
        for choice in choices {
            let results = self.results_for(choice, &mut taken);
            for sentence in self.words_for(choice, &results) {
                if !said.contains(&sentence) {
                    said.push(sentence);
                }
            }
        }
        let others = self.reading.results.iter().enumerate().filter(|(at, _)| !taken.contains(at));
        for (_, result) in others {
            said.extend(self.refusal(result));
            if choices.is_empty() {
                said.extend(plainly(result));
            }
        }
        joined(&said)
    }

    /// The results that answer the calls of a choice, each result taken once.
    fn results_for<'r>(&'r self, choice: &Choice, taken: &mut Vec<usize>) -> Vec<&'r ToolResult> {
        let mut found = Vec::new();
        for call in &choice.exchange.calls {
            let mut places = self
                .reading
                .results
                .iter()
                .enumerate()
                .filter(|(_, result)| result.tool == call.tool);
            // A call repeated with the same arguments is made once: its result serves both.
            let next =
                places.clone().find(|(at, _)| !taken.contains(at)).or_else(|| places.next_back());
            if let Some((at, result)) = next {
                taken.push(at);
                found.push(result);
            }
        }
        found
    }

    fn words_for(&self, choice: &Choice, results: &[&ToolResult]) -> Vec<String> {
        let refusals: Vec<String> =
            results.iter().filter_map(|result| self.refusal(result)).collect();
        let template = self.template(choice);
        let mut said: Vec<String> = Vec::new();
        for sentence in template_sentences(&template) {
            match self.sentence(&sentence, choice, results) {
                Some(sentence) => said.push(sentence),
                // What announces a list goes with it.
                None => drop(said.pop_if(|before| before.ends_with(':'))),
            }
        }
        // After a refusal, only what still names a result is worth saying.
        if !refusals.is_empty() {
            said.retain(|sentence| sentence.contains("[["));
        }
        let asked = asked_for(choice, results, &said);
        said.extend(asked);
        let informs = said.iter().any(|sentence| sentence.contains("[["));
        if refusals.is_empty() && !informs && !choice.exchange.calls.is_empty() {
            let plain: Vec<String> =
                results.iter().flat_map(|result| self.plainly_for(result, choice)).collect();
            if !plain.is_empty() {
                said = plain;
            } else if said.is_empty() {
                said.push(self.nothing_found());
            }
        }
        refusals.into_iter().chain(said).collect()
    }

    /// The reply to follow; for a call nobody worked a reply for, or that was made in another variant than the example's, the
    /// one of the nearest exchange with the same call.
    fn template(&self, choice: &Choice) -> String {
        if !choice.exchange.reply.is_empty() && self.same_variants(&choice.exchange) {
            return choice.exchange.reply.clone();
        }
        let tools = |calls: &[crate::prompt::WorkedCall]| {
            calls.iter().map(|call| call.tool.clone()).collect::<Vec<_>>()
        };
        let wanted = tools(&choice.exchange.calls);
        let alike = self
            .reading
            .lessons
            .exchanges
            .iter()
            .filter(|other| tools(&other.calls) == wanted && !other.reply.is_empty())
            .filter(|other| {
                self.same_variants(other) && Language::of(&other.reply) == self.language
            });
        let scored =
            alike.map(|other| (self.likeness.said(&choice.clause, &other.customer), other));
        let best = scored.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map_or_else(|| choice.exchange.reply.clone(), |(_, other)| other.reply.clone())
    }

    /// Whether what was called has, in each tagged choice, the variant that the example shows.
    fn same_variants(&self, exchange: &Exchange) -> bool {
        exchange.calls.iter().all(|call| {
            let made = self.reading.called.iter().filter(|(tool, _)| *tool == call.tool);
            let mut made = made.map(|(_, args)| args);
            let schema = self.reading.tool(&call.tool).map_or(&Value::Null, |tool| &tool.schema);
            made.next_back()
                .is_none_or(|args| variants(args, schema) == variants(&call.args, schema))
        })
    }

    /// A sentence of the reply with its references, or nothing when one of them is not there.
    fn sentence(&self, sentence: &str, choice: &Choice, results: &[&ToolResult]) -> Option<String> {
        let mut said = String::new();
        let mut rest = sentence;
        while let Some((before, after)) = rest.split_once("[[") {
            let (name, after) = after.split_once("]]")?;
            said.push_str(before);
            said.push_str(&self.reference(name, choice, results)?);
            rest = after;
        }
        said.push_str(rest);
        Some(said)
    }

    fn reference(&self, name: &str, choice: &Choice, results: &[&ToolResult]) -> Option<String> {
        if name == "passage" || name.ends_with(".passage") {
            return self.quoted(&choice.message, results.iter().copied());
        }
        let (tool, field) = name.split_once('.')?;
        let of_tool = |result: &&&ToolResult| result.tool == tool && result.field(field).is_some();
        let found = results.iter().find(of_tool).copied();
        let found = found.or_else(|| self.reading.results.iter().find(|result| of_tool(&result)));
        found.map(|result| format!("[[{}.{field}]]", result.reference))
    }

    /// What the passages say to a question, with its mark.
    fn quoted<'r>(
        &self,
        question: &str,
        results: impl Iterator<Item = &'r ToolResult>,
    ) -> Option<String> {
        let refused = self.reading.repair.as_deref();
        quote::best(self.likeness, question, refused, results).map(|quoted| quoted.cited())
    }

    /// What a tool said when it could not.
    fn refusal(&self, result: &ToolResult) -> Option<String> {
        if result.answered() {
            return None;
        }
        let reason = result.error.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
        Some(phrases::refused(self.language, reason, self.reading.lessons.offer().as_deref()))
    }

    fn plainly_for(&self, result: &ToolResult, choice: &Choice) -> Vec<String> {
        if let Some(quoted) = self.quoted(&choice.message, [result].into_iter()) {
            return vec![quoted];
        }
        // How many passages there are answers nothing.
        let fields = result.fields.iter().filter(|_| result.passages.is_empty());
        let mut scored: Vec<(i32, &Field)> = fields
            .filter(|field| shown_plainly(field))
            .map(|field| (self.likeness.compare(&choice.clause, &field.label), field))
            .collect();
        scored.sort_by_key(|(score, _)| -score);
        let best = scored.first().map_or(0, |(score, _)| *score);
        let near = scored.iter().filter(|(score, _)| *score * 4 >= best * 3).take(FIELDS_MAX);
        near.map(|(_, field)| show(result, field)).collect()
    }

    fn nothing_found(&self) -> String {
        phrases::nothing_found(self.language, self.reading.lessons.offer().as_deref())
    }
}

/// The variant of each tagged choice among arguments, by the argument's name.
fn variants<'v>(args: &'v Value, schema: &'v Value) -> Vec<(&'v str, &'v str)> {
    let members = Node::new(schema).members().filter_map(|(name, node)| {
        let (tag, _) = node.variants()?;
        Some((name.as_str(), args.get(name)?.get(&tag)?.as_str()?))
    });
    members.collect()
}

/// Items of lists and free texts are not shown unasked.
fn shown_plainly(field: &Field) -> bool {
    !field.label.is_empty() && !field.name.contains('.')
}

/// A reply's sentences, each that begins a line with the break before it.
fn template_sentences(template: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in template.lines() {
        for (at, sentence) in sentences(line).into_iter().enumerate() {
            let breaks = at == 0 && !found.is_empty();
            found.push(if breaks { format!("\n{sentence}") } else { sentence.to_owned() });
        }
    }
    found
}

/// Sentences one after another, lines kept.
fn joined(said: &[String]) -> String {
    said.join(" ").replace(" \n", "\n").trim().to_owned()
}

/// A result without words of anybody's: its fields by their labels.
pub(crate) fn plainly(result: &ToolResult) -> Vec<String> {
    let fields = result.fields.iter().filter(|field| shown_plainly(field)).take(FIELDS_MAX);
    let fields = fields.filter(|_| result.passages.is_empty());
    fields.map(|field| show(result, field)).collect()
}

fn show(result: &ToolResult, field: &Field) -> String {
    phrases::field(&field.label, &format!("[[{}.{}]]", result.reference, field.name))
}

/// Fields the customer names outright and the reply does not show.
fn asked_for(choice: &Choice, results: &[&ToolResult], said: &[String]) -> Vec<String> {
    let words = plain(&choice.message);
    let names = |phrase: &str| {
        let label = plain(phrase);
        !label.is_empty()
            && label.iter().all(|word| words.iter().any(|said| stem(said) == stem(word)))
    };
    let mut found = Vec::new();
    for result in results.iter().filter(|result| result.answered()) {
        for field in result.fields.iter().filter(|field| shown_plainly(field)) {
            let reference = format!("[[{}.{}]]", result.reference, field.name);
            let shown = said.iter().any(|sentence| sentence.contains(&reference));
            if !shown && names(&field.label) {
                found.push(phrases::field(&field.label, &reference));
            }
        }
    }
    found
}
