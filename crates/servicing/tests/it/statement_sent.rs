//! Which statements are sent, and what comes of one that could not be.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use credit::FlagKind;
use identity::OutboundId;
use rails::{Bounce, Mail, MailError, Printing, RailError};
use servicing::{
    Caller,
    originate::NewCustomer,
    ports::{Post, PostFuture, PostOffice},
    statements::Statements,
    testing::{add_person, new_customer},
};
use store::{customers::Language, documents::Format, outbound::OutboundState};

use crate::{
    house::{House, Person, cents, key},
    messages::{STREET, Written},
};

async fn statements(house: &House, person: Person) -> Statements {
    house.servicing.list_statements(person.caller(), person.id, None, 50).await.unwrap()
}

/// How many messages said that a statement is ready.
async fn sent(written: &Written, person: Person) -> usize {
    let all = written.messages(person).await;
    all.iter().filter(|message| message.kind == "statement_ready").count()
}

/// 12 CFR 1026.5(b)(2)(i): more than a dollar either way, or a finance charge.
#[tokio::test]
async fn a_statement_of_next_to_nothing_is_there_to_be_opened_and_sent_to_nobody() {
    let written = Written::on("2026-12-04").await;
    let owes = written.person("ann@example.com", Language::English).await;
    let nothing = written.house.person("Bob").await;
    // Fifty cents, on which no interest has run.
    let cents_left = written.house.person("Cleo").await;
    written.draws(cents_left, 2_000).await;
    written.pays(cents_left, 1_950, "2026-12-04").await.unwrap();
    written.servicing().run_jobs(Caller::system()).await.unwrap();
    written.live_until("2026-12-06").await;
    for (person, balance, messages) in [(owes, 80_105, 1), (nothing, 0, 0), (cents_left, 50, 0)] {
        let items = statements(&written, person).await.items;
        let [statement] = items.as_slice() else { panic!("{items:?}") };
        assert_eq!(statement.new_balance, cents(balance));
        assert_eq!(statement.must_be_sent, messages == 1);
        assert_eq!(statement.minimum_due.is_positive(), messages == 1, "nor does it ask for any");
        assert_eq!(sent(&written, person).await, messages);
    }
}

const FLAGGED: &str = "SELECT count(*) FROM line_events WHERE kind = 'flag_raised'";
const FEES: &str = "SELECT count(*) FROM line_events WHERE kind = 'fee_assessed'";
const SENT: &str = "SELECT count(*) FROM line_events WHERE kind = 'statement_sent'";
const NOT_SENT: &str = "SELECT count(*) FROM line_events WHERE kind = 'statement_not_sent'";

async fn days_past_due(written: &Written, person: Person) -> u32 {
    let viewed = written.servicing().position(person.caller(), person.id).await.unwrap();
    viewed.position.days_past_due
}

/// Nobody pays a late fee for a statement that was sent to nobody, nor is late: the rule book's 1.5 and A18.
#[tokio::test]
async fn nothing_of_a_statement_that_was_sent_to_nobody_is_late_until_one_is_sent() {
    let written = Written::on("2026-12-03").await;
    let new = NewCustomer { email: "bounce@example.com".to_owned(), ..new_customer("Ann") };
    let ann = add_person(written.servicing(), new, "000111224242").await;
    written.draws(ann, 80_000).await;
    written.live_until("2026-12-04").await;
    assert_eq!(written.count(NOT_SENT).await, 0, "what came back was no statement");
    written.live_until("2026-12-06").await;
    assert_eq!(written.message(ann, "statement_ready").await.state, OutboundState::NotSent);
    assert_eq!(written.count(NOT_SENT).await, 1);
    let told = "SELECT count(*) FROM cases WHERE kind = 'undeliverable' AND words LIKE '%next statement that is sent%'";
    assert_eq!(written.count(told).await, 1);

    // It was due on December 30, and the one of January 5 was not sent either.
    written.live_until("2027-01-13").await;
    assert_eq!((written.count(FEES).await, written.count(FLAGGED).await), (0, 0));
    assert_eq!((written.count(NOT_SENT).await, days_past_due(&written, ann).await), (2, 0));
    let leaves = "SELECT count(*) FROM audit_leaves l JOIN outbox o ON o.kind = l.kind WHERE l.kind = 'statement.not_sent'";
    assert_eq!(written.count(leaves).await, 4, "two of each");

    // Found: what the statement of February 5 asks for is due on March 2, and one fee is due for it.
    let street = STREET.map(str::to_owned);
    written.servicing().keep_postal_address(Caller::system(), ann.id, &street).await.unwrap();
    written.live_until("2027-03-02").await;
    assert_eq!(written.message(ann, "statement_ready").await.state, OutboundState::OnPaper);
    assert_eq!(days_past_due(&written, ann).await, 0);
    written.live_until("2027-03-03").await;
    assert_eq!(days_past_due(&written, ann).await, 1);
    written.live_until("2027-03-14").await;
    assert_eq!((written.count(FEES).await, written.count(SENT).await), (1, 0));
    written.books_agree(ann).await;
}

