//! Which sandbox customer is meant by what was typed.

use servicing::{Caller, Servicing};
use store::customers::Customer;

use crate::exit::UsageError;

/// Names that are listed at most.
const NAMES_MAX: usize = 8;

/// From here on (of 1) a word of a name is taken for a slip of the one that was typed.
const ALIKE: f64 = 0.84;

/// The one customer meant.
pub(super) async fn find(servicing: &Servicing, wanted: &str) -> anyhow::Result<Customer> {
    let customers = servicing.list_customers(Caller::system()).await?;
    Ok(choose(&customers, wanted)?)
}

fn choose(customers: &[Customer], wanted: &str) -> Result<Customer, UsageError> {
    let lower = wanted.trim().to_lowercase();
    let named = |customer: &Customer| customer.name.to_lowercase();
    let exact = |one: &Customer| one.id.to_string() == lower || named(one) == lower;
    if let Some(customer) = customers.iter().find(|customer| exact(customer)) {
        return Ok(customer.clone());
    }
    let close: Vec<&Customer> =
        customers.iter().filter(|customer| named(customer).contains(&lower)).collect();
    match close.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(UsageError(format!(
            "no sandbox customer is called \"{wanted}\"{}",
            hint(customers, &lower)
        ))),
        several => Err(UsageError(format!(
            "\"{wanted}\" could be {}: say more",
            listed(several.iter().map(|customer| customer.name.as_str()))
        ))),
    }
}

/// The names that are nearest, or where all of them are listed.
fn hint(customers: &[Customer], lower: &str) -> String {
    let mut near: Vec<(f64, &str)> = customers
        .iter()
        .map(|customer| (likeness(&customer.name.to_lowercase(), lower), customer.name.as_str()))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    near.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    if near.is_empty() {
        return "; `plumbline serve --sandbox` lists them on its first page".to_owned();
    }
    format!("; did you mean {}?", listed(near.into_iter().map(|(_, name)| name)))
}

/// How much the whole name, or a word of it, is like what was typed: 0 to 1.
fn likeness(name: &str, lower: &str) -> f64 {
    let words = name.split_whitespace().chain([name]);
    words.map(|word| strsim::jaro_winkler(word, lower)).fold(0.0, f64::max)
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let shown = names.iter().take(NAMES_MAX).copied().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(NAMES_MAX) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} or {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use identity::CustomerId;
    use store::customers::Language;

    use super::*;

    fn people(names: &[&str]) -> Vec<Customer> {
        let created_at = DateTime::<Utc>::UNIX_EPOCH;
        let person = |name: &&str| Customer {
            id: CustomerId::mint(created_at),
            name: (*name).to_owned(),
            email: String::new(),
            phone: String::new(),
            state: "CA".to_owned(),
            language: Language::English,
            archetype: None,
            summary: None,
            created_at,
        };
        names.iter().map(person).collect()
    }

    #[test]
    fn a_part_of_one_name_is_that_customer_and_of_several_none() {
        let people = people(&["Maria Alvarez", "Maria Lopez", "John Smith"]);
        assert_eq!(choose(&people, "smith").unwrap().name, "John Smith");
        let refused = choose(&people, "maria").unwrap_err().to_string();
        assert!(refused.contains("Maria Alvarez, Maria Lopez: say more"), "{refused}");
    }

    #[test]
    fn a_slip_of_the_pen_is_told_the_names_that_are_near() {
        let people = people(&["Maria Alvarez", "John Smith"]);
        let refused = |wanted: &str| choose(&people, wanted).unwrap_err().to_string();
        assert!(refused("Maria Alvares").ends_with("did you mean Maria Alvarez?"));
        assert!(refused("Smiht").ends_with("did you mean John Smith?"));
        assert!(refused("Xqz").contains("serve --sandbox"), "{}", refused("Xqz"));
    }
}
