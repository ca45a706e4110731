//! Letters that the printer does not take.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use credit::FlagKind;
use rails::{Bounce, Mail, MailError, Printing, RailError};
use servicing::{
    Caller,
    ports::{Post, PostFuture, PostOffice},
};
use store::{customers::Language, outbound::OutboundState};
use tokio::sync::Notify;

use crate::messages::Written;

/// A printer that takes no letter to Nobody, none at all while it is out of paper, and whose answers may be lost.
struct Picky {
    office: PostOffice,
    out_of_paper: AtomicBool,
    answers_lost: AtomicBool,
}

impl Picky {
    fn of(written: &Written) -> Arc<Self> {
        let (out_of_paper, answers_lost) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Self { office: written.office.clone(), out_of_paper, answers_lost })
    }
}

impl Post for Picky {
    fn send<'a>(&'a self, mail: &'a Mail<'a>) -> PostFuture<'a, (), MailError> {
        self.office.send(mail)
    }

    fn has<'a>(&'a self, id: &'a str) -> PostFuture<'a, bool, RailError> {
        self.office.has(id)
    }

    fn bounces_after(&self, sequence: u64) -> PostFuture<'_, Vec<Bounce>, RailError> {
        self.office.bounces_after(sequence)
    }

    fn has_letter<'a>(&'a self, id: &'a str) -> PostFuture<'a, bool, RailError> {
        self.office.has_letter(id)
    }

    fn print<'a>(&'a self, letter: &'a Printing<'a>) -> PostFuture<'a, (), RailError> {
        if self.out_of_paper.load(Ordering::SeqCst) {
            let reason = "out of paper".to_owned();
            return Box::pin(async move { Err(RailError::Refused { reason }) });
        }
        if letter.to.first().is_some_and(|name| name == "Nobody") {
            let reason = "nobody lives there".to_owned();
            return Box::pin(async move { Err(RailError::Refused { reason }) });
        }
        Box::pin(async move {
            self.office.print(letter).await?;
            if self.answers_lost.load(Ordering::SeqCst) {
                return Err(RailError::Unknown { reason: "the connection broke".to_owned() });
            }
            Ok(())
        })
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
    let picky = Picky::of(&written);
    written.house.servicing = written.servicing().clone().with_post(picky);
    written.run().await;
    written.run().await;
    assert_eq!(written.letters().iter().filter(|letter| letter.to[1] == "Street 1").count(), 1);
    // They stay queued, and are tried again.
    let waiting = "SELECT count(*) FROM letters WHERE printed_at IS NULL";
    assert_eq!(written.house.count(waiting).await, 200);
    assert_eq!(written.run().await.messages_failed, 200);
}

/// 11 USC 362(a): what was queued before is still a demand when it is printed.
#[tokio::test]
async fn a_statement_that_waits_for_the_printer_is_withheld_when_bankruptcy_is_filed_meanwhile() {
    let mut written = Written::on("2026-12-03").await;
    let ann = written.person("bounce@example.com", Language::English).await;
    let picky = Picky::of(&written);
    written.house.servicing = written.servicing().clone().with_post(picky.clone());
    written.run().await;
    let letters = written.letters().len();
    picky.out_of_paper.store(true, Ordering::SeqCst);
    written.live_until("2026-12-18").await;
    assert_eq!(written.message(ann, "statement_ready").await.state, OutboundState::OnPaper);

    let servicing = written.servicing();
    servicing.raise_flag(ann.caller(), ann.id, FlagKind::Bankruptcy, "a letter").await.unwrap();
    picky.out_of_paper.store(false, Ordering::SeqCst);
    assert_eq!(written.run().await.messages_not_sent, 1);
    let withheld = written.message(ann, "statement_ready").await;
    assert_eq!(
        (withheld.state, withheld.why.as_deref()),
        (OutboundState::NotSent, Some("flag_bankruptcy"))
    );
    assert_eq!(written.run().await.messages_not_sent, 0, "once");
    assert_eq!(written.letters().len(), letters);
    let not_sent = "SELECT count(*) FROM line_events WHERE kind = 'statement_not_sent'";
    assert_eq!(written.house.count(not_sent).await, 1);
}

