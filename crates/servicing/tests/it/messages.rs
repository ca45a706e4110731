//! Messages over the sandbox's real mail wire: once for each cause, by the way that is owed, whatever the wire does.

use std::{ops::Deref, sync::Arc, time::Duration};

use calendar::Clock;
use chrono::TimeDelta;
use credit::FlagKind;
use rails::{Bounce, Mail, MailClient, MailConfig, MailError, PostClient, Printing, RailError};
use sandbox::post::{Letter, Mailbox, ReceivedMail, SharedMailbox, serve_desk, serve_smtp};
use servicing::{
    Caller, Level, Servicing,
    contacts::NewContact,
    messages::MessageReport,
    ports::{Post, PostFuture, PostOffice},
    testing::{add_person, new_customer},
};
use store::{
    customers::Language,
    outbound::{OutboundRow, OutboundState},
};
use tokio::{net::TcpListener, sync::Notify, task::JoinSet};

use crate::house::{House, Person, key};

pub(crate) const STREET: [&str; 2] = ["1 Elm Street", "Sacramento, CA 95814"];

/// A lender with a post office.
pub(crate) struct Written {
    pub(crate) house: House,
    mailbox: SharedMailbox,
    pub(crate) office: PostOffice,
    _servers: JoinSet<()>,
}

impl Deref for Written {
    type Target = House;

    fn deref(&self) -> &House {
        &self.house
    }
}

impl Written {
    pub(crate) async fn on(today: &str) -> Self {
        let mut house = House::on(today).await;
        let mailbox = SharedMailbox::new(Mailbox::load(None).unwrap());
        let smtp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let desk = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let timeout = Duration::from_secs(10);
        let config = MailConfig {
            url: format!("smtp://{}", smtp.local_addr().unwrap()).parse().unwrap(),
            from: "Lender <service@lender.example>".to_owned(),
            timeout,
        };
        let desk_url = format!("http://{}", desk.local_addr().unwrap());
        let mut servers = JoinSet::new();
        servers.spawn(serve_smtp(smtp, mailbox.clone(), std::future::pending()));
        servers.spawn(serve_desk(desk, mailbox.clone(), std::future::pending()));
        let office = PostOffice {
            mail: MailClient::new(&config).unwrap(),
            desk: Some(PostClient::new(&desk_url, timeout).unwrap()),
        };
        house.servicing = house.servicing.with_post(Arc::new(office.clone()));
        Self { house, mailbox, office, _servers: servers }
    }

    pub(crate) fn servicing(&self) -> &Servicing {
        &self.house.servicing
    }

    /// Somebody with a line who owes $800.00 and gets paper at an address, of whom everything so far was told.
    pub(crate) async fn person(&self, email: &str, language: Language) -> Person {
        let new = servicing::originate::NewCustomer {
            email: email.to_owned(),
            language,
            ..new_customer("Ann")
        };
        let person = add_person(self.servicing(), new, "000111224242").await;
        let street = STREET.map(str::to_owned);
        let system = Caller::system();
        self.servicing().keep_postal_address(system, person.id, &street).await.unwrap();
        self.house.draws(person, 80_000).await;
        person
    }

    pub(crate) async fn run(&self) -> MessageReport {
        self.servicing().run_messages(Caller::system()).await.unwrap()
    }

    pub(crate) async fn messages(&self, person: Person) -> Vec<OutboundRow> {
        let page = self.servicing().list_messages(person.caller(), person.id, None, 50).await;
        page.unwrap().items
    }

    /// The newest message of the kind.
    pub(crate) async fn message(&self, person: Person, kind: &str) -> OutboundRow {
        let all = self.messages(person).await;
        all.into_iter().find(|message| message.kind == kind).unwrap()
    }

    pub(crate) fn mail(&self, about: &str) -> Vec<ReceivedMail> {
        let mailbox = self.mailbox.lock();
        mailbox.mail.iter().filter(|mail| mail.subject.contains(about)).cloned().collect()
    }

    pub(crate) fn letters(&self) -> Vec<Letter> {
        self.mailbox.lock().letters.clone()
    }

    pub(crate) async fn leaves(&self, kind: &str) -> i64 {
        let sql = "SELECT count(*) FROM audit_leaves WHERE kind = $1";
        let owner = self.house.database.owner();
        sqlx::query_scalar(sql).bind(kind).fetch_one(owner).await.unwrap()
    }
}

