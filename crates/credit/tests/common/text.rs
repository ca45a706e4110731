//! Events of a line as a scenario file has them.

pub(crate) fn event(kind: &str, on: &str, rest: &str) -> String {
    format!("\n[[line.events]]\nkind = \"{kind}\"\non = {on}\n{rest}\n")
}

pub(crate) fn draw(on: &str, amount: &str) -> String {
    event("draw", on, &format!("amount = \"{amount}\""))
}

pub(crate) fn pay(on: &str, amount: &str) -> String {
    event("payment", on, &format!("amount = \"{amount}\""))
}
