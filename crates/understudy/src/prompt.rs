//! What the system prompt teaches: worked examples, and what to say when none of them is near.
//!
//! ```text
//! <example>
//! <customer>words</customer>
//! <call tool="name">{"argument": "value"}</call>
//! <reply>words with [[name.field]] and [[passage]]</reply>
//! </example>
//! <otherwise>words</otherwise>
//! ```
//! An example may hold several exchanges; the later ones are followed only after something like the earlier ones. A value
//! `[[name.field]]` inside a call makes it wait for that result.

use serde_json::Value;

use crate::words::{Language, even, sentences};

/// One exchange of an example: what was said, called and replied.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exchange {
    /// What the customer said before it in the same example.
    pub(crate) before: Vec<String>,
    pub(crate) customer: String,
    pub(crate) calls: Vec<WorkedCall>,
    pub(crate) reply: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WorkedCall {
    pub(crate) tool: String,
    pub(crate) args: Value,
}

/// All that is taken from the prompt.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Lessons {
    pub(crate) exchanges: Vec<Exchange>,
    otherwise: Vec<String>,
    /// The instructions around the examples.
    prose: String,
}

impl Lessons {
    pub(crate) fn read(prompt: &str) -> Self {
        let (examples, rest) = elements(prompt, "example");
        let (otherwise, prose) = elements(&rest, "otherwise");
        Self {
            exchanges: examples.iter().flat_map(|body| exchanges(body)).collect(),
            otherwise: otherwise.iter().map(|text| even(text)).collect(),
            prose,
        }
    }

    /// What the prompt says to say when nothing is near, in this language if it is given in it.
    pub(crate) fn otherwise(&self, language: Language) -> Option<&str> {
        let spoken = self.otherwise.iter().find(|text| Language::of(text) == language);
        spoken.or(self.otherwise.first()).map(String::as_str)
    }

    /// What the prompt tells the assistant to offer, as something it can do: the words after "offer" in its instructions.
    pub(crate) fn offer(&self) -> Option<String> {
        let turned = sentences(&self.prose).into_iter().find_map(offered)?;
        let turned = format!(" {turned} ")
            .replace(" the customer ", " you ")
            .replace(" them ", " you ")
            .replace(" their ", " your ");
        Some(even(&turned))
    }
}

/// `offer to call a clerk` can *call a clerk*; `offer a clerk` can *offer a clerk*.
fn offered(sentence: &str) -> Option<String> {
    let (_, rest) = sentence.split_once("ffer ")?;
    let rest = rest.split([',', ';', ':', '.']).next().unwrap_or(rest);
    let rest = rest.split(" or ").next().unwrap_or(rest).trim();
    match rest.strip_prefix("to ") {
        Some(act) => Some(act.to_owned()),
        None => ["a ", "an ", "the ", "them "]
            .iter()
            .any(|lead| rest.starts_with(lead))
            .then(|| format!("offer {rest}")),
    }
}

/// The bodies of the elements of a name, and the text without them.
fn elements(text: &str, name: &str) -> (Vec<String>, String) {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut bodies = Vec::new();
    let mut rest = String::new();
    let mut left = text;
    while let Some((before, after)) = left.split_once(&open) {
        let Some((body, after)) = after.split_once(&close) else { break };
        rest.push_str(before);
        bodies.push(body.to_owned());
        left = after;
    }
    rest.push_str(left);
    (bodies, rest)
}

fn exchanges(body: &str) -> Vec<Exchange> {
    let mut found: Vec<Exchange> = Vec::new();
    let pieces = body.split("<customer>").skip(1);
    for piece in pieces {
        let Some((customer, rest)) = piece.split_once("</customer>") else { continue };
        let before = found.iter().map(|earlier| earlier.customer.clone()).collect();
        let (replies, _) = elements(rest, "reply");
        found.push(Exchange {
            before,
            customer: even(customer),
            calls: calls(rest),
            reply: replies.join("\n").trim().to_owned(),
        });
    }
    found
}

