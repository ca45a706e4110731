//! One row, judged: every fault of it, or what is boarded.

use credit::{BroughtForward, FeatureAmount, FlagKind, Product};
use identity::is_mail_address;
use money::Cents;

use crate::{
    Judged, Refused, Rules, Totals,
    cells::Cells,
    columns::Header,
    days::Days,
    dues::Dues,
    engine::hold_against_the_engine,
    reach::Reach,
    row::{self, Bank, BankKind, Row, shown},
    table::Record,
};

/// Where a customer can live.
const STATES: &str = "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC \
                      ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY PR GU VI AS MP AE AP AA";

/// Draws of a line at most.
const DRAWS_MAX: u32 = 1_000_000;

pub(crate) fn judge(header: &Header, record: Record, rules: Rules<'_>) -> Judged {
    let mut cells = Cells::of(header, &record);
    cells.look_at_shape();
    let mut totals = Totals { rows: 1, ..Totals::default() };
    let row = row_of(&mut cells, rules, &mut totals);
    let Reach { postal, flags } = Reach::read(&mut cells);
    if flags.contains(&FlagKind::Mla) && !cells.says("covered_borrower") {
        cells.wrong(
            "covered_borrower",
            "the flag mla stands, and whether fees and rate are limited for it is not said",
            "write yes, or no where the flag is of the past",
        );
    }
    let mut faults = std::mem::take(&mut cells.faults);
    let number = record.number;
    let verdict = match row.filter(|_| faults.is_empty()) {
        Some(mut row) => {
            row.number = number;
            row.line = record.line;
            (row.postal, row.flags) = (postal, flags);
            faults = hold_against_the_engine(&row, rules.catalog);
            let cells = row::Cells(record.cells);
            if faults.is_empty() {
                Ok(Row { cells, ..row })
            } else {
                Err(Refused { cells, faults })
            }
        }
        None => Err(Refused { cells: row::Cells(record.cells), faults }),
    };
    Judged { number, totals, verdict }
}

/// What a row comes to, as far as it can be read.
pub(crate) fn weigh(header: &Header, record: &Record, rules: Rules<'_>) -> Totals {
    let mut totals = Totals { rows: 1, ..Totals::default() };
    drop(row_of(&mut Cells::of(header, record), rules, &mut totals));
    totals
}

/// Every cell is read, whatever was wrong with those before it.
fn row_of(cells: &mut Cells<'_>, rules: Rules<'_>, totals: &mut Totals) -> Option<Row> {
    let reference = cells.needed("reference");
    let person = person(cells);
    let product = product(cells, rules);
    let credit_limit = cells.needed_money("credit_limit");
    if credit_limit == Some(Cents::ZERO) {
        cells.wrong(
            "credit_limit",
            "a line has a limit",
            "write the agreed one, even where draws are stopped",
        );
    }
    let apr = cells.rate("apr");
    let cap = product.and_then(|product| product.limits.apr_cap);
    if let (Some(apr), Some(cap)) = (apr, cap)
        && apr > cap
    {
        cells.wrong(
            "apr",
            format!("the product allows no rate above {cap}"),
            "correct it, or board it under another product",
        );
    }
    let days = Days::read(cells, rules.today);
    let covered_borrower = cells.yes("covered_borrower");
    let balances = balances(cells, product, days.as_ref(), totals);
    let accrued_interest = cells.money("accrued_interest");
    let opening_record_given_on = cells.day("opening_record_given_on");
    if let (Some(given), Some(days)) = (opening_record_given_on, &days)
        && given > days.as_of
    {
        cells.wrong(
            "opening_record_given_on",
            "it lies after the day of the file",
            "correct it, or leave it empty",
        );
    }
    no_autopay(cells);
    let bank = bank(cells);
    let (name, email, phone, state, language) = person?;
    let days = days?;
    Some(Row {
        number: 0,
        line: None,
        reference: reference?,
        name,
        email,
        phone,
        state,
        language,
        postal: Vec::new(),
        flags: Vec::new(),
        product: product?.name.clone(),
        credit_limit: credit_limit?,
        apr: apr?,
        opened_on: days.opened_on,
        covered_borrower,
        cycles: days.cycles,
        begins_on: days.begins_on,
        as_of: days.as_of,
        balances: balances?,
        accrued_interest: accrued_interest?,
        opening_record_given_on,
        bank: bank?,
        cells: row::Cells::default(),
    })
}