/// A post office whose printer can be down, that can put mail off, and that says of mail that it came back.
struct Broken {
    office: PostOffice,
    printer_down: AtomicBool,
    puts_off: AtomicBool,
    back: Mutex<Vec<Bounce>>,
}

impl Broken {
    /// Says that mail came back, one after the other.
    fn comes_back(&self, messages: &[OutboundId]) {
        let bounce = |(id, sequence): (&OutboundId, u64)| {
            let message_id = format!("<{id}@lender.example>");
            Bounce { sequence, message_id, code: "5.1.1".to_owned() }
        };
        *self.back.lock().unwrap() = messages.iter().zip(1..).map(bounce).collect();
    }
}

impl Post for Broken {
    fn send<'a>(&'a self, mail: &'a Mail<'a>) -> PostFuture<'a, (), MailError> {
        if self.puts_off.load(Ordering::SeqCst) {
            return Box::pin(async { Err(MailError::Deferred { code: "4.2.1".to_owned() }) });
        }
        self.office.send(mail)
    }

    fn has<'a>(&'a self, id: &'a str) -> PostFuture<'a, bool, RailError> {
        self.office.has(id)
    }

    fn bounces_after(&self, read: u64) -> PostFuture<'_, Vec<Bounce>, RailError> {
        let mut back = self.back.lock().unwrap().clone();
        back.retain(|bounce| bounce.sequence > read);
        Box::pin(async move { Ok(back) })
    }

    fn has_letter<'a>(&'a self, id: &'a str) -> PostFuture<'a, bool, RailError> {
        self.office.has_letter(id)
    }

    fn print<'a>(&'a self, letter: &'a Printing<'a>) -> PostFuture<'a, (), RailError> {
        if self.printer_down.load(Ordering::SeqCst) {
            let reason = "no paper".to_owned();
            return Box::pin(async move { Err(RailError::Unknown { reason }) });
        }
        self.office.print(letter)
    }
}

async fn broken(today: &str) -> (Written, Arc<Broken>) {
    let mut written = Written::on(today).await;
    let office = Arc::new(Broken {
        office: written.office.clone(),
        printer_down: AtomicBool::new(false),
        puts_off: AtomicBool::new(false),
        back: Mutex::new(Vec::new()),
    });
    let post: Arc<dyn Post> = office.clone();
    written.house.servicing = written.house.servicing.clone().with_post(post);
    (written, office)
}