fn calls(text: &str) -> Vec<WorkedCall> {
    let mut found = Vec::new();
    for piece in text.split("<call tool=\"").skip(1) {
        let Some((tool, rest)) = piece.split_once("\">") else { continue };
        let Some((json, _)) = rest.split_once("</call>") else { continue };
        let written = if json.trim().is_empty() { "{}" } else { json.trim() };
        match serde_json::from_str(written) {
            Ok(args) => found.push(WorkedCall { tool: tool.to_owned(), args }),
            Err(error) => {
                tracing::warn!(tool, %error, "a worked example's call is not JSON and is not followed");
            }
        }
    }
    found
}

/// The worked calls a tool's description carries: `Example: "words" -> {arguments}`, one a line.
pub(crate) fn described_examples(tool: &str, description: &str) -> Vec<Exchange> {
    let line = |line: &str| {
        let (says, args) = line.trim().strip_prefix("Example: \"")?.split_once("\" -> ")?;
        let args = serde_json::from_str(args.trim()).ok()?;
        let calls = vec![WorkedCall { tool: tool.to_owned(), args }];
        Some(Exchange { before: Vec::new(), customer: even(says), calls, reply: String::new() })
    };
    description.lines().filter_map(line).collect()
}

/// A tool's description without the worked calls.
pub(crate) fn plain_description(description: &str) -> String {
    description
        .lines()
        .filter(|line| !line.trim().starts_with("Example: \""))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PROMPT: &str =
        "You serve readers. If you cannot help, offer to call the customer a librarian, and stop.
<example>
<customer>what did I borrow?</customer>
<call tool=\"shelf\">{\"of\": \"me\"}</call>
<call tool=\"fines\"></call>
<reply>You have [[shelf.titles]].</reply>
<customer>and the last one?</customer>
<reply>It is [[shelf.last]].</reply>
</example>
<otherwise>Ask a librarian.</otherwise>
<otherwise>Pregunte al bibliotecario, por favor.</otherwise>";

    #[test]
    fn examples_are_read_with_their_calls_and_what_came_before() {
        let lessons = Lessons::read(PROMPT);
        let [first, second] = lessons.exchanges.as_slice() else { panic!("two exchanges") };
        assert_eq!(first.calls[0], WorkedCall { tool: "shelf".into(), args: json!({"of": "me"}) });
        assert_eq!(first.calls[1], WorkedCall { tool: "fines".into(), args: json!({}) });
        assert_eq!(second.before, ["what did I borrow?"]);
        assert_eq!((second.calls.len(), second.reply.as_str()), (0, "It is [[shelf.last]]."));
    }

    #[test]
    fn what_to_say_otherwise_is_taken_from_the_prompt() {
        let lessons = Lessons::read(PROMPT);
        assert_eq!(lessons.otherwise(Language::English), Some("Ask a librarian."));
        assert_eq!(
            lessons.otherwise(Language::Spanish),
            Some("Pregunte al bibliotecario, por favor.")
        );
        assert_eq!(lessons.offer().as_deref(), Some("call you a librarian"));
        assert_eq!(Lessons::read("Be kind.").offer(), None);
        let plain = Lessons::read("When stuck, offer a clerk or end the call.");
        assert_eq!(plain.offer().as_deref(), Some("offer a clerk"));
    }

    #[test]
    fn a_damaged_example_teaches_nothing() {
        let broken = "<example><customer>x</customer><call tool=\"y\">{oops</call><reply>z</reply></example><example>";
        assert_eq!(Lessons::read(broken).exchanges[0].calls, []);
        assert_eq!(Lessons::read("<example>").exchanges, []);
    }

    #[test]
    fn a_description_carries_worked_calls() {
        let description = "Lends a book.\nExample: \"lend me Emma\" -> {\"title\":\"Emma\"}";
        let examples = described_examples("lend", description);
        assert_eq!(examples[0].calls[0].args, json!({"title": "Emma"}));
        assert_eq!(plain_description(description), "Lends a book.");
    }
}
