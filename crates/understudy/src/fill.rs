//! Arguments: the example's call with the customer's own spans in the place of the example's.
//!
//! A value of the example's call that stands in its customer's words is a slot: it is filled from the message, never kept. A
//! value that does not is a constant, unless the schema or its form says that it is a date, an amount, an id or free text.

use serde_json::{Map, Value};

use crate::{
    choose::Choice,
    prompt::WorkedCall,
    reading::Reading,
    schema::{self, Node},
    spans::{Kind, Span, is_reference, spans},
    words::{even, plain, stem},
};

/// A filled call, or what is still to be asked.
#[derive(Debug, PartialEq)]
pub(crate) enum Filled {
    Ready(Value),
    /// It waits for a result of this turn.
    Waits,
    /// Words that describe what the customer has not said.
    Missing(Vec<String>),
}

/// Fills the arguments of one call of a choice.
pub(crate) fn fill(
    call: &WorkedCall,
    schema: &Value,
    choice: &Choice,
    reading: &Reading,
) -> Filled {
    let mut slots = Filler {
        reading,
        tool: &call.tool,
        example: &choice.exchange.customer,
        message: &choice.message,
        clause: &choice.clause,
        used: Vec::new(),
        missing: Vec::new(),
        waits: false,
    };
    let node = Node::new(schema);
    let mut filled =
        slots.value(&call.args, node, true).unwrap_or_else(|| Value::Object(Map::new()));
    if let Value::Object(members) = &mut filled {
        slots.add_spoken(members, node);
        slots.ask_for_required(members, node);
    }
    if slots.waits {
        Filled::Waits
    } else if slots.missing.is_empty() {
        Filled::Ready(filled)
    } else {
        Filled::Missing(slots.missing)
    }
}

struct Filler<'a> {
    reading: &'a Reading,
    tool: &'a str,
    example: &'a str,
    message: &'a str,
    clause: &'a str,
    /// Spans of the message already put into an argument.
    used: Vec<Span>,
    missing: Vec<String>,
    waits: bool,
}