#[tokio::test]
async fn what_the_printer_let_lie_for_twelve_days_is_late_by_the_day_on_which_it_left() {
    let (written, office) = broken("2026-12-03").await;
    let ann = written.person("bounce@example.com", Language::English).await;
    written.live_until("2026-12-04").await;
    office.printer_down.store(true, Ordering::SeqCst);
    written.live_until("2026-12-17").await;
    assert_eq!(written.message(ann, "statement_ready").await.state, OutboundState::OnPaper);
    office.printer_down.store(false, Ordering::SeqCst);
    let known = statements(&written, ann).await;
    written.live_until("2026-12-18").await;
    assert_eq!((written.count(SENT).await, written.count(NOT_SENT).await), (1, 0));
    assert_eq!(statements(&written, ann).await, known, "what was printed stands");

    // December 30 is printed; fourteen days from December 18 end on January 1.
    written.live_until("2027-01-01").await;
    assert_eq!(days_past_due(&written, ann).await, 0);
    written.live_until("2027-01-02").await;
    assert_eq!(days_past_due(&written, ann).await, 1);
    written.live_until("2027-01-11").await;
    assert_eq!(written.count(FEES).await, 0, "January 10 is the day of the written clock");
    written.live_until("2027-01-13").await;
    assert_eq!((written.count(FEES).await, written.count(SENT).await), (1, 1));
    written.books_agree(ann).await;
}

#[tokio::test]
async fn mail_of_a_statement_that_came_back_was_never_sent_and_its_paper_has_a_day_of_its_own() {
    let (written, office) = broken("2026-12-03").await;
    let ann = written.person("ann@example.com", Language::English).await;
    written.live_until("2026-12-19").await;
    let told = written.message(ann, "statement_ready").await;
    assert_eq!((told.state, written.count(SENT).await), (OutboundState::Sent, 0));
    office.printer_down.store(true, Ordering::SeqCst);
    office.comes_back(&[told.id]);
    written.live_until("2026-12-20").await;
    assert_eq!((written.count(SENT).await, written.count(NOT_SENT).await), (0, 1));
    office.printer_down.store(false, Ordering::SeqCst);
    written.live_until("2026-12-24").await;
    assert_eq!((written.count(SENT).await, written.count(NOT_SENT).await), (1, 1));
    // The printer had it on December 21, so that January 4 is in time.
    written.live_until("2027-01-04").await;
    assert_eq!(days_past_due(&written, ann).await, 0);
    written.live_until("2027-01-05").await;
    assert_eq!(days_past_due(&written, ann).await, 1);
    written.books_agree(ann).await;
}

#[tokio::test]
async fn who_was_sent_a_statement_pays_the_late_fee_though_a_letter_came_back() {
    let written = Written::on("2026-12-03").await;
    let ann = written.person("bounce@example.com", Language::English).await;
    let nowhere = ["No Such Street 5".to_owned(), "Sacramento, CA 95814".to_owned()];
    written.servicing().keep_postal_address(Caller::system(), ann.id, &nowhere).await.unwrap();
    written.live_until("2027-01-13").await;
    assert_eq!(written.message(ann, "statement_ready").await.state, OutboundState::NotSent);
    assert_eq!((written.count(FEES).await, written.count(NOT_SENT).await), (1, 0));
}

const UNPRINTED: &str = "SELECT count(*) FROM letters WHERE printed_at IS NULL";
const UNTOLD: &str =
    "SELECT count(*) FROM jobs WHERE kind = 'tell_statement_departure' AND finished_at IS NULL";
const ON_18: &str = "SELECT count(*) FROM line_events WHERE kind LIKE 'statement%sent' AND effective_on = '2026-12-18'";

/// Makes the line of a person one that the engine cannot work out, or mends it.
async fn spoil(written: &Written, person: Person, spoiled: bool) {
    let (good, bad) = ("statement_issued", "nonsense");
    let (from, to) = if spoiled { (good, bad) } else { (bad, good) };
    let change = format!(
        "UPDATE line_events SET body = jsonb_set(body, '{{kind}}', '\"{to}\"') WHERE body ->> 'kind' = '{from}'
         AND credit_line_id IN (SELECT id FROM credit_lines WHERE customer_id = '{}')",
        person.id
    );
    written.sabotage(&change).await;
}

async fn state(written: &Written, person: Person) -> OutboundState {
    written.message(person, "statement_ready").await.state
}

