//! A hundred requests with one key at the same moment.

use std::time::Instant;

use anyhow::ensure;
use chrono::Days;
use money::Cents;
use serde::Serialize;
use servicing::{
    AmountAsk, BankAccountAsk, Caller, PaymentAsk,
    testing::{boarded::Ids, key},
};
use tokio::task::JoinSet;

use crate::portfolio::{Portfolio, due_on};

#[derive(Serialize)]
pub(crate) struct OneKey {
    pub(crate) requests: usize,
    pub(crate) effects: i64,
    pub(crate) different_answers: usize,
    pub(crate) all_ms: u128,
}

const REQUESTS: usize = 100;

pub(crate) async fn measure() -> anyhow::Result<OneKey> {
    let portfolio = Portfolio::load(28).await?;
    let customer = Ids::of(1).customer;
    let began = Instant::now();
    let mut requests = JoinSet::new();
    for _ in 0..REQUESTS {
        let servicing = portfolio.servicing.clone();
        requests.spawn(async move {
            let ask = PaymentAsk {
                amount: AmountAsk::Exact { cents: Cents::new(5_000) },
                on: due_on() + Days::new(9),
                from: BankAccountAsk::Only,
            };
            let caller = Caller::customer(customer);
            servicing.schedule_payment(caller, customer, &ask, &key("one-for-all")).await
        });
    }
    let mut answers = Vec::new();
    for answer in requests.join_all().await {
        answers.push(serde_json::to_string(&answer?)?);
    }
    let all_ms = began.elapsed().as_millis();
    answers.sort_unstable();
    answers.dedup();
    let mut owner = portfolio.owner().await?;
    let effects: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM payments WHERE customer_id = $1 AND debit_on > $2",
    )
    .bind(customer.as_uuid())
    .bind(due_on() + Days::new(1))
    .fetch_one(&mut owner)
    .await?;
    drop(owner);
    portfolio.close().await;
    ensure!(effects == 1 && answers.len() == 1, "{effects} effects, {} answers", answers.len());
    Ok(OneKey { requests: REQUESTS, effects, different_answers: answers.len(), all_ms })
}