fn no_autopay(cells: &mut Cells<'_>) {
    if cells.yes("autopay") {
        let to_do = "write no; the customer can set it up with us, and has to sign for it anew";
        cells.wrong(
            "autopay",
            "leave to debit that was given to another lender is not taken over",
            to_do,
        );
    }
}

type Person = (String, String, String, String, String);

fn person(cells: &mut Cells<'_>) -> Option<Person> {
    let name = cells.needed("name");
    let email = cells.needed("email");
    if let Some(email) = &email
        && !is_mail_address(email)
    {
        cells.wrong("email", "this is no e-mail address", "correct it");
    }
    let phone = cells.needed("phone");
    if let Some(phone) = &phone {
        let digits = phone.chars().filter(char::is_ascii_digit).count();
        let known = phone.chars().all(|c| c.is_ascii_digit() || " +-().".contains(c));
        if !(10..=15).contains(&digits) || !known {
            cells.wrong(
                "phone",
                "this is no telephone number",
                "write it with its area code, as 415-555-0100",
            );
        }
    }
    let state = cells.needed("state").map(|state| state.to_uppercase());
    if let Some(state) = &state
        && !STATES.split_whitespace().any(|known| known == state)
    {
        cells.wrong("state", "this is no state", "write its two letters, as CA");
    }
    let language =
        cells.words("language").map_or_else(|| "en".to_owned(), |one| one.to_lowercase());
    if !matches!(language.as_str(), "en" | "es") {
        cells.wrong("language", "we write in English and Spanish only", "write en or es");
    }
    Some((name?, email?, phone?, state?, language))
}

fn product<'a>(cells: &mut Cells<'_>, rules: Rules<'a>) -> Option<&'a Product> {
    let name = cells.needed("product")?;
    let found = rules.catalog.get(&name);
    if found.is_none() {
        let known: Vec<&str> = rules.catalog.names().collect();
        cells.wrong(
            "product",
            "there is no such product",
            &format!("write one of {}", known.join(", ")),
        );
    }
    found
}

fn balances(
    cells: &mut Cells<'_>,
    product: Option<&Product>,
    days: Option<&Days>,
    totals: &mut Totals,
) -> Option<BroughtForward> {
    let principal = cells.principal();
    let billed_interest = cells.money("billed_interest");
    let (fees, penalty_fees) = (cells.money("fees"), cells.money("penalty_fees"));
    let credit_balance = cells.money("credit_balance");
    let this_year = (cells.money("interest_this_year"), cells.money("fees_this_year"));
    let dues = Dues::read(cells, (days.map(|days| days.as_of), days.map(|days| days.opened_on)));
    let grace_lost = cells.yes("grace_lost");
    let sum = |amounts: &[Option<Cents>]| {
        let sum =
            amounts.iter().flatten().fold(0_i64, |sum, amount| sum.saturating_add(amount.get()));
        Cents::new(sum)
    };
    let parts: Vec<Option<Cents>> =
        principal.iter().flatten().map(|(_, amount)| Some(*amount)).collect();
    totals.principal = sum(&parts);
    totals.interest = sum(&[billed_interest]);
    totals.fees = sum(&[fees, penalty_fees]);
    if let (Some(parts), Some(product)) = (&principal, product) {
        for (feature, _) in parts.iter().filter(|(feature, _)| !feature.is_empty()) {
            if !product.features.iter().any(|one| one.name == *feature) {
                let column = format!("principal.{feature}");
                cells.wrong(
                    &column,
                    "the row's product has no such feature",
                    "move the amount to one that it has",
                );
            }
        }
    }
    let owed = sum(&[Some(totals.principal), Some(totals.interest), Some(totals.fees)]);
    if credit_balance.is_some_and(Cents::is_positive) && owed.is_positive() {
        cells.wrong("credit_balance", "something is owed as well", "set one off against the other");
    }
    if let Some(dues) = &dues
        && dues.minimum > owed
    {
        let wrong = format!("more is due than is owed, {}", shown(&owed.to_string()));
        cells.wrong("minimum_due", wrong, "correct one of the two");
    }
    let draws_made = draws_made(cells, totals.principal);
    let principal_at_repayment = principal_at_repayment(cells, product);
    let dues = dues?;
    Some(BroughtForward {
        principal: principal?
            .into_iter()
            .map(|(feature, amount)| FeatureAmount { feature, amount })
            .collect(),
        billed_interest: billed_interest?,
        fees: fees?,
        penalty_fees: penalty_fees?,
        credit_balance: credit_balance?,
        minimum_unpaid: dues.minimum,
        due_on: dues.due_on,
        past_due: dues.past_due,
        past_due_since: dues.since,
        interest_this_year: this_year.0?,
        fees_this_year: this_year.1?,
        grace_lost,
        opened_on: days.map(|days| days.opened_on),
        draws_made,
        principal_at_repayment,
    })
}