#[tokio::test]
async fn a_letter_of_a_line_that_cannot_be_worked_out_holds_up_no_other_and_its_day_is_told_later()
{
    let (written, office) = broken("2026-12-03").await;
    let ann = written.person("bounce@example.com", Language::English).await;
    let bob = written.person("bounce+bob@example.com", Language::English).await;
    written.live_until("2026-12-04").await;
    office.printer_down.store(true, Ordering::SeqCst);
    written.live_until("2026-12-17").await;
    assert_eq!(written.count(UNPRINTED).await, 2);
    office.printer_down.store(false, Ordering::SeqCst);
    spoil(&written, ann, true).await;
    written.live_until("2026-12-18").await;
    assert_eq!(written.count(UNPRINTED).await, 0);
    assert_eq!((written.count(SENT).await, written.count(UNTOLD).await), (1, 1));
    let told = "SELECT count(*) FROM cases WHERE kind = 'operations' AND words LIKE '%the statement left on December 18%'";
    assert_eq!(written.count(told).await, 1);

    spoil(&written, ann, false).await;
    written.live_until("2026-12-19").await;
    assert_eq!((written.count(ON_18).await, written.count(UNTOLD).await), (2, 0));
    written.live_until("2027-01-01").await;
    assert_eq!(days_past_due(&written, ann).await, 0, "fourteen days from December 18");
    written.live_until("2027-01-02").await;
    for person in [ann, bob] {
        assert_eq!(days_past_due(&written, person).await, 1);
        written.books_agree(person).await;
    }
}

#[tokio::test]
async fn mail_that_came_back_of_a_line_that_cannot_be_worked_out_goes_on_paper_all_the_same() {
    let (written, office) = broken("2026-12-03").await;
    let ann = written.person("ann@example.com", Language::English).await;
    let bob = written.person("bob@example.com", Language::English).await;
    written.live_until("2026-12-18").await;
    office.printer_down.store(true, Ordering::SeqCst);
    let servicing = written.servicing();
    servicing.statement_document(ann.caller(), ann.id, 1, Format::Pdf).await.unwrap();
    let of_ann = written.message(ann, "statement_ready").await.id;
    let of_bob = written.message(bob, "statement_ready").await.id;
    office.comes_back(&[of_ann, of_bob]);
    spoil(&written, ann, true).await;
    written.live_until("2026-12-19").await;
    assert_eq!(
        [state(&written, ann).await, state(&written, bob).await],
        [OutboundState::OnPaper; 2]
    );
    assert_eq!((written.count(NOT_SENT).await, written.count(UNTOLD).await), (1, 1));
    spoil(&written, ann, false).await;
    written.live_until("2026-12-20").await;
    assert_eq!((written.count(NOT_SENT).await, written.count(ON_18).await), (2, 2));
    written.books_agree(ann).await;
}

#[tokio::test]
async fn a_bounce_that_could_not_be_worked_off_comes_again_and_holds_up_no_other() {
    let (written, office) = broken("2026-12-03").await;
    let ann = written.person("ann@example.com", Language::English).await;
    let bob = written.person("bob@example.com", Language::English).await;
    written.live_until("2026-12-18").await;
    // Nobody has opened the statement, so that it cannot be printed.
    let of_ann = written.message(ann, "statement_ready").await.id;
    let of_bob = written.message(bob, "statement_ready").await.id;
    office.comes_back(&[of_ann, of_bob]);
    spoil(&written, ann, true).await;
    for _ in 0..2 {
        written.run().await;
        assert_eq!(state(&written, ann).await, OutboundState::Sent);
        assert_eq!(state(&written, bob).await, OutboundState::OnPaper);
    }
    spoil(&written, ann, false).await;
    written.run().await;
    assert_eq!(state(&written, ann).await, OutboundState::OnPaper);
    assert_eq!(written.run().await.messages_bounced, 0, "both are read");
}

#[tokio::test]
async fn mail_that_left_is_sent_though_the_line_cannot_be_worked_out() {
    let (written, office) = broken("2026-12-03").await;
    let ann = written.person("ann@example.com", Language::English).await;
    written.live_until("2026-12-04").await;
    office.puts_off.store(true, Ordering::SeqCst);
    written.live_until("2026-12-06").await;
    assert_eq!(state(&written, ann).await, OutboundState::Deferred);
    spoil(&written, ann, true).await;
    office.puts_off.store(false, Ordering::SeqCst);
    written.live_until("2026-12-07").await;
    assert_eq!(state(&written, ann).await, OutboundState::Sent);
    assert_eq!((written.count(SENT).await, written.count(UNTOLD).await), (0, 1));
    spoil(&written, ann, false).await;
    written.live_until("2026-12-08").await;
    let on_7 = "SELECT count(*) FROM line_events WHERE kind = 'statement_sent' AND effective_on = '2026-12-07'";
    assert_eq!(written.count(on_7).await, 1);
    written.books_agree(ann).await;
}