#[tokio::test]
async fn a_payment_is_told_once_when_it_is_set_up_and_once_when_it_is_taken() {
    let written = Written::on("2026-11-20").await;
    let ann = written.person("ann@example.com", Language::English).await;
    written.run().await;
    written.house.pays(ann, 5_000, "2026-11-24").await.unwrap();
    let report = written.run().await;
    assert_eq!((report.messages_written, report.messages_sent), (1, 1));
    assert_eq!(written.run().await, MessageReport::default(), "nobody is told twice");

    let [scheduled]: [ReceivedMail; 1] = written.mail("scheduled").try_into().unwrap();
    assert_eq!((scheduled.to.as_str(), scheduled.duplicate), ("ann@example.com", false));
    for said in ["Hello Ann,", "Amount: $50.00", "November 24, 2026", "account ending in 4242"] {
        assert!(
            scheduled.text.contains(said)
                && scheduled.html.contains(said.split(": ").last().unwrap())
        );
    }
    let row = written.message(ann, "payment_scheduled").await;
    assert_eq!((row.state, row.body.trim()), (OutboundState::Sent, scheduled.text.trim()));
    assert_eq!(format!("{}@lender.example", row.id), scheduled.message_id);

    written.house.live_until("2026-11-25").await;
    assert_eq!(written.mail("We have your payment").len(), 1);
    let sent = written.messages(ann).await.len();
    assert_eq!(written.leaves("mail.sent").await, i64::try_from(sent).unwrap());
    // What was told stands in the log by its digest; the address and the words do not.
    let words = "SELECT count(*) FROM audit_payloads WHERE payload LIKE '%ann@example.com%' OR payload LIKE '%Hello Ann%'";
    assert_eq!(written.house.count(words).await, 0);
}

#[tokio::test]
async fn who_speaks_spanish_is_written_to_in_spanish_with_spanish_dates() {
    let written = Written::on("2026-11-20").await;
    let ana = written.person("ana@example.com", Language::Spanish).await;
    written.house.pays(ana, 5_000, "2026-11-24").await.unwrap();
    written.run().await;
    let [scheduled]: [ReceivedMail; 1] =
        written.mail("Un pago está programado").try_into().unwrap();
    for said in ["Hola, Ann:", "Monto: $50.00", "24 de noviembre de 2026", "termina en 4242"] {
        assert!(scheduled.text.contains(said), "{}", scheduled.text);
    }
}

#[tokio::test]
async fn an_address_that_does_not_exist_ends_consent_and_the_statement_itself_comes_on_paper() {
    let written = Written::on("2026-12-03").await;
    let ann = written.person("bounce@example.com", Language::English).await;
    written.house.live_until("2026-12-06").await;
    assert!(written.mail("").is_empty());
    let first = written.messages(ann).await.pop().unwrap();
    assert_eq!((first.state, first.code.as_deref()), (OutboundState::OnPaper, Some("5.1.1")));
    let statement = written.message(ann, "statement_ready").await;
    assert_eq!(statement.state, OutboundState::OnPaper);
    assert_eq!((statement.why.as_deref(), statement.attempts), (Some("mail_came_back"), 0));

    let letter = written.servicing().letter(ann.caller(), ann.id, statement.id).await.unwrap();
    let kept = written
        .servicing()
        .statement_document(ann.caller(), ann.id, 1, store::documents::Format::Pdf)
        .await
        .unwrap();
    assert_eq!(letter.digest, kept.digest, "the very statement that they would have opened");
    let other = written.servicing().letter(ann.caller(), ann.id, first.id).await.unwrap();
    assert!(other.bytes.starts_with(b"%PDF"));
    let told = written.messages(ann).await.len();
    assert_eq!(written.mailbox.lock().letters.len(), told);
    let view = written.servicing().contact(ann.caller(), ann.id).await.unwrap();
    assert_eq!((view.agreed_at, view.ended.unwrap().as_str()), (None, "bounced"));
    assert_eq!(written.leaves("mail.bounced").await, 1, "the next ones are not even tried");
    assert_eq!(written.leaves("mail.printed").await, written.leaves("mail.on_paper").await);
    let changed = "UPDATE letters SET bytes = 'x'";
    assert!(sqlx::query(changed).execute(written.house.database.store().app()).await.is_err());
}

