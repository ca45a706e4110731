//! The rates of a statement are those that were charged, each with what bore it; and the days of a cycle come to its interest.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "common/text.rs"]
mod text;

use credit::{
    CycleRecord, ProductCatalog, StatementInterest,
    scenario::{self, LineReport},
};
use money::Cents;
use text::{draw, event, pay};

/// A line of product `T`, the plain one with `product`, since September 2026; its cycles are the months.
fn lived(product: &str, as_of: &str, line: &str) -> LineReport {
    let text = format!(
        "as_of = {as_of}\n[[product]]\nname = \"T\"\nbased_on = \"CASHLINE-STD-1\"\n{product}\n[product.minimum]\narms = [{{ amount = \"0.00\" }}]\n[line]\nproduct = \"T\"\nopened_on = 2026-09-01\nclose_day = 31\ncredit_limit = \"90000.00\"\n{line}"
    );
    let scenario = scenario::parse(&text, &ProductCatalog::embedded().unwrap())
        .map_err(|error| format!("{error}\n{text}"));
    scenario::run(&scenario.unwrap()).unwrap().lines.remove(0)
}

/// With these tiers.
fn sliced(interest: &str, tiers: &[(&str, &str)], more: &str) -> String {
    let tier = |(up_to, apr): &(&str, &str)| match *up_to {
        "" => format!("{{ apr = \"{apr}\" }}"),
        up_to => format!("{{ up_to = \"{up_to}\", apr = \"{apr}\" }}"),
    };
    let tiers: Vec<_> = tiers.iter().map(tier).collect();
    let tiers = tiers.join(", ");
    format!(
        "[product.interest]\n{interest}\n[[product.features]]\nname = \"draws\"\ntiers = [{tiers}]\n{more}\n"
    )
}

fn cents(text: &str) -> Cents {
    Cents::parse_dollars(text).unwrap()
}

fn statement_interest(line: &LineReport, number: usize) -> &StatementInterest {
    line.statements.get(number - 1).unwrap().interest.first().unwrap()
}

/// Rate in ppm, days, balance.
fn rates(of: &StatementInterest) -> Vec<(u32, u32, Cents)> {
    of.rates.iter().map(|one| (one.apr.ppm(), one.days, one.average_balance)).collect()
}

fn cap(on: &str, apr: &str) -> String {
    event("rate_cap", on, &format!("apr = \"{apr}\""))
}

fn record(line: &LineReport) -> &CycleRecord {
    line.position.cycles.first().unwrap()
}

/// 40 % on 500.00 was charged, though the average reaches 30 % and the close neither.
#[test]
fn the_military_rate_goes_by_the_highest_rate_that_was_charged() {
    let tiers = [("500.00", "40%"), ("", "30%")];
    for balance in ["average_daily_balance", "daily_balance"] {
        let product = sliced(&format!("balance = \"{balance}\""), &tiers, "");
        let product = format!("limits = {{ apr_cap = \"70%\" }}\n{product}");
        let events = [draw("2026-09-01", "1500.00"), pay("2026-09-28", "1100.00")];
        let line = lived(&product, "2026-10-02", &events.concat());
        assert_eq!(record(&line).charges.apr.ppm(), 400_000, "{balance}");
    }
}

#[test]
fn tiers_that_cost_the_same_on_a_day_are_one_rate_of_that_day() {
    let tiers = [("500.00", "24%"), ("", "18%")];
    let product = sliced("", &tiers, "");
    let events = [draw("2026-09-05", "1500.00"), cap("2026-09-16", "6%")];
    let line = lived(&product, "2026-10-02", &events.concat());
    let told = rates(statement_interest(&line, 1));
    let each = [(240_000, 11, cents("500.00")), (180_000, 11, cents("1000.00"))];
    assert_eq!(told, [each[0], each[1], (60_000, 15, cents("1500.00"))]);
}

#[test]
fn one_rate_that_is_not_the_one_of_the_close_is_told() {
    let tiers = [("500.00", "24%"), ("", "18%")];
    let promotion = "promotion = { apr = \"5%\", through = 2026-09-15 }";
    let product = sliced("balance = \"average_daily_balance\"", &tiers, promotion);
    let events = [draw("2026-09-01", "1000.00"), pay("2026-09-15", "1000.00")];
    let line = lived(&product, "2026-10-02", &events.concat());
    // 1,000.00 on 14 of the 15 days of the promotion.
    assert_eq!(rates(statement_interest(&line, 1)), [(50_000, 15, cents("933.33"))]);
}

#[test]
fn a_whole_balance_has_the_rate_of_the_tier_that_bears_interest_and_not_of_its_principal() {
    let tiers = [("1000.00", "18%"), ("", "15%")];
    let product = sliced("on_billed_interest = true", &tiers, "tiers_on = \"whole\"");
    let line = lived(&product, "2026-11-02", &draw("2026-09-01", "995.00"));
    // October bears interest on 995.00 and the 14.72 of September.
    let october = line.daily_balances.iter().filter(|day| day.cycle == 2);
    assert!(october.clone().all(|day| day.apr.ppm() == 150_000 && day.balance == cents("1009.72")));
    assert_eq!(rates(statement_interest(&line, 2)), [(150_000, 31, cents("1009.72"))]);
}