#[tokio::test]
async fn a_statement_for_nowhere_is_the_desks_though_the_line_cannot_be_worked_out() {
    let (written, office) = broken("2026-12-03").await;
    let new = NewCustomer { email: "ann@example.com".to_owned(), ..new_customer("Ann") };
    let ann = add_person(written.servicing(), new, "000111224242").await;
    written.draws(ann, 80_000).await;
    written.live_until("2026-12-18").await;
    office.comes_back(&[written.message(ann, "statement_ready").await.id]);
    spoil(&written, ann, true).await;
    written.run().await;
    assert_eq!(state(&written, ann).await, OutboundState::NotSent);
    let undeliverable = "SELECT count(*) FROM cases WHERE kind = 'undeliverable'";
    assert_eq!((written.count(undeliverable).await, written.count(NOT_SENT).await), (1, 0));
    spoil(&written, ann, false).await;
    written.live_until("2026-12-19").await;
    assert_eq!((written.count(NOT_SENT).await, written.count(UNTOLD).await), (1, 0));
    written.books_agree(ann).await;
}

/// The words of the open cases of the operations desk that begin so with a message.
async fn desk_told(written: &Written, person: Person, begins: &str) -> Vec<String> {
    let cases = written.servicing().list_cases(Caller::system(), person.id).await.unwrap();
    let operations = cases.iter().filter(|case| case.kind == "operations");
    let matters = operations.flat_map(|case| case.words.lines());
    matters.filter(|words| words.starts_with(begins)).map(str::to_owned).collect()
}

const TOLD: &str =
    "SELECT count(*) FROM audit_leaves WHERE kind IN ('case.opened', 'case.repeated')";

#[tokio::test]
async fn mail_that_came_back_of_a_line_that_cannot_be_worked_out_is_one_case_of_the_desk() {
    let (written, office) = broken("2026-12-03").await;
    let ann = written.person("ann@example.com", Language::English).await;
    let bob = written.person("bob@example.com", Language::English).await;
    written.live_until("2026-12-18").await;
    // Nobody has opened the statement, so that it cannot be printed.
    let of_ann = written.message(ann, "statement_ready").await.id;
    let of_bob = written.message(bob, "statement_ready").await.id;
    office.comes_back(&[of_ann, of_bob]);
    spoil(&written, ann, true).await;
    let before = written.count(TOLD).await;
    for _ in 0..3 {
        written.run().await;
        let told = desk_told(&written, ann, &format!("Delivery of message {of_ann}")).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(written.count(TOLD).await, before + 1);
    }
    assert_eq!(state(&written, bob).await, OutboundState::OnPaper);
    // It stays the desk's for as long as it cannot be worked off.
    let closed = "UPDATE cases SET status = 'closed', closed_at = now(), closed_by = opened_by, note = 'done'";
    written.sabotage(closed).await;
    written.run().await;
    assert_eq!(written.count(TOLD).await, before + 2);
    spoil(&written, ann, false).await;
    written.run().await;
    assert_eq!(state(&written, ann).await, OutboundState::OnPaper);
    assert_eq!(written.count(TOLD).await, before + 2);
    written.books_agree(ann).await;
}

#[tokio::test]
async fn a_statement_whose_mail_no_server_takes_is_the_desks_where_its_line_cannot_be_worked_out() {
    let (written, office) = broken("2026-12-03").await;
    let ann = written.person("bounce@example.com", Language::English).await;
    let bob = written.person("bob@example.com", Language::English).await;
    office.puts_off.store(true, Ordering::SeqCst);
    written.live_until("2026-12-06").await;
    assert_eq!(state(&written, ann).await, OutboundState::Deferred);
    spoil(&written, ann, true).await;
    office.puts_off.store(false, Ordering::SeqCst);
    written.live_until("2026-12-07").await;
    let id = written.message(ann, "statement_ready").await.id;
    let told = desk_told(&written, ann, &format!("Delivery of message {id}")).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(state(&written, bob).await, OutboundState::Sent);
}

