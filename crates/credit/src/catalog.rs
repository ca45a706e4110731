//! The products that are compiled in, and how product files are read.

use std::collections::BTreeMap;

use money::Apr;
use serde_json::{Map, Value};

use crate::{
    Product,
    product::{Compounding, Feature, FeeBracket, Period, PlanFeeBase, PlanFeeDay, WaterfallStep},
    text_error::TextError,
};

/// Products by name. The files come from `products/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProductCatalog {
    products: BTreeMap<String, Product>,
}

const EMBEDDED: [&str; 4] = [
    include_str!("../../../products/cashline-std-1.toml"),
    include_str!("../../../products/cashline-std-1-fee3.toml"),
    include_str!("../../../products/cashline-sub-1.toml"),
    include_str!("../../../products/card-std-1.toml"),
];

impl ProductCatalog {
    /// The products that are compiled in.
    pub fn embedded() -> Result<Self, TextError> {
        let mut catalog = Self::default();
        for text in EMBEDDED {
            catalog.add(text)?;
        }
        Ok(catalog)
    }

    /// Reads a product file and adds it; one of the same name is replaced.
    pub fn add(&mut self, text: &str) -> Result<(), TextError> {
        let typed: Product = toml::from_str(text).map_err(|error| TextError::of(text, &error))?;
        let table: toml::Table =
            toml::from_str(text).map_err(|error| TextError::of(text, &error))?;
        let at_start = |message| TextError { line: 1, column: 1, message };
        let product = self.resolve(&typed, &table).map_err(at_start)?;
        self.insert(product);
        Ok(())
    }

    pub(crate) fn insert(&mut self, product: Product) {
        self.products.insert(product.name.clone(), product);
    }

    /// A product whose file may be based on another: `table` is what the file says, `typed` the same, already checked.
    pub(crate) fn resolve(&self, typed: &Product, table: &toml::Table) -> Result<Product, String> {
        let product = match &typed.based_on {
            None => typed.clone(),
            Some(name) => {
                let base = self.get(name).ok_or_else(|| self.unknown(name))?;
                let mut said = json_table(table);
                said.remove("based_on");
                base.with(&said)?
            }
        };
        product.check()?;
        product.check_as_written()?;
        Ok(product)
    }

    pub(crate) fn unknown(&self, name: &str) -> String {
        let known: Vec<_> = self.names().collect();
        format!("there is no product `{name}`; there are {}", known.join(", "))
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Product> {
        self.products.get(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.products.keys().map(String::as_str)
    }
}

impl Product {
    /// Reads a product file that is based on no other.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let product: Self = toml::from_str(text).map_err(|error| TextError::of(text, &error))?;
        product.check().map_err(|message| TextError { line: 1, column: 1, message })?;
        Ok(product)
    }

    /// The product with some of its terms replaced: tables are merged, lists and values take the place of the old.
    pub(crate) fn with(&self, said: &Map<String, Value>) -> Result<Self, String> {
        if said.contains_key("based_on") {
            return Err("`based_on` is of a product: name the other one as `product`".to_owned());
        }
        let product = self.merged(said)?;
        product.check()?;
        Ok(product)
    }

    fn merged(&self, said: &Map<String, Value>) -> Result<Self, String> {
        let mut whole = serde_json::to_value(self).map_err(|error| error.to_string())?;
        merge(&mut whole, said);
        serde_json::from_value(whole).map_err(|error| error.to_string())
    }

    /// What the types alone do not rule out.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.check_own()?;
        for rule in &self.state_overrides {
            let imposed = self.merged(&rule.terms).and_then(|product| product.check_own());
            imposed.map_err(|message| format!("terms of {}: {message}", rule.state))?;
        }
        Ok(())
    }