#[tokio::test]
async fn mail_that_comes_back_after_it_was_taken_is_put_on_paper_too() {
    let written = Written::on("2026-11-20").await;
    let ann = written.person("late-bounce@example.com", Language::English).await;
    let sent = written.run().await;
    assert_eq!((sent.messages_sent, sent.messages_bounced), (1, 0));
    let back = written.run().await;
    assert_eq!((back.messages_bounced, back.messages_on_paper, back.letters_printed), (1, 1, 1));
    assert_eq!(written.messages(ann).await[0].state, OutboundState::OnPaper);
    assert_eq!(written.run().await, MessageReport::default(), "it comes back once");
}

#[tokio::test]
async fn where_no_address_for_paper_is_known_it_is_not_sent_and_that_is_on_record() {
    let written = Written::on("2026-11-20").await;
    let new = servicing::originate::NewCustomer {
        email: "bounce@example.com".to_owned(),
        ..new_customer("Ann")
    };
    let ann = add_person(written.servicing(), new, "000111224242").await;
    written.house.draws(ann, 80_000).await;
    let report = written.run().await;
    assert_eq!((report.messages_bounced, report.messages_not_sent), (1, 1));
    assert_eq!(written.messages(ann).await[0].state, OutboundState::NotSent);
    assert_eq!(written.leaves("mail.not_sent").await, 1);
    let open = "SELECT count(*) FROM cases WHERE kind = 'undeliverable' AND status = 'open'";
    assert_eq!(written.house.count(open).await, 1, "a person is to find them");
    assert_eq!(written.run().await.messages_written, 0, "and nobody is told of that case");
}

#[tokio::test]
async fn a_letter_that_comes_back_is_not_delivered_and_a_person_is_to_see_to_it() {
    let written = Written::on("2026-11-20").await;
    let ann = written.person("bounce@example.com", Language::English).await;
    let nowhere = ["No Such Street 5".to_owned(), "Sacramento, CA 95814".to_owned()];
    let system = Caller::system();
    written.servicing().keep_postal_address(system, ann.id, &nowhere).await.unwrap();
    assert_eq!(written.run().await.letters_printed, 1);
    let [letter]: [Letter; 1] = written.letters().try_into().unwrap();
    assert_eq!(letter.to, ["Ann", "No Such Street 5", "Sacramento, CA 95814"]);
    assert_eq!(written.messages(ann).await[0].state, OutboundState::OnPaper);
    written.run().await;
    let back = written.messages(ann).await.pop().unwrap();
    let why = (back.why.as_deref(), back.code.as_deref());
    assert_eq!(back.state, OutboundState::NotSent);
    assert_eq!(why, (Some("letter_came_back"), Some("returned_to_sender")));
    assert_eq!(written.leaves("mail.letter_returned").await, 1);
    let open = "SELECT count(*) FROM cases WHERE kind = 'undeliverable' AND status = 'open'";
    assert_eq!(written.house.count(open).await, 1);
}

#[tokio::test]
async fn what_was_given_up_before_the_mail_left_is_not_announced() {
    let written = Written::on("2026-11-20").await;
    let ann = written.person("ann@example.com", Language::English).await;
    written.run().await;
    // At ten at night it waits for the morning.
    written.house.hand.advance(TimeDelta::hours(10));
    written.house.pays(ann, 5_000, "2026-11-24").await.unwrap();
    written.run().await;
    let waiting = written.message(ann, "payment_scheduled").await;
    assert_eq!((waiting.state, waiting.why.as_deref()), (OutboundState::Waiting, Some("hours")));
    let payment = written.house.payments(ann).await.remove(0);
    let service = written.servicing();
    service.cancel_payment(ann.caller(), ann.id, payment.id, &key("cancel")).await.unwrap();
    written.house.hand.advance(TimeDelta::hours(11));
    written.run().await;
    let told = written.message(ann, "payment_scheduled").await;
    assert_eq!((told.state, told.why.as_deref()), (OutboundState::NotSent, Some("overtaken")));
    assert!(written.mail("scheduled").is_empty());
}