#[test]
fn an_average_and_its_slices_are_rounded_the_same_way() {
    let tiers = [("100.00", "24%"), ("", "18%")];
    let product =
        sliced("balance = \"average_daily_balance\"\naverage_rounding = \"down\"", &tiers, "");
    let line = lived(&product, "2026-10-02", &draw("2026-09-11", "1000.00"));
    let told = statement_interest(&line, 1);
    assert_eq!(told.average_balance, cents("666.66"));
    assert_eq!(rates(told), [(240_000, 30, cents("100.00")), (180_000, 30, cents("566.66"))]);
}

#[test]
fn the_rate_that_is_reached_is_that_of_the_highest_tier_though_a_lower_one_costs_the_same() {
    let tiers = [("500.00", "18%"), ("1000.00", "24%"), ("", "18%")];
    let product = sliced("balance = \"average_daily_balance\"", &tiers, "");
    let line = lived(&product, "2026-10-02", &draw("2026-09-01", "1500.00"));
    let told = statement_interest(&line, 1);
    assert_eq!(told.apr.ppm(), 180_000);
    assert_eq!(rates(told), [(240_000, 30, cents("500.00")), (180_000, 30, cents("1000.00"))]);
}

/// However interest is reckoned, the days of a cycle come to what it costs.
#[test]
fn the_days_of_a_cycle_come_to_its_interest() {
    let tiers = "[[product.features]]\nname = \"draws\"\ntiers = [{ up_to = \"500.00\", apr = \"18%\" }, { apr = \"15%\" }]";
    let balances = ["daily", "average_daily", "previous", "adjusted", "ending"];
    let ways = ["period = \"monthly\"", "day_basis = \"30/360\"", "day_basis = \"actual\""];
    for (balance, way) in balances.iter().flat_map(|one| ways.iter().map(move |way| (one, way))) {
        for features in ["", tiers, &format!("{tiers}\ntiers_on = \"whole\"")] {
            let product =
                format!("[product.interest]\n{way}\nbalance = \"{balance}_balance\"\n{features}");
            let events = [draw("2026-09-20", "5500.00"), pay("2026-10-12", "700.00")];
            let apr = if features.is_empty() { "apr = \"19.99%\"\n" } else { "" };
            let line = format!(
                "{apr}[line.brought_forward]\nprincipal = \"80000.00\"\n{}",
                events.concat()
            );
            let line = lived(&product, "2026-12-01", &line);
            for record in &line.position.cycles {
                let days = line.daily_balances.iter().filter(|day| day.cycle == record.number);
                let days: f64 = days.map(|day| day.interest.parse::<f64>().unwrap()).sum();
                let billed: Cents = record.interest.iter().map(|one| one.amount).sum();
                let off = (days * 100.0 - f64::from(i32::try_from(billed.get()).unwrap())).abs();
                assert!(off < 0.51, "{product}: {days} for {billed}");
            }
        }
    }
}

/// 300.00 at 29.99 % for 91 days are 22.43, which fell due on December 10, and 22 days of December 5.42.
#[test]
fn what_fell_due_of_an_earlier_time_is_told_apart() {
    let promotion = "[[product.features]]\nname = \"draws\"\napr = \"29.99%\"\npromotion = { apr = \"0%\", through = 2026-12-09, deferred = true }\n";
    let drawn = draw("2026-09-10", "300.00");
    let report = lived(promotion, "2027-01-01", &drawn);
    let december = statement_interest(&report, 4);
    assert_eq!(december.amount, cents("27.85"));
    assert_eq!(december.deferred_due, cents("22.43"));
    assert_eq!(december.earlier_cycles, Cents::ZERO);
    assert_eq!(statement_interest(&report, 3).deferred_due, Cents::ZERO);
}

#[test]
fn what_falls_due_in_a_cycle_that_grace_spares_bears_nothing_in_it() {
    let product = "[product.interest]\ncompounding = \"daily\"\n[product.grace]\nkind = \"paid_in_full\"\nleaves_out = [\"draws\"]\n[[product.features]]\nname = \"draws\"\npromotion = { apr = \"0%\", through = 2026-10-15, deferred = true }\n";
    let report =
        lived(product, "2026-11-02", &format!("apr = \"24%\"\n{}", draw("2026-09-01", "1000.00")));
    let october = statement_interest(&report, 2);
    // 1,000.00 × (1.000657534^45 − 1), and the 16 days after it at nothing.
    assert_eq!((october.amount, october.deferred_due), (cents("30.02"), cents("30.02")));
    assert_eq!(october.rates.iter().map(|one| one.average_balance).max(), Some(Cents::ZERO));
}