    fn check_own(&self) -> Result<(), String> {
        if self.features.is_empty() {
            return Err("a product needs at least one feature".to_owned());
        }
        if self.minimums().any(|minimum| minimum.arms.is_empty()) {
            return Err("a minimum needs at least one arm".to_owned());
        }
        for (at, feature) in self.features.iter().enumerate() {
            if self.features.iter().take(at).any(|earlier| earlier.name == feature.name) {
                return Err(format!("two features are named `{}`", feature.name));
            }
            let numbered = |other: &Feature| is_numbered(&feature.name, &other.name);
            if let Some(other) = self.features.iter().find(|other| numbered(other)) {
                return Err(format!(
                    "`{}` is what a further balance of `{}` is called: name the feature otherwise",
                    feature.name, other.name
                ));
            }
            if !feature.rates.is_sorted_by_key(|step| step.from) {
                return Err(format!("the rates of `{}` are not in order of date", feature.name));
            }
            let tops: Vec<_> = feature.tiers.iter().map(|tier| tier.up_to).collect();
            let open_end = tops.iter().position(Option::is_none);
            if !tops.is_empty() && open_end != Some(tops.len() - 1) {
                return Err(format!(
                    "the tiers of `{}` need an end open only on the last",
                    feature.name
                ));
            }
        }
        let dates = &self.dates;
        let penalty = self.penalty_rate.as_ref();
        let days = [
            ("penalty_rate.notice_days", penalty.map_or(0, |rule| rule.notice_days), 366),
            (
                "penalty_rate.after_days_past_due",
                penalty.map_or(0, |rule| rule.after_days_past_due),
                366,
            ),
            ("due_days_after_close", dates.due_days_after_close, 366),
            ("statement_window_days", dates.statement_window_days, 366),
            ("change_notice_days", dates.change_notice_days, 3_660),
            ("payment_hold_days", self.limits.payment_hold_days, 366),
            ("new_line_hold_days", self.limits.new_line_hold_days, 366),
            ("new_line_days", self.limits.new_line_days, 366),
            ("late.after_days", self.fees.late.as_ref().map_or(0, |late| late.after_days), 366),
            ("deferred_first_in_last_cycles", self.waterfall.deferred_first_in_last_cycles, 120),
        ];
        if let Some((name, _, most)) = days.iter().find(|(_, days, most)| days > most) {
            return Err(format!("`{name}` can be {most} at most"));
        }
        if self.interest.period == Period::Monthly && self.interest.compounding != Compounding::None
        {
            return Err("interest at a monthly rate does not compound daily".to_owned());
        }
        self.check_interest()?;
        self.check_method()?;
        self.check_payments()?;
        self.check_fees()?;
        self.check_brackets()?;
        self.check_coherence()?;
        let whole = serde_json::to_value(self).map_err(|error| error.to_string())?;
        if let Some(key) = negative_amount("", &whole) {
            return Err(format!("`{key}` must not be negative"));
        }
        if self.dates.due_day.is_some_and(|day| !(1..=31).contains(&day)) {
            return Err("`due_day` must be from 1 to 31".to_owned());
        }
        Ok(())
    }
}

impl Product {
    fn check_interest(&self) -> Result<(), String> {
        let interest = &self.interest;
        if interest.daily_decimals.is_some_and(|decimals| !(2..=10).contains(&decimals)) {
            return Err("`daily_decimals` must be from 2 to 10".to_owned());
        }
        if interest.rate_digits.is_some_and(|digits| digits.decimals > 8) {
            return Err("`rate_digits` can have 8 decimals at most".to_owned());
        }
        for feature in &self.features {
            let name = &feature.name;
            if let Some(promotion) = &feature.promotion
                && promotion.through.is_none()
                && promotion.cycles.is_none()
                && !promotion.ends_by_draw()
            {
                return Err(format!(
                    "the promotion of `{name}` has no end: state `through`, `cycles`, `cycles_from_draw` or `months_from_draw`"
                ));
            }
            let months = feature.instalments.as_ref().map(|rule| rule.months);
            if months.is_some_and(|months| !(1..=600).contains(&months)) {
                return Err(format!("the instalments of `{name}` must be from 1 to 600 months"));
            }
            let tops: Vec<_> = feature.tiers.iter().filter_map(|tier| tier.up_to).collect();
            if !tops.is_sorted_by(|one, next| one < next) {
                return Err(format!("the tiers of `{name}` are not in order, lowest first"));
            }
            let index = feature.variable.as_ref().map(|variable| variable.index.as_slice());
            if index
                .is_some_and(|index| index.is_empty() || !index.is_sorted_by_key(|one| one.from))
            {
                return Err(format!("the index of `{name}` needs values in order of date"));
            }
        }
        let unknown = |name: &&String| !self.features.iter().any(|one| one.name == **name);
        if let Some(name) = self.grace.leaves_out.iter().find(unknown) {
            return Err(format!("grace leaves out `{name}`, which is no feature"));
        }
        let penalised = self.penalty_rate.iter().flat_map(|rule| &rule.features);
        match penalised.into_iter().find(unknown) {
            Some(name) => Err(format!("the penalty rate names `{name}`, which is no feature")),
            None => Ok(()),
        }
    }

