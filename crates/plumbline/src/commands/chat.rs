//! `plumbline chat`: the assistant in a terminal, as a sandbox customer.
//!
//! The sheet of a proposal is shown here as it is on the page, and the yes is the person's at the keyboard: it goes to the same
//! use case as the page's button, past the model.

use std::{fmt, io::Write as _};

use assistant::{Source, StreamPart};
use identity::{ConversationId, CustomerId, IntentId};
use serde::Serialize;
use serde_json::{Value, json};
use servicing::{Caller, Key};
use store::{conversations::Surface, customers::Customer};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin};

use super::find::find;
use crate::{
    context::Context,
    exit::{Exit, UsageError},
    house::{self, House},
    lender::Lender,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A sandbox customer: an id, or a part of the name.
    #[arg(long = "as", value_name = "CUSTOMER")]
    customer: String,

    /// Say this and end. May be given several times: one conversation, in order.
    #[arg(long, value_name = "TEXT")]
    say: Vec<String>,

    /// With --say: confirm each sheet that is shown.
    #[arg(long, requires = "say")]
    confirm: bool,
}

/// What one message came to, for scripts.
#[derive(Default, Serialize)]
struct Answered {
    said: String,
    text: String,
    citations: Vec<Value>,
    notices: Vec<Value>,
    cases: Vec<Value>,
    intents: Vec<Value>,
    receipts: Vec<Value>,
    calls: Vec<Value>,
    status: Option<Value>,
    error: Option<String>,
}

#[derive(Serialize)]
struct Transcript {
    conversation_id: ConversationId,
    customer: Value,
    turns: Vec<Answered>,
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "conversation {}", self.conversation_id)
    }
}

/// A customer at the terminal.
struct Talk<'a> {
    house: &'a House,
    context: &'a Context,
    customer: CustomerId,
    conversation: ConversationId,
    turns: u32,
}

pub(super) async fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    if context.config.has_database_url() {
        return Err(UsageError(
            "chat signs in without proof: it works with the sandbox alone, not with DATABASE_URL"
                .to_owned(),
        )
        .into());
    }
    if context.output.json() && args.say.is_empty() {
        let words =
            "chat --json answers once, when all is said: give what to say with --say".to_owned();
        return Err(UsageError(words).into());
    }
    let lender = Lender::of(&context.config, true)?;
    let ground = house::lay(&context.config, true, lender).await?;
    let customer = match find(&ground.servicing, &args.customer).await {
        Ok(customer) => customer,
        Err(error) => {
            ground.close().await;
            return Err(error);
        }
    };
    let house = ground.build(&context.config, Source::Promoted).await?;
    let answered = talk(args, context, &house, customer).await;
    house.close().await;
    answered
}

async fn talk(
    args: &Args,
    context: &Context,
    house: &House,
    customer: Customer,
) -> anyhow::Result<Exit> {
    let caller = Caller::customer(customer.id);
    // Each talk is a conversation of its own.
    let key = Key::parse(&format!("chat:{}", ConversationId::mint(house.servicing.now())))?;
    let conversation =
        house.servicing.start_conversation(caller, customer.id, Surface::Consumer, &key).await?;
    let mut talk =
        Talk { house, context, customer: customer.id, conversation: conversation.id, turns: 0 };
    if args.say.is_empty() {
        talk.interactively(&customer.name).await?;
        talk.ended();
        return Ok(Exit::Done);
    }
    let mut turns = Vec::new();
    for text in &args.say {
        let mut answered = talk.say(text).await?;
        for intent in answered.intents.clone() {
            if args.confirm {
                let receipt = talk.confirm(&intent).await?;
                answered.receipts.push(receipt);
            }
        }
        turns.push(answered);
    }
    talk.ended();
    if context.output.json() {
        let who = json!({ "id": customer.id, "name": customer.name });
        let transcript = Transcript { conversation_id: conversation.id, customer: who, turns };
        context.output.answer(&transcript)?;
    }
    Ok(Exit::Done)
}