/// 12 CFR 1026.5(b)(2)(i): none need be sent where it would be against the law, as a stay is (11 USC 362(a)).
#[tokio::test]
async fn nothing_of_a_statement_that_bankruptcy_withheld_is_late_until_one_is_sent() {
    let written = Written::on("2026-12-03").await;
    let ann = written.person("ann@example.com", Language::English).await;
    let servicing = written.servicing();
    servicing.raise_flag(ann.caller(), ann.id, FlagKind::Bankruptcy, "a letter").await.unwrap();
    written.live_until("2026-12-20").await;
    let withheld = written.message(ann, "statement_ready").await;
    assert_eq!(withheld.why.as_deref(), Some("flag_bankruptcy"));
    assert_eq!((written.count(NOT_SENT).await, written.count(SENT).await), (1, 0));

    // Dismissed: the statement was due on December 30, and nobody was sent it.
    let staff = written.representative("Rae").await;
    let flag = FlagKind::Bankruptcy;
    servicing.clear_flag(staff, ann.id, flag, "dismissed", &key("clear")).await.unwrap();
    written.live_until("2027-01-13").await;
    assert_eq!((days_past_due(&written, ann).await, written.count(FEES).await), (0, 0));

    // The statement of January 5 is sent, and asks for both: due on January 30, at one late fee.
    assert_eq!(state(&written, ann).await, OutboundState::Sent);
    written.live_until("2027-02-01").await;
    assert_eq!(days_past_due(&written, ann).await, 0, "January 30 is a Saturday");
    written.live_until("2027-02-02").await;
    assert_eq!(days_past_due(&written, ann).await, 1);
    written.live_until("2027-02-13").await;
    assert_eq!((written.count(FEES).await, written.count(NOT_SENT).await), (1, 1));
    written.books_agree(ann).await;
}

#[tokio::test]
async fn a_line_in_bankruptcy_is_not_late_with_what_it_may_not_be_asked_for() {
    let written = Written::on("2026-12-03").await;
    let ann = written.person("ann@example.com", Language::English).await;
    let servicing = written.servicing();
    servicing.raise_flag(ann.caller(), ann.id, FlagKind::Bankruptcy, "a letter").await.unwrap();
    written.live_until("2027-03-01").await;
    assert_eq!((written.count(NOT_SENT).await, written.count(SENT).await), (3, 0));
    assert_eq!((days_past_due(&written, ann).await, written.count(FEES).await), (0, 0));
    assert_eq!(statements(&written, ann).await.items.len(), 3, "each is there to be opened");
    let cases = servicing.list_cases(Caller::system(), ann.id).await.unwrap();
    assert_eq!(cases, [], "nobody has to find anybody");
    written.books_agree(ann).await;
}

#[tokio::test]
async fn mail_of_a_statement_that_comes_back_in_bankruptcy_goes_on_no_paper() {
    let (written, office) = broken("2026-12-03").await;
    let ann = written.person("ann@example.com", Language::English).await;
    written.live_until("2026-12-18").await;
    let servicing = written.servicing();
    servicing.raise_flag(ann.caller(), ann.id, FlagKind::Bankruptcy, "a letter").await.unwrap();
    let letters = written.letters().len();
    office.comes_back(&[written.message(ann, "statement_ready").await.id]);
    written.live_until("2026-12-20").await;
    let withheld = written.message(ann, "statement_ready").await;
    assert_eq!(
        (withheld.state, withheld.why.as_deref()),
        (OutboundState::NotSent, Some("flag_bankruptcy"))
    );
    assert_eq!((written.letters().len(), written.count(NOT_SENT).await), (letters, 1));
    written.books_agree(ann).await;
}