    fn check_fees(&self) -> Result<(), String> {
        let fees = &self.fees;
        let late = fees.late.as_ref();
        let plan = fees.plan.as_ref();
        let cases = [
            (plan.is_none() && !fees.further_plans.is_empty(), "`further_plans` needs `plan`"),
            (
                late.is_some_and(|one| {
                    one.repeat_amount.is_some() && one.repeat_within_cycles == 0
                }),
                "`late.repeat_amount` needs `repeat_within_cycles`",
            ),
            (
                fees.returned_payment_repeat.is_some()
                    && fees.returned_payment_repeat_within_cycles == 0,
                "`returned_payment_repeat` needs `returned_payment_repeat_within_cycles`",
            ),
            (
                plan.into_iter().chain(&fees.further_plans).any(|one| one.every_cycles == 0),
                "`every_cycles` of a plan fee must be 1 or more",
            ),
            (
                plan.into_iter().chain(&fees.further_plans).any(|one| {
                    one.on == PlanFeeDay::FirstDay && one.of == PlanFeeBase::AverageDailyBalance
                }),
                "a plan fee on the first day has no average daily balance yet: set its `of` or `on`",
            ),
            (
                self.minimums()
                    .flat_map(|one| &one.arms)
                    .any(|arm| arm.amount_when_late.is_some() && arm.late_within_cycles == 0),
                "`amount_when_late` needs `late_within_cycles`",
            ),
            (
                self.penalty_rate.as_ref().is_some_and(|rule| rule.apr == Apr::ZERO),
                "`penalty_rate` needs its `apr`",
            ),
            (
                self.penalty_rate.as_ref().is_some_and(|rule| rule.cured_after_minimums == Some(0)),
                "`penalty_rate.cured_after_minimums` must be 1 or more",
            ),
        ];
        match cases.iter().find(|(wrong, _)| *wrong) {
            Some((_, message)) => Err((*message).to_owned()),
            None => Ok(()),
        }
    }

    /// Amounts by size: lowest first, only the last without an end; where that has one, something has to hold beyond it.
    fn check_brackets(&self) -> Result<(), String> {
        let of_fee = |one: &FeeBracket| one.up_to;
        let tops = |brackets: &[FeeBracket]| brackets.iter().map(of_fee).collect::<Vec<_>>();
        let mut lists = Vec::new();
        if let Some(late) = &self.fees.late {
            lists.push((
                "late.brackets",
                tops(&late.brackets),
                late.amount.is_positive() || late.percent > Apr::ZERO,
            ));
        }
        for fee in self.features.iter().filter_map(|one| one.fee.as_ref()) {
            lists.push(("fee.brackets", tops(&fee.brackets), fee.beyond_brackets()));
        }
        for plan in self.fees.plan.iter().chain(&self.fees.further_plans) {
            let more = plan.amount.max(plan.least).is_positive() || plan.percent > Apr::ZERO;
            lists.push(("plan.brackets", tops(&plan.brackets), more));
        }
        for (whole, arm) in
            self.minimums().flat_map(|one| one.arms.iter().map(move |arm| (one, arm)))
        {
            let tops = arm.brackets.iter().map(|one| one.up_to).collect();
            let more = arm.amount.is_positive() || arm.percent > Apr::ZERO;
            let more = more || whole.arms.len() > 1;
            lists.push(("brackets of a minimum", tops, more));
        }
        for (name, tops, beyond) in lists {
            let ends: Vec<_> = tops.iter().flatten().collect();
            let last_open = tops.last().is_some_and(Option::is_none);
            let open = tops.len() - ends.len();
            if open > usize::from(last_open) || !ends.is_sorted_by(|one, next| one < next) {
                return Err(format!(
                    "`{name}` are not in order: lowest `up_to` first, and none on the last only"
                ));
            }
            if !ends.is_empty() && !last_open && !beyond {
                return Err(format!("`{name}` say nothing of what lies beyond the last `up_to`"));
            }
        }
        Ok(())
    }