impl Talk<'_> {
    async fn interactively(&mut self, name: &str) -> anyhow::Result<()> {
        let out = self.context.output;
        out.say(&format!(
            "SANDBOX. You are {name}. This assistant is automated ({}).\n/person asks for a person, /quit ends.",
            self.house.model.name
        ));
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Some(line) = prompted(&mut lines, "\nyou> ").await? {
            match line.trim() {
                "" => {}
                "/quit" | "/exit" => break,
                "/person" => self.person().await?,
                text => {
                    let answered = self.say(text).await?;
                    for intent in &answered.intents {
                        let yes = prompted(&mut lines, "confirm? [y/N] ").await?;
                        if yes.is_some_and(|yes| matches!(yes.trim(), "y" | "Y" | "yes")) {
                            self.confirm(intent).await?;
                        } else {
                            self.refuse(intent).await?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Says under which id the conversation is kept, and what that is good for; a script has it in its answer.
    fn ended(&self) {
        let id = self.conversation;
        self.context.output.say(&format!(
            "\n[end of conversation {id}]\n`plumbline audit export {id} -o FILE` writes it with its proof."
        ));
    }

    fn key(&mut self, what: &str) -> anyhow::Result<Key> {
        self.turns += 1;
        Ok(Key::parse(&format!("chat:{}:{what}:{}", self.conversation, self.turns))?)
    }

    async fn say(&mut self, text: &str) -> anyhow::Result<Answered> {
        let key = self.key("say")?;
        let caller = Caller::customer(self.customer);
        let mut parts = self
            .house
            .assistant
            .respond(caller, self.customer, self.conversation, text, &key)
            .await?;
        let mut answered = Answered { said: text.to_owned(), ..Answered::default() };
        while let Some(part) = parts.recv().await {
            self.show(&part);
            answered.take(part);
        }
        self.context.output.say("");
        Ok(answered)
    }

    /// Shows a part to a person; a script gets everything at the end.
    fn show(&self, part: &StreamPart) {
        let out = self.context.output;
        let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        match part {
            StreamPart::TextDelta { delta, .. } => out.say_on(delta),
            StreamPart::DataCase { data } => {
                out.say(&format!(
                    "\n[case {} opened: {}]",
                    text(data, "reference"),
                    text(data, "kind")
                ));
            }
            StreamPart::DataNotice { data } => {
                out.say(&format!("\n[{}]\n{}", text(data, "title"), text(data, "text")));
            }
            StreamPart::DataCitation { data } => {
                out.say(&format!("\n[{}] {}", data["marker"], text(data, "citation")));
            }
            StreamPart::DataStatus { data } => {
                out.say(&format!("\n[{}]", text(data, "status")));
            }
            StreamPart::DataIntent { data, .. } => out.say(&sheet(data)),
            StreamPart::Error { error_text } => out.say(&format!("\n[error: {error_text}]")),
            _ => {}
        }
    }

    async fn confirm(&mut self, intent: &Value) -> anyhow::Result<Value> {
        let id: IntentId = serde_json::from_value(intent["id"].clone())?;
        let key = self.key("confirm")?;
        let receipt =
            self.house.servicing.confirm(Caller::customer(self.customer), id, &key).await?;
        self.context.output.say(&format!("[receipt {}] {}", receipt.reference, receipt.text));
        Ok(serde_json::to_value(receipt)?)
    }

    async fn refuse(&mut self, intent: &Value) -> anyhow::Result<()> {
        let id: IntentId = serde_json::from_value(intent["id"].clone())?;
        let key = self.key("refuse")?;
        self.house.servicing.refuse(Caller::customer(self.customer), id, &key).await?;
        self.context.output.say("[not confirmed: nothing was done]");
        Ok(())
    }

    async fn person(&self) -> anyhow::Result<()> {
        let caller = Caller::customer(self.customer);
        let summary = "The customer asked for a person.";
        let hand_off = self
            .house
            .servicing
            .open_hand_off(caller, self.conversation, "asked_for_a_person", summary)
            .await?;
        self.context.output.say(&format!("[a person will answer here: {}]", hand_off.reference));
        Ok(())
    }
}

impl Answered {
    fn take(&mut self, part: StreamPart) {
        match part {
            StreamPart::TextDelta { delta, .. } => self.text.push_str(&delta),
            StreamPart::DataCase { data } => self.cases.push(data),
            StreamPart::DataNotice { data } => self.notices.push(data),
            StreamPart::DataCitation { data } => self.citations.push(data),
            StreamPart::DataIntent { data, .. } => self.intents.push(data),
            StreamPart::DataStatus { data } => self.status = Some(data),
            StreamPart::ToolInputAvailable { tool_name, input, .. } => {
                self.calls.push(json!({ "tool": tool_name, "arguments": input }));
            }
            StreamPart::Error { error_text } => self.error = Some(error_text),
            _ => {}
        }
    }
}

/// The sheet, as the page draws it.
fn sheet(intent: &Value) -> String {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let fields = intent["fields"].as_array().cloned().unwrap_or_default();
    let labels: Vec<String> = fields.iter().map(|field| text(field, "label")).collect();
    let width = labels.iter().map(|label| label.chars().count()).max().unwrap_or_default();
    let lines: Vec<String> = labels
        .iter()
        .zip(&fields)
        .map(|(label, field)| format!("  | {label:<width$}  {}", text(field, "text")))
        .collect();
    format!(
        "\n  +-- {}\n{}\n  | {}\n  +--",
        text(intent, "title"),
        lines.join("\n"),
        text(intent, "effect")
    )
}

async fn prompted(
    lines: &mut Lines<BufReader<Stdin>>,
    prompt: &str,
) -> anyhow::Result<Option<String>> {
    let mut out = std::io::stderr();
    out.write_all(prompt.as_bytes())?;
    out.flush()?;
    Ok(lines.next_line().await?)
}
