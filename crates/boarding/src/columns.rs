//! The columns of a file: their names, which must be there, and what a name that is none was probably meant to be.

use std::collections::BTreeMap;

use credit::ProductCatalog;

use crate::{
    row::{Fault, shown},
    table::CellKind,
};

/// Of the file of refused rows: why. When the file comes again the column is not looked at.
pub const REFUSED_BECAUSE: &str = "refused_because";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Words,
    Money,
    Rate,
    Day,
    Count,
}

/// Name, what it holds, whether the column must be there.
const COLUMNS: [(&str, Holds, bool); 39] = [
    ("reference", Holds::Words, true),
    ("name", Holds::Words, true),
    ("email", Holds::Words, true),
    ("phone", Holds::Words, true),
    ("state", Holds::Words, true),
    ("language", Holds::Words, false),
    ("postal_address", Holds::Words, false),
    ("flags", Holds::Words, false),
    ("product", Holds::Words, true),
    ("credit_limit", Holds::Money, true),
    ("apr", Holds::Rate, true),
    ("covered_borrower", Holds::Words, false),
    ("opened_on", Holds::Day, true),
    ("close_day", Holds::Count, false),
    ("last_closed_on", Holds::Day, false),
    ("as_of", Holds::Day, true),
    ("principal", Holds::Money, false),
    ("billed_interest", Holds::Money, true),
    ("accrued_interest", Holds::Money, true),
    ("fees", Holds::Money, true),
    ("penalty_fees", Holds::Money, true),
    ("credit_balance", Holds::Money, true),
    ("minimum_due", Holds::Money, true),
    ("due_on", Holds::Day, true),
    ("past_due", Holds::Money, false),
    ("oldest_due_on", Holds::Day, false),
    ("days_past_due", Holds::Count, false),
    ("interest_this_year", Holds::Money, false),
    ("fees_this_year", Holds::Money, false),
    ("grace_lost", Holds::Words, false),
    ("draws_made", Holds::Count, false),
    ("principal_at_repayment", Holds::Money, false),
    ("bank_name", Holds::Words, false),
    ("bank_routing", Holds::Words, false),
    ("bank_account_number", Holds::Words, false),
    ("bank_account_kind", Holds::Words, false),
    ("opening_record_given_on", Holds::Day, false),
    ("autopay", Holds::Words, false),
    (REFUSED_BECAUSE, Holds::Words, false),
];

/// From here on (of 1) a name is taken for a slip of another.
const ALIKE: f64 = 0.8;

/// The names of all columns.
pub fn column_names() -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().map(|(name, ..)| *name)
}

/// Where a value stands, and whether it is in cents.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) at: usize,
    pub(crate) cents: bool,
}

/// Which column stands where.
#[derive(Debug)]
pub(crate) struct Header {
    places: BTreeMap<&'static str, Place>,
    /// Principal by feature.
    pub(crate) features: Vec<(String, Place)>,
    pub(crate) width: usize,
}