#[tokio::test]
async fn what_waited_goes_to_the_address_that_counts_when_it_leaves() {
    let written = Written::on("2026-11-20").await;
    let ann = written.person("ann@example.com", Language::English).await;
    written.run().await;
    written.house.hand.advance(TimeDelta::hours(10));
    written.house.pays(ann, 5_000, "2026-11-24").await.unwrap();
    written.run().await;
    let new = NewContact { email: Some("ann@new.example".to_owned()), ..NewContact::default() };
    let sure = ann.caller().at(Level::L3);
    written.servicing().change_contact(sure, ann.id, &new, &key("new")).await.unwrap();
    written.house.hand.advance(TimeDelta::hours(11));
    written.run().await;
    let [mail]: [ReceivedMail; 1] = written.mail("scheduled").try_into().unwrap();
    assert_eq!(mail.to, "ann@new.example");
    assert_eq!(written.message(ann, "payment_scheduled").await.address, "ann@new.example");
}

#[tokio::test]
async fn an_answer_that_was_lost_is_asked_about_and_what_was_taken_goes_out_once() {
    let written = Written::on("2026-11-20").await;
    let ann = written.person("answer-lost@example.com", Language::English).await;
    assert_eq!(written.run().await.messages_unknown, 1);
    assert_eq!(written.messages(ann).await[0].state, OutboundState::Sending);
    assert_eq!(written.run().await.messages_sent, 1, "asked about, on a clock that stands still");
    assert_eq!(written.messages(ann).await[0].state, OutboundState::Sent);
    assert!(written.mail("").iter().all(|mail| !mail.duplicate), "sent once");

    let bob = written.person("request-lost-once@example.com", Language::English).await;
    assert_eq!(written.run().await.messages_unknown, 1);
    assert!(written.mail("").iter().all(|mail| !mail.to.starts_with("request")));
    assert_eq!(written.run().await.messages_sent, 1);
    let first = written.messages(bob).await.pop().unwrap();
    assert_eq!((first.state, first.attempts), (OutboundState::Sent, 2));
    assert!(written.mail("").iter().all(|mail| !mail.duplicate));

    let cleo = written.person("request-lost@example.com", Language::English).await;
    for _ in 0..2 {
        assert_eq!(written.run().await.messages_unknown, 1);
    }
    assert_eq!(written.run().await, MessageReport::default(), "not before its time");
    assert_eq!(written.messages(cleo).await[0].attempts, 2);
}

/// A server that was away for a moment must not be away for as long as a hand leaves the clock of business alone.
#[tokio::test]
async fn a_mail_server_that_was_away_is_tried_again_though_the_clock_of_business_stands_still() {
    let written = Written::on("2026-11-20").await;
    let ann = written.person("ann@example.com", Language::English).await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = MailConfig {
        url: format!("smtp://{}", nobody.local_addr().unwrap()).parse().unwrap(),
        from: "Lender <service@lender.example>".to_owned(),
        timeout: Duration::from_secs(10),
    };
    drop(nobody);
    let (session_clock, hand) = Clock::manual(written.servicing().now());
    let lost = PostOffice { mail: MailClient::new(&config).unwrap(), ..written.office.clone() };
    let service = written.servicing().clone().with_session_clock(session_clock);
    let run = async |post: PostOffice| {
        let service = service.clone().with_post(Arc::new(post));
        service.run_messages(Caller::system()).await.unwrap()
    };
    assert_eq!(run(lost).await.messages_put_off, 1);
    let waiting = written.messages(ann).await.pop().unwrap();
    assert_eq!(
        (waiting.state, waiting.why.as_deref(), waiting.attempts),
        (OutboundState::Deferred, Some("not_reached"), 0)
    );
    assert_eq!(run(written.office.clone()).await, MessageReport::default(), "it is left alone");
    hand.advance(TimeDelta::seconds(30));
    assert_eq!(run(written.office.clone()).await.messages_sent, 1);
}

#[tokio::test]
async fn what_is_put_off_is_tried_again_later_and_in_the_end_goes_on_paper() {
    let written = Written::on("2026-11-20").await;
    let ann = written.person("defer-once@example.com", Language::English).await;
    let bob = written.person("defer@example.com", Language::English).await;
    assert_eq!(written.run().await.messages_put_off, 2);
    assert_eq!(written.run().await, MessageReport::default(), "not before its time");
    written.house.live_until("2026-11-21").await;
    assert_eq!(written.messages(ann).await[0].state, OutboundState::Sent);
    written.house.live_until("2026-11-27").await;
    let last = written.message(bob, "draw_sent").await;
    assert_eq!((last.state, last.why.as_deref()), (OutboundState::OnPaper, Some("mail_not_taken")));
    assert_eq!((last.attempts, last.code.as_deref()), (5, Some("4.2.1")));
    assert!(written.servicing().contact(bob.caller(), bob.id).await.unwrap().agreed_at.is_some());
}

