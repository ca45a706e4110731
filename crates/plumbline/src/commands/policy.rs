//! `plumbline policy search`: what the policies say. Needs no database.

use std::{fmt, sync::Arc};

use chrono::NaiveDate;
use knowledge::{Audience, Embedder, Found, Knowledge, Query, index::ExactIndex};
use serde::Serialize;

use crate::{
    context::Context,
    exit::Exit,
    house::{self, Tasks},
};

#[derive(clap::Subcommand)]
pub(crate) enum Policy {
    /// Find the passages that answer a question.
    Search(SearchArgs),
}

#[derive(clap::Args)]
pub(crate) struct SearchArgs {
    /// In everyday words, in quotation marks.
    question: String,

    /// Who asks: consumers see what is written for them, staff their own pages too.
    #[arg(long, value_enum, default_value_t = Reader::Consumer)]
    audience: Reader,

    /// The date of the event asked about.
    #[arg(long, value_name = "DATE", default_value = "2026-11-23")]
    on: NaiveDate,

    /// The product of the line asked about, such as CASHLINE-STD-1.
    #[arg(long)]
    product: Option<String>,

    /// The customer's state, such as CA.
    #[arg(long)]
    state: Option<String>,

    /// So many passages at most.
    #[arg(long, value_name = "N", default_value_t = 3)]
    limit: usize,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Reader {
    Consumer,
    Staff,
    Internal,
}

#[derive(Serialize)]
struct Passages {
    question: String,
    embedder: String,
    corpus: String,
    found: Vec<Found>,
}

impl fmt::Display for Passages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.found.is_empty() {
            return write!(f, "no policy answers that");
        }
        for (n, found) in (1..).zip(&self.found) {
            let passage = &found.passage;
            writeln!(f, "{n}. {} - {}  [{}]", passage.title, passage.heading, passage.citation)?;
            writeln!(f, "{}\n", passage.text)?;
        }
        write!(f, "searched with embeddings by {}", self.embedder)
    }
}

pub(super) async fn run(policy: &Policy, context: &Context) -> anyhow::Result<Exit> {
    let Policy::Search(args) = policy;
    let folder = context.config.root()?.join("policies");
    let tasks = Tasks::default();
    let model = house::model(&context.config, &tasks).await?;
    let embedder = model.embeddings.map(|embeddings| Arc::new(embeddings) as Arc<dyn Embedder>);
    let knowledge = Knowledge::load(&folder, embedder, Arc::new(ExactIndex::new())).await?;
    let query = Query {
        text: args.question.clone(),
        audience: match args.audience {
            Reader::Consumer => Audience::Consumer,
            Reader::Staff => Audience::Staff,
            Reader::Internal => Audience::Internal,
        },
        on: args.on,
        product: args.product.clone(),
        state: args.state.clone(),
        limit: args.limit,
    };
    let found = knowledge.search(&query).await?;
    context.output.answer(&Passages {
        question: args.question.clone(),
        embedder: knowledge.embedder_name().to_owned(),
        corpus: knowledge.corpus_digest().to_owned(),
        found,
    })?;
    tasks.close().await;
    Ok(Exit::Done)
}