/// With which the repayment period began, where the row says it.
fn principal_at_repayment(cells: &mut Cells<'_>, product: Option<&Product>) -> Option<Cents> {
    let said = cells.money("principal_at_repayment").filter(|said| said.is_positive());
    if said.is_some() && product.is_some_and(|product| product.repayment.is_none()) {
        let wrong = "draws of the row's product have no end, and so no repayment period begins";
        cells.wrong("principal_at_repayment", wrong, "leave it empty");
    }
    said
}

/// How often the line was drawn before, where the row says it.
fn draws_made(cells: &mut Cells<'_>, principal: Cents) -> Option<u32> {
    let draws_made = cells.count("draws_made", DRAWS_MAX);
    if draws_made == Some(0) && principal.is_positive() {
        let wrong = "principal is owed, which somebody drew";
        cells.wrong("draws_made", wrong, "correct it, or leave it empty");
    }
    draws_made
}

/// All of a bank account, or none of it.
#[expect(clippy::option_option, reason = "wrong, none, or one")]
fn bank(cells: &mut Cells<'_>) -> Option<Option<Bank>> {
    let name = cells.words("bank_name");
    let routing = cells.words("bank_routing");
    let number = cells.words("bank_account_number");
    let kind = cells.words("bank_account_kind").map(|kind| kind.to_lowercase());
    let given = [
        ("bank_routing", routing.is_some()),
        ("bank_account_number", number.is_some()),
        ("bank_account_kind", kind.is_some()),
    ];
    if given.iter().all(|(_, there)| !there) {
        return Some(None);
    }
    for (column, _) in given.iter().filter(|(_, there)| !there) {
        cells.wrong(
            column,
            "a part of the bank account is missing",
            "fill it in, or leave all of the account out",
        );
    }
    let routing_number = routing.as_deref().map(str::parse::<nacha::RoutingNumber>);
    if matches!(routing_number, Some(Err(_))) {
        cells.wrong(
            "bank_routing",
            "this is no routing number: nine digits, the last of which checks the others",
            "correct it; a spreadsheet may have cut a leading zero",
        );
    }
    if let Some(number) = &number
        && !((4..=17).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit()))
    {
        cells.wrong(
            "bank_account_number",
            "this is no account number: 4 to 17 digits",
            "correct it",
        );
    }
    let kind = kind.and_then(|kind| match kind.as_str() {
        "checking" => Some(BankKind::Checking),
        "savings" => Some(BankKind::Savings),
        _ => {
            cells.wrong(
                "bank_account_kind",
                "this is no kind of account",
                "write checking or savings",
            );
            None
        }
    });
    let name = name.unwrap_or_else(|| "Bank".to_owned());
    let routing_number = routing_number?.ok()?;
    Some(Some(Bank { name, kind: kind?, routing_number, account_number: number? }))
}