/// What is in the post cannot be withheld, and the record must not say so.
#[tokio::test]
async fn a_letter_that_the_printer_has_is_sent_though_its_answer_was_lost_and_a_flag_raised_since()
{
    let mut written = Written::on("2026-12-03").await;
    let ann = written.person("bounce@example.com", Language::English).await;
    let picky = Picky::of(&written);
    written.house.servicing = written.servicing().clone().with_post(picky.clone());
    written.run().await;
    let letters = written.letters().len();
    picky.answers_lost.store(true, Ordering::SeqCst);
    written.live_until("2026-12-18").await;
    assert_eq!(written.letters().len(), letters + 1);
    let waiting = "SELECT count(*) FROM letters WHERE printed_at IS NULL";
    assert_eq!(written.house.count(waiting).await, 1);

    let servicing = written.servicing();
    servicing.raise_flag(ann.caller(), ann.id, FlagKind::Bankruptcy, "a letter").await.unwrap();
    let report = written.run().await;
    assert_eq!((report.messages_not_sent, report.letters_printed), (0, 1));
    assert_eq!(written.house.count(waiting).await, 0);
    assert_eq!(written.message(ann, "statement_ready").await.state, OutboundState::OnPaper);
    let not_sent = "SELECT count(*) FROM line_events WHERE kind = 'statement_not_sent'";
    assert_eq!(written.house.count(not_sent).await, 0);
    assert_eq!(written.run().await.letters_printed, 0, "once");
}

#[tokio::test]
async fn a_letter_that_comes_back_was_printed_though_the_printers_answer_was_lost() {
    let mut written = Written::on("2026-11-20").await;
    let ann = written.person("bounce@example.com", Language::English).await;
    let nowhere = ["No Such Street 5".to_owned(), "Sacramento, CA 95814".to_owned()];
    written.servicing().keep_postal_address(Caller::system(), ann.id, &nowhere).await.unwrap();
    let picky = Picky::of(&written);
    written.house.servicing = written.servicing().clone().with_post(picky.clone());
    picky.answers_lost.store(true, Ordering::SeqCst);
    assert_eq!(written.run().await.letters_printed, 0);
    assert_eq!(written.run().await.letters_printed, 1);
    let back = written.messages(ann).await.pop().unwrap();
    assert_eq!(
        (back.state, back.why.as_deref()),
        (OutboundState::NotSent, Some("letter_came_back"))
    );
    assert_eq!(
        (written.leaves("mail.printed").await, written.leaves("mail.letter_returned").await),
        (1, 1)
    );
}

/// A mail server that has taken a message and is slow to say so.
struct Slow {
    office: PostOffice,
    taken: Notify,
    go_on: Notify,
}

impl Post for Slow {
    fn send<'a>(&'a self, mail: &'a Mail<'a>) -> PostFuture<'a, (), MailError> {
        Box::pin(async move {
            self.office.send(mail).await?;
            self.taken.notify_one();
            self.go_on.notified().await;
            Ok(())
        })
    }

    fn has<'a>(&'a self, id: &'a str) -> PostFuture<'a, bool, RailError> {
        self.office.has(id)
    }

    fn bounces_after(&self, sequence: u64) -> PostFuture<'_, Vec<Bounce>, RailError> {
        self.office.bounces_after(sequence)
    }

    fn has_letter<'a>(&'a self, id: &'a str) -> PostFuture<'a, bool, RailError> {
        self.office.has_letter(id)
    }

    fn print<'a>(&'a self, letter: &'a Printing<'a>) -> PostFuture<'a, (), RailError> {
        self.office.print(letter)
    }
}

#[tokio::test]
async fn a_message_whose_bounce_comes_before_the_answer_goes_on_paper_once() {
    let written = Written::on("2026-11-20").await;
    let ann = written.person("late-bounce@example.com", Language::English).await;
    let (taken, go_on) = (Notify::new(), Notify::new());
    let slow = Arc::new(Slow { office: written.office.clone(), taken, go_on });
    let first = written.servicing().clone().with_post(Arc::<Slow>::clone(&slow));
    let first = tokio::spawn(async move { first.run_messages(Caller::system()).await });
    slow.taken.notified().await;
    let meanwhile = written.run().await;
    assert_eq!((meanwhile.messages_bounced, meanwhile.messages_sent), (1, 0));
    slow.go_on.notify_one();
    assert_eq!(first.await.unwrap().unwrap().messages_sent, 0);
    written.run().await;
    let message = &written.messages(ann).await[0];
    assert_eq!((message.state, message.next_at), (OutboundState::OnPaper, None));
    assert_eq!((written.letters().len(), written.mail("").len()), (1, 1));
    assert_eq!((written.leaves("mail.sent").await, written.leaves("mail.on_paper").await), (0, 1));
}