impl Filler<'_> {
    /// A value of the template filled in; `None` when the customer has not said it.
    fn value(&mut self, template: &Value, node: Node<'_>, root: bool) -> Option<Value> {
        match template {
            Value::Object(members) => self.object(members, node, root),
            Value::Array(items) => Some(Value::Array(
                items.iter().filter_map(|item| self.value(item, node.items(), false)).collect(),
            )),
            Value::String(text) => self.text(text, node),
            Value::Number(number) => Some(self.number(number)),
            other => Some(other.clone()),
        }
    }

    /// What is missing is asked for by the name of the outermost argument: `None` passes it up.
    fn object(
        &mut self,
        members: &Map<String, Value>,
        node: Node<'_>,
        root: bool,
    ) -> Option<Value> {
        if let Some(switched) = self.switch(members, node) {
            return Some(switched);
        }
        if self.unsaid(members, node) {
            return None;
        }
        let mut filled = Map::new();
        for (name, template) in members {
            let child = node.member(name);
            let needed = node.requires(name);
            match self.value(template, child, false) {
                Some(value) => drop(filled.insert(name.clone(), value)),
                None if self.waits => return None,
                None if needed && root => self.missing.push(child.wording(name)),
                None if needed => return None,
                None => {}
            }
        }
        Some(Value::Object(filled))
    }

    /// Whether the variant of a tagged choice is one that the example's customer named and this one does not: a slot too.
    fn unsaid(&self, members: &Map<String, Value>, node: Node<'_>) -> bool {
        let Some((tag, _)) = node.variants() else { return false };
        let named = members.get(&tag).and_then(Value::as_str);
        named.is_some_and(|name| says(self.example, name) && !says(self.message, name))
    }

    /// Another variant of a tagged choice, when the message names it or has the amount that only it holds.
    fn switch(&mut self, members: &Map<String, Value>, node: Node<'_>) -> Option<Value> {
        let (tag, variants) = node.variants()?;
        let now = members.get(&tag)?.as_str()?;
        let names = |word: &str| says(self.clause, word);
        let slots = members.keys().any(|name| *name != tag);
        if let Some((name, _)) =
            variants.iter().find(|(name, member)| member.is_none() && *name != now && names(name))
            && !names(now)
            && self.find(Kind::Amount, 0).is_none()
        {
            return Some(serde_json::json!({ tag: name }));
        }
        let (name, member) =
            variants.iter().find_map(|(name, member)| Some((name, member.as_ref()?)))?;
        if slots || names(now) {
            return None;
        }
        let amount = self.take(Kind::Amount, 0)?;
        Some(serde_json::json!({ tag: name, member: amount }))
    }

    fn text(&mut self, template: &str, node: Node<'_>) -> Option<Value> {
        if let Some(waiting) = template.strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]"))
        {
            return self.result(waiting);
        }
        if let Some(choices) = node.choices() {
            return self.choice_of(template, &choices);
        }
        let slot = position(self.example, template);
        let kind = slot_kind(self.example, template)
            .or_else(|| node.span_kind())
            .or_else(|| form(template));
        match (kind, slot) {
            (Some(Kind::Reference), _) => self.reference(template).map(Value::String),
            (Some(kind @ (Kind::Account | Kind::Ending)), _) => self.account(kind),
            (Some(kind), Some(_)) => {
                self.take(kind, nth(self.example, template, kind)).map(Value::String)
            }
            (Some(kind), None) => {
                Some(Value::String(self.take(kind, 0).unwrap_or_else(|| template.to_owned())))
            }
            (None, Some(at)) if node.any_text() || template.contains(' ') => {
                Some(Value::String(self.aligned(template, at)))
            }
            (None, None) if node.free_text() || template.split_whitespace().count() >= 2 => {
                Some(Value::String(even(self.clause)))
            }
            (None, _) => Some(Value::String(template.to_owned())),
        }
    }

    /// `tool.field` of this turn's results, or a wait for it.
    fn result(&mut self, path: &str) -> Option<Value> {
        let (tool, name) = path.split_once('.')?;
        let Some(result) = self.reading.results.iter().find(|result| result.tool == tool) else {
            self.waits = true;
            return None;
        };
        result.field(name).map(|field| Value::String(field.text.clone()))
    }

    /// One of the schema's own words: the one the message says, else the example's if it was no word of its customer.
    fn choice_of(&self, template: &str, choices: &[&str]) -> Option<Value> {
        let names = |choice: &&&str| choice.split('_').all(|word| says(self.clause, word));
        let constant = position(self.example, template).is_none() || choices.len() == 1;
        let found = choices.iter().find(names).copied();
        found.or(constant.then_some(template)).map(|choice| Value::String(choice.to_owned()))
    }

    fn number(&mut self, template: &serde_json::Number) -> Value {
        let kept = Value::Number(template.clone());
        if position(self.example, &template.to_string()).is_none() {
            return kept;
        }
        let said =
            self.take(Kind::Number, 0).and_then(|text| text.replace(',', "").parse::<i64>().ok());
        said.map_or(kept, Value::from)
    }

    /// An account by its kind or by its ending, whichever was said.
    fn account(&mut self, kind: Kind) -> Option<Value> {
        let other = if kind == Kind::Account { Kind::Ending } else { Kind::Account };
        self.take(Kind::Ending, 0)
            .or_else(|| self.take(kind, 0))
            .or_else(|| self.take(other, 0))
            .map(Value::String)
    }

    /// A reference the customer says, else the latest one of its form in the conversation.
    fn reference(&mut self, template: &str) -> Option<String> {
        if let Some(said) = self.take(Kind::Reference, 0) {
            return Some(said);
        }
        let found: Vec<String> =
            self.reading.trail.iter().flat_map(|text| references(text)).collect();
        let alike = found.iter().find(|reference| prefix(reference) == prefix(template));
        alike.or(found.first()).cloned()
    }

    /// Free words: what stands in the message where the template stood in the example.
    fn aligned(&self, template: &str, at: usize) -> String {
        let before = self.example.get(..at).unwrap_or_default();
        let whole = template.len() * 10 >= self.example.len() * 6;
        let anchor = before
            .split_whitespace()
            .next_back()
            .map(|word| plain(word).join(" "))
            .unwrap_or_default();
        let words: Vec<&str> = self.clause.split_whitespace().collect();
        let place =
            words.iter().position(|word| !anchor.is_empty() && plain(word).join(" ") == anchor);
        match place.and_then(|place| words.get(place + 1..)) {
            Some(rest) if !whole && !rest.is_empty() => {
                rest.join(" ").trim_end_matches(['.', '?', '!']).to_owned()
            }
            _ => even(self.clause),
        }
    }

    fn find(&self, kind: Kind, nth: usize) -> Option<(Span, String)> {
        let of = |text: &str| {
            spans(text).into_iter().filter(|span| span.kind == kind).collect::<Vec<_>>()
        };
        let clause_at = self.message.find(self.clause).unwrap_or(0);
        let in_clause =
            |span: &Span| span.start >= clause_at && span.end <= clause_at + self.clause.len();
        let all: Vec<Span> =
            of(self.message).into_iter().filter(|span| !self.used.contains(span)).collect();
        let near: Vec<&Span> = all.iter().filter(|span| in_clause(span)).collect();
        let found = near.get(nth).or_else(|| near.last()).copied().or(all.first()).copied();
        found.map(|span| (span, span.of(self.message).to_owned()))
    }

    fn take(&mut self, kind: Kind, nth: usize) -> Option<String> {
        let found = self.find(kind, nth);
        let found = match (found, kind) {
            // "pay 50 tomorrow": a bare number where an amount is wanted.
            (None, Kind::Amount) => self.find(Kind::Number, nth),
            (found, _) => found,
        };
        let (span, text) = found?;
        self.used.push(span);
        Some(text)
    }

    /// Optional arguments that the example left out and the message says.
    fn add_spoken(&mut self, members: &mut Map<String, Value>, node: Node<'_>) {
        for (name, child) in node.members() {
            if members.contains_key(name) {
                continue;
            }
            let kind = child.span_kind().or_else(|| self.learned(name));
            let spoken = match (child.choices(), kind) {
                (Some(choices), _) if choices.len() > 1 => {
                    self.choice_of("\u{0}", &choices).filter(|v| v.as_str() != Some("\u{0}"))
                }
                (_, Some(kind @ (Kind::Account | Kind::Ending))) => self.account(kind),
                (_, Some(kind)) => self.take(kind, 0).map(Value::String),
                _ if child.is_integer() => self
                    .take(Kind::Number, 0)
                    .and_then(|text| text.parse::<i64>().ok())
                    .map(Value::from),
                _ => None,
            };
            if let Some(value) = spoken {
                members.insert(name.clone(), value);
            }
        }
    }

    /// The kind of span that other examples of the same tool put into an argument.
    fn learned(&self, name: &str) -> Option<Kind> {
        self.reading.lessons.exchanges.iter().find_map(|exchange| {
            let calls = exchange.calls.iter().filter(|call| call.tool == self.tool);
            let mut values = calls.filter_map(|call| call.args.get(name)?.as_str());
            values.find_map(|value| slot_kind(&exchange.customer, value))
        })
    }

    /// A required argument nobody worked an example for: free text is the message; anything else is asked for.
    fn ask_for_required(&mut self, members: &mut Map<String, Value>, node: Node<'_>) {
        for (name, child) in node.members() {
            if members.contains_key(name) || !node.requires(name) {
                continue;
            }
            let wording = child.wording(name);
            if child.any_text() {
                members.insert(name.clone(), Value::String(even(self.clause)));
            } else if let Some(value) = schema::only_choice(child) {
                members.insert(name.clone(), value);
            } else if !self.missing.contains(&wording) {
                self.missing.push(wording);
            }
        }
    }
}