#[tokio::test]
async fn two_processes_at_once_send_each_message_once() {
    let written = Written::on("2026-11-20").await;
    let mut people = Vec::new();
    for n in 0..6 {
        people.push(written.person(&format!("person-{n}@example.com"), Language::English).await);
    }
    let mut runs = JoinSet::new();
    for _ in 0..4 {
        let servicing = written.servicing().clone();
        runs.spawn(async move { servicing.run_messages(Caller::system()).await.unwrap() });
    }
    let reports = runs.join_all().await;
    assert_eq!(reports.iter().map(|report| report.messages_written).sum::<u32>(), 6);
    written.run().await;
    let mut to: Vec<String> = written.mail("").into_iter().map(|mail| mail.to).collect();
    to.sort();
    to.dedup();
    assert_eq!((to.len(), written.mail("").len()), (6, 6));
}

/// A post whose process dies at the first message: before it leaves, or after it was taken.
struct Dies {
    office: PostOffice,
    after: bool,
    died: Arc<Notify>,
}

impl Post for Dies {
    fn send<'a>(&'a self, mail: &'a Mail<'a>) -> PostFuture<'a, (), MailError> {
        Box::pin(async move {
            if self.after {
                self.office.send(mail).await?;
            }
            self.died.notify_one();
            std::future::pending().await
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
async fn a_process_that_dies_with_a_message_in_its_hand_sends_it_neither_never_nor_twice() {
    for after in [false, true] {
        let written = Written::on("2026-11-20").await;
        let ann = written.person("ann@example.com", Language::English).await;
        let died = Arc::new(Notify::new());
        let office = Dies { office: written.office.clone(), after, died: Arc::clone(&died) };
        let doomed = written.servicing().clone().with_post(Arc::new(office));
        let run = tokio::spawn(async move { doomed.run_messages(Caller::system()).await });
        died.notified().await;
        run.abort();
        assert!(run.await.unwrap_err().is_cancelled());
        // What it held is let go of when the database has heard of its end.
        let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7264010
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        while written.house.count(held).await > 0 {}
        assert_eq!(written.messages(ann).await[0].state, OutboundState::Sending);

        assert_eq!(written.run().await.messages_sent, 1, "after: {after}");
        let mail = written.mail("");
        assert_eq!((mail.len(), mail[0].duplicate), (1, false), "after: {after}");
    }
}

#[tokio::test]
async fn who_wants_no_contact_is_told_what_the_law_requires_and_nothing_else() {
    let written = Written::on("2026-12-03").await;
    let ann = written.person("ann@example.com", Language::English).await;
    written.run().await;
    let service = written.servicing();
    service.raise_flag(ann.caller(), ann.id, FlagKind::Cease, "a test").await.unwrap();
    written.house.pays(ann, 5_000, "2026-12-04").await.unwrap();
    written.house.live_until("2026-12-06").await;
    let told = written.message(ann, "payment_scheduled").await;
    assert_eq!((told.state, told.why.as_deref()), (OutboundState::NotSent, Some("flag_cease")));
    assert_eq!(written.message(ann, "statement_ready").await.state, OutboundState::Sent);
    assert_eq!(written.mail("payment").len(), 0);
    assert!(written.leaves("mail.not_sent").await >= 2);
}

#[tokio::test]
async fn a_models_turn_writes_to_nobody_and_reads_no_address() {
    let written = Written::on("2026-11-20").await;
    written.person("ann@example.com", Language::English).await;
    written.run().await;
    let turn = written.house.database.store().turn();
    for sql in [
        "SELECT count(*) FROM outbound_messages",
        "UPDATE outbound_messages SET state = 'waiting'",
        "INSERT INTO consent_ends SELECT id, now(), 'withdrawn' FROM customers",
        "UPDATE customers SET email = 'eve@example.com'",
        "INSERT INTO postal_addresses (customer_id, recorded_at, lines) SELECT id, now(), '{x}' FROM customers",
    ] {
        assert!(sqlx::query(sql).execute(turn).await.is_err(), "{sql}");
    }
    // Nobody rewrites what was said, nor is told twice.
    let app = written.house.database.store().app();
    for sql in ["UPDATE outbound_messages SET body = 'x'", "DELETE FROM outbound_messages"] {
        assert!(sqlx::query(sql).execute(app).await.is_err(), "{sql}");
    }
}
