//! The plain line: what a product is where its file is silent (docs/scenario.md, "Products").

use calendar::Tz;
use chrono::NaiveTime;
use money::{Apr, Cents, Rounding};

use crate::product::{
    BalanceAt, BalanceMethod, Compounding, CountsOn, DateTerms, DelinquencyTerms, Feature,
    FeeTerms, GraceKind, GraceTerms, InterestTerms, LimitTerms, MinimumArm, MinimumBase,
    MinimumTerms, Period, PrincipalOrder, Product, Regime, ReturnPolicy, RoundedAt, RoundedPer,
    TiersOn, Waterfall, WaterfallStep,
};
use crate::rate::DayBasis;

impl Default for Product {
    fn default() -> Self {
        Self {
            name: "UNNAMED".to_owned(),
            based_on: None,
            version: 1,
            title: String::new(),
            regime: Regime::Line,
            dates: DateTerms::default(),
            interest: InterestTerms::default(),
            grace: GraceTerms::default(),
            features: vec![Feature::plain("draws", None)],
            minimum: MinimumTerms::default(),
            repayment: None,
            waterfall: Waterfall::default(),
            fees: FeeTerms::default(),
            limits: LimitTerms::default(),
            returns: ReturnPolicy::FromOriginalEffectiveDate,
            delinquency: DelinquencyTerms::default(),
            penalty_rate: None,
            state_overrides: Vec::new(),
        }
    }
}

impl Feature {
    /// Its tiers divide a balance, so that several rates bear on one day.
    pub(crate) fn slices_by_tiers(&self) -> bool {
        !self.tiers.is_empty() && self.tiers_on == TiersOn::Slices
    }

    #[must_use]
    pub fn plain(name: &str, apr: Option<Apr>) -> Self {
        Self {
            name: name.to_owned(),
            apr,
            rates: Vec::new(),
            variable: None,
            promotion: None,
            tiers: Vec::new(),
            tiers_on: TiersOn::Slices,
            balance: None,
            new_draws: None,
            grace: true,
            fee: None,
            instalments: None,
        }
    }
}

impl Default for DateTerms {
    fn default() -> Self {
        Self {
            zone: Tz::America__Los_Angeles,
            cut_off: NaiveTime::from_hms_opt(17, 0, 0).unwrap_or_default(),
            due_days_after_close: 25,
            due_day: None,
            statement_window_days: 14,
            payments_count_on: CountsOn::CalendarDays,
            change_notice_days: 45,
            due_moves_to_banking_day: true,
        }
    }
}

impl Default for InterestTerms {
    fn default() -> Self {
        Self {
            day_basis: DayBasis::D365,
            period: Period::Daily,
            rate_digits: None,
            compounding: Compounding::None,
            balance: BalanceMethod::DailyBalance,
            balance_at: BalanceAt::EndOfDay,
            round_average: false,
            average_rounding: Rounding::HalfUp,
            new_draws: true,
            on_billed_interest: false,
            on_fees: false,
            on_new_fees: true,
            daily_decimals: None,
            daily_rounding: Rounding::HalfUp,
            rounding: Rounding::HalfUp,
            rounded_at: RoundedAt::Close,
            rounded_per: RoundedPer::Feature,
            autopay_discount: Apr::ZERO,
            minimum_charge: Cents::ZERO,
            waived_below: Cents::ZERO,
        }
    }
}

impl Default for GraceTerms {
    fn default() -> Self {
        Self {
            kind: GraceKind::None,
            regained_after_cycles: 1,
            spares_new_draws_on_regain: true,
            credits_partial_payment: true,
            leaves_out: Vec::new(),
        }
    }
}

impl Default for MinimumTerms {
    fn default() -> Self {
        Self {
            arms: vec![
                MinimumArm { amount: Cents::new(2_500), ..MinimumArm::default() },
                MinimumArm {
                    percent: Apr::from_ppm(20_000),
                    plus_interest: true,
                    plus_fees: true,
                    ..MinimumArm::default()
                },
            ],
            paid_charges_count: false,
            add_interest: false,
            add_fees: false,
            add_penalty_fees: false,
            add_past_due: true,
            add_over_limit: false,
            over_limit_one_of: None,
            over_limit_whole_dollars: None,
            past_due_or_over_limit: false,
            whole_dollars: None,
            multiple_of: Cents::new(100),
            free_cycles: 0,
            cap_includes_penalty_fees: false,
            credits_count: true,
        }
    }
}

impl Default for MinimumArm {
    fn default() -> Self {
        Self {
            amount: Cents::ZERO,
            amount_when_late: None,
            late_within_cycles: 0,
            percent: Apr::ZERO,
            one_of: None,
            amortised_over: None,
            brackets: Vec::new(),
            of: MinimumBase::Principal,
            less: Vec::new(),
            plus_interest: false,
            plus_fees: false,
            plus_penalty_fees: false,
            plus_past_due: false,
            rounding: Rounding::HalfUp,
            whole_dollars: None,
            multiple_of: Cents::new(100),
            most: None,
        }
    }
}

impl Default for Waterfall {
    fn default() -> Self {
        use WaterfallStep::{
            AccruedInterest, BilledFees, BilledInterest, MinimumPrincipal, OpenFees, PenaltyFees,
            Principal,
        };
        Self {
            steps: vec![
                BilledInterest,
                BilledFees,
                MinimumPrincipal,
                PenaltyFees,
                Principal,
                OpenFees,
                AccruedInterest,
            ],
            minimum_order: PrincipalOrder::HighestApr,
            excess_order: PrincipalOrder::HighestApr,
            deferred_first_in_last_cycles: 0,
        }
    }
}

impl Default for LimitTerms {
    fn default() -> Self {
        Self {
            least_draw: Cents::ZERO,
            most_per_day: None,
            most_draws_per_day: None,
            one_open_draw: false,
            charges_use_limit: false,
            payment_hold_days: 0,
            new_line_hold_days: 0,
            new_line_days: 0,
            draws_stop_when_past_due: true,
            apr_cap: None,
        }
    }
}

impl Default for DelinquencyTerms {
    fn default() -> Self {
        Self { full_payment: Apr::from_ppm(900_000) }
    }
}
