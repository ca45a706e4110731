//! Letters that the printer does not take.

use std::sync::Arc;

use rails::{Bounce, Mail, MailError, Printing, RailError};
use servicing::ports::{Post, PostFuture, PostOffice};
use store::customers::Language;

use crate::messages::Written;

/// A printer that takes no letter to Nobody.
struct Picky(PostOffice);

impl Post for Picky {
    fn send<'a>(&'a self, mail: &'a Mail<'a>) -> PostFuture<'a, (), MailError> {
        self.0.send(mail)
    }

    fn has<'a>(&'a self, id: &'a str) -> PostFuture<'a, bool, RailError> {
        self.0.has(id)
    }

    fn bounces_after(&self, sequence: u64) -> PostFuture<'_, Vec<Bounce>, RailError> {
        self.0.bounces_after(sequence)
    }

    fn print<'a>(&'a self, letter: &'a Printing<'a>) -> PostFuture<'a, (), RailError> {
        if letter.to.first().is_some_and(|name| name == "Nobody") {
            let reason = "nobody lives there".to_owned();
            return Box::pin(async move { Err(RailError::Refused { reason }) });
        }
        self.0.print(letter)
    }
}

/// As many letters to Nobody as one run hands to the printer, and a later one to Ann: each of a message of its own.
const QUEUED: [&str; 3] = [
    "INSERT INTO outbox (position, stream, kind, payload, recorded_at)
     SELECT -n, stream, kind, payload, recorded_at
     FROM (SELECT * FROM outbox LIMIT 1) o, generate_series(1, 201) n",
    "INSERT INTO outbound_messages
     SELECT (jsonb_populate_record(NULL::outbound_messages, to_jsonb(m) || jsonb_build_object('id', gen_random_uuid(), 'cause', -n))).*
     FROM (SELECT * FROM outbound_messages WHERE state = 'on_paper' LIMIT 1) m, generate_series(1, 201) n",
    "INSERT INTO letters
     SELECT (jsonb_populate_record(NULL::letters, to_jsonb(l) || jsonb_build_object(
                'message_id', m.id, 'printed_at', NULL, 'queued_at', l.queued_at - interval '1 day' - m.cause * interval '1 minute',
                'address', jsonb_build_array(CASE m.cause WHEN -201 THEN 'Ann' ELSE 'Nobody' END, 'Street 1')))).*
     FROM (SELECT * FROM letters LIMIT 1) l, outbound_messages m WHERE m.cause < 0",
];

#[tokio::test]
async fn letters_that_the_printer_refuses_keep_no_other_from_being_printed() {
    let mut written = Written::on("2026-11-20").await;
    written.person("bounce@example.com", Language::English).await;
    assert_eq!(written.run().await.letters_printed, 1);
    for statement in QUEUED {
        written.house.sabotage(statement).await;
    }
    let picky = Picky(written.office.clone());
    written.house.servicing = written.servicing().clone().with_post(Arc::new(picky));
    written.run().await;
    written.run().await;
    assert_eq!(written.letters().iter().filter(|letter| letter.to[1] == "Street 1").count(), 1);
    // They stay queued, and are tried again.
    let waiting = "SELECT count(*) FROM letters WHERE printed_at IS NULL";
    assert_eq!(written.house.count(waiting).await, 200);
    assert_eq!(written.run().await.messages_failed, 200);
}