/// Whether a text says a word, its relative in the other language (`minimum`, `m\u{ed}nimo`), or the word in two.
fn says(text: &str, word: &str) -> bool {
    const SHARED: usize = 5;
    let said = plain(text);
    let start = |word: &str| word.chars().take(SHARED).collect::<String>();
    let related = |said: &String| {
        stem(said) == stem(word)
            || (said.len() > SHARED && word.len() > SHARED && start(said) == start(word))
    };
    said.iter().any(related) || said.windows(2).any(|pair| pair.concat() == word)
}

/// Where a value of the call stands in the words of the example, without regard to case.
fn position(example: &str, value: &str) -> Option<usize> {
    let (example, value) = (example.to_lowercase(), value.to_lowercase());
    let whole = |at: usize| {
        let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        let before = example.get(..at).and_then(|before| before.chars().next_back());
        let after = example.get(at + value.len()..).and_then(|after| after.chars().next());
        edge(before) && edge(after)
    };
    if value.is_empty() {
        return None;
    }
    example.match_indices(&value).map(|(at, _)| at).find(|at| whole(*at))
}

/// The kind of the span of the example that a value stands in.
fn slot_kind(example: &str, value: &str) -> Option<Kind> {
    let at = position(example, value)?;
    let end = at + value.len();
    spans(example).into_iter().find(|span| span.start < end && at < span.end).map(|span| span.kind)
}

/// Which of the example's spans of a kind a value stands in.
fn nth(example: &str, value: &str, kind: Kind) -> usize {
    let at = position(example, value).unwrap_or(0);
    spans(example).iter().filter(|span| span.kind == kind && span.end <= at).count()
}

/// What a value that the customer did not say looks like.
fn form(value: &str) -> Option<Kind> {
    let found = spans(value);
    let [only] = found.as_slice() else { return None };
    (only.of(value).len() == value.trim().len())
        .then_some(only.kind)
        .filter(|kind| *kind != Kind::Number)
}

/// The letters a reference begins with.
fn prefix(reference: &str) -> String {
    reference.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_uppercase()
}

/// References in a text of the conversation: of a tool's result, the values it calls ids.
fn references(text: &str) -> Vec<String> {
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return spans(text)
            .iter()
            .filter(|span| span.kind == Kind::Reference)
            .map(|span| span.of(text).to_owned())
            .collect();
    };
    let fields = value.get("fields").and_then(Value::as_object).into_iter().flatten();
    let ids = fields.filter(|(_, field)| field.get("kind").and_then(Value::as_str) == Some("id"));
    let texts = ids.filter_map(|(_, field)| field.get("text").and_then(Value::as_str));
    texts.filter(|text| is_reference(text)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