    fn check_payments(&self) -> Result<(), String> {
        let steps = &self.waterfall.steps;
        let twice = |at: usize| steps.iter().take(at).any(|one| Some(one) == steps.get(at));
        if (0..steps.len()).any(twice) {
            return Err("a step stands twice in the waterfall".to_owned());
        }
        if !steps.contains(&WaterfallStep::Principal) && !steps.contains(&WaterfallStep::Balances) {
            return Err("the waterfall needs `principal` or `balances`".to_owned());
        }
        for arm in self.minimums().flat_map(|one| &one.arms) {
            let months = [arm.one_of, arm.amortised_over];
            if months.into_iter().flatten().any(|count| count == 0 || count > 1_200) {
                return Err("`one_of` and `amortised_over` must be from 1 to 1200".to_owned());
            }
        }
        Ok(())
    }
}

/// The name of a feature with a number after it, as its second balance and later ones have it.
pub(crate) fn is_numbered(name: &str, feature: &str) -> bool {
    let number = name.strip_prefix(feature).and_then(|rest| rest.strip_prefix(' '));
    number.is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The key of an amount below zero. Only a margin may be.
fn negative_amount<'a>(key: &'a str, value: &'a Value) -> Option<&'a str> {
    match value {
        Value::String(text) if key != "margin" && text.starts_with('-') => {
            text.get(1..2).filter(|digit| digit.starts_with(|c: char| c.is_ascii_digit()))?;
            Some(key)
        }
        Value::Array(items) => items.iter().find_map(|item| negative_amount(key, item)),
        Value::Object(table) => {
            table.iter().find_map(|(inner, value)| negative_amount(inner, value))
        }
        _ => None,
    }
}

fn merge(whole: &mut Value, said: &Map<String, Value>) {
    let Some(object) = whole.as_object_mut() else { return };
    for (key, value) in said {
        match (object.get_mut(key), value) {
            (Some(inner), Value::Object(table)) if inner.is_object() => merge(inner, table),
            _ => {
                object.insert(key.clone(), value.clone());
            }
        }
    }
}

/// A table of a file as the engine stores it.
pub(crate) fn json_table(table: &toml::Table) -> Map<String, Value> {
    table.iter().map(|(key, value)| (key.clone(), json(value))).collect()
}

fn json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.clone().into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Float(number) => (*number).into(),
        toml::Value::Boolean(yes) => (*yes).into(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(items) => items.iter().map(json).collect(),
        toml::Value::Table(table) => json_table(table).into(),
    }
}

#[cfg(test)]
mod tests {
    use money::Cents;

    use super::*;
    use crate::product::{DrawFee, Regime};

    #[test]
    fn every_product_that_is_compiled_in_reads() {
        let catalog = ProductCatalog::embedded().unwrap();
        let names: Vec<_> = catalog.names().collect();
        assert_eq!(
            names,
            ["CARD-STD-1", "CASHLINE-STD-1", "CASHLINE-STD-1-FEE3", "CASHLINE-SUB-1"]
        );
    }

    #[test]
    fn the_fee_variant_is_the_plain_line_with_a_draw_fee() {
        let catalog = ProductCatalog::embedded().unwrap();
        let mut fee3 = catalog.get("CASHLINE-STD-1-FEE3").unwrap().clone();
        let plain = catalog.get("CASHLINE-STD-1").unwrap();
        let fee: DrawFee = fee3.features.first_mut().unwrap().fee.take().unwrap();
        assert_eq!(fee.most, Some(Cents::new(3_000)));
        fee3.name.clone_from(&plain.name);
        fee3.title.clone_from(&plain.title);
        assert_eq!(&fee3, plain);
        assert_eq!(catalog.get("CARD-STD-1").unwrap().regime, Regime::Card);
    }

    #[test]
    fn a_product_is_stored_and_read_back_whole() {
        let catalog = ProductCatalog::embedded().unwrap();
        for product in catalog.products.values() {
            let stored = serde_json::to_value(product).unwrap();
            assert_eq!(&serde_json::from_value::<Product>(stored).unwrap(), product);
        }
    }

    #[test]
    fn an_error_names_its_line_and_column() {
        let error = Product::parse("name = \"X\"\n[interest]\nday_basis = \"364\"\n").unwrap_err();
        assert_eq!((error.line, error.column), (3, 13));
        let error = Product::parse("name = \"X\"\nflavour = 1\n").unwrap_err();
        assert_eq!((error.line, error.column), (2, 1));
    }
}