impl Header {
    /// All that is wrong with the names, at once.
    pub(crate) fn read(
        names: &[String],
        kinds: &[CellKind],
        catalog: &ProductCatalog,
    ) -> Result<Self, Vec<Fault>> {
        let mut header = Self { places: BTreeMap::new(), features: Vec::new(), width: names.len() };
        let mut faults = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let kind = kinds.get(at).copied().unwrap_or(CellKind::Text);
            if let Err(fault) = header.add(at, name, kind, catalog) {
                faults.push(*fault);
            }
        }
        header.look_for_missing(names, &mut faults);
        if faults.is_empty() { Ok(header) } else { Err(faults) }
    }

    fn look_for_missing(&self, names: &[String], faults: &mut Vec<Fault>) {
        let has = |name: &str| self.places.contains_key(name);
        let mut missing: Vec<&str> = COLUMNS
            .iter()
            .filter(|(name, _, required)| *required && !has(name))
            .map(|(name, ..)| *name)
            .collect();
        if !has("principal") && self.features.is_empty() {
            missing.push("principal (or principal.FEATURE)");
        }
        if !has("close_day") && !has("last_closed_on") {
            missing.push("close_day (or last_closed_on)");
        }
        if !missing.is_empty() {
            let semicolons = names.len() == 1
                && names.first().is_some_and(|name| name.contains([';', '\t', '|']));
            let to_do = if semicolons {
                "part the columns by commas"
            } else {
                "add them; docs/boarding.md says what each holds, and a cell may be empty where nothing is owed"
            };
            faults.push(Fault::of_file(
                &format!("these columns are missing: {}", missing.join(", ")),
                to_do,
            ));
        }
        if has("principal") && !self.features.is_empty() {
            faults.push(Fault::of_file(
                "there is a column `principal` and there are columns of principal by feature",
                "keep one or the other",
            ));
        }
    }

    fn add(
        &mut self,
        at: usize,
        name: &str,
        kind: CellKind,
        catalog: &ProductCatalog,
    ) -> Result<(), Box<Fault>> {
        let name = name.trim();
        let refuse = |wrong: String, to_do: &str| {
            Box::new(Fault { column: Some(shown(name)), ..Fault::of_file(&wrong, to_do) })
        };
        let (plain, cents) = match name.strip_suffix("_cents") {
            Some(plain) => (plain, true),
            None => (name, false),
        };
        let place = Place { at, cents };
        if let Some(feature) = plain.strip_prefix("principal.") {
            let known = catalog
                .names()
                .filter_map(|name| catalog.get(name))
                .any(|product| product.features.iter().any(|one| one.name == feature));
            if !known {
                return Err(refuse(
                    "no product has this feature".to_owned(),
                    "name one that it has",
                ));
            }
            money_is_exact(kind, cents).map_err(|(wrong, to_do)| refuse(wrong, to_do))?;
            if self.features.iter().any(|(one, _)| one == feature) {
                return Err(refuse("the column stands there twice".to_owned(), "keep one of them"));
            }
            self.features.push((feature.to_owned(), place));
            return Ok(());
        }
        let found = COLUMNS
            .iter()
            .find(|(known, holds, _)| *known == plain && (!cents || *holds == Holds::Money));
        let Some((known, holds, _)) = found else {
            let to_do = match nearest(plain) {
                Some(near) => format!("did you mean `{near}`? Otherwise leave the column out"),
                None => {
                    "leave the column out; docs/boarding.md lists those that there are".to_owned()
                }
            };
            return Err(refuse("there is no such column".to_owned(), &to_do));
        };
        if *holds == Holds::Money {
            money_is_exact(kind, cents).map_err(|(wrong, to_do)| refuse(wrong, to_do))?;
        } else if kind == CellKind::Floating {
            return Err(refuse(FLOATING.to_owned(), "store it as text or as a decimal"));
        }
        if self.places.insert(*known, place).is_some() {
            return Err(refuse("the column stands there twice".to_owned(), "keep one of them"));
        }
        Ok(())
    }

    pub(crate) fn place(&self, name: &str) -> Option<Place> {
        self.places.get(name).copied()
    }

    /// The reference among a row's cells.
    pub(crate) fn reference<'a>(&self, cells: &'a [String]) -> &'a str {
        let cell = self.place("reference").and_then(|place| cells.get(place.at));
        cell.map(|cell| cell.trim()).unwrap_or_default()
    }
}

const FLOATING: &str = "it is stored as a floating-point number, which does not hold cents exactly";

fn money_is_exact(kind: CellKind, cents: bool) -> Result<(), (String, &'static str)> {
    match kind {
        CellKind::Floating => Err((
            FLOATING.to_owned(),
            "store it as a decimal, as text, or as whole cents in a column whose name ends in _cents",
        )),
        CellKind::Whole if !cents => Err((
            "it is stored as whole numbers, and whether of dollars or of cents cannot be told"
                .to_owned(),
            "add _cents to the name of the column, or store it as a decimal or as text",
        )),
        _ => Ok(()),
    }
}

/// The column whose name is most like what was written.
fn nearest(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase().replace([' ', '-'], "_");
    column_names()
        .filter(|known| *known != REFUSED_BECAUSE)
        .map(|known| (strsim::jaro_winkler(known, &lower), known))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, known)| known)
}
