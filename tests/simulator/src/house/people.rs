//! The customers of a house, and what they ask for.

use anyhow::{Context as _, ensure};
use chrono::Days;
use credit::{FlagKind, Terms};
use identity::{BankAccountId, CreditLineId, CustomerId, DrawId, PaymentId, RepresentativeId};
use money::{Apr, Cents};
use servicing::{
    AmountAsk, BankAccountAsk, Caller, DrawAsk, Key, Level, PaymentAsk, Servicing, ServicingError,
    originate::{NewBankAccount, Opening},
    staff_changes::ServicePeriod,
    testing,
};
use store::{
    bank_accounts::{BankAccountKind, BankAccountStatus},
    draws::{DrawRail, DrawStatus},
    intents::ReceiptRow,
    payments::PaymentStatus,
    representatives::StaffRole,
};

use super::House;
use crate::history::{Agreed, Kind};

#[derive(Clone, Copy, Debug)]
pub(super) struct Resident {
    pub(super) id: CustomerId,
    pub(super) line: CreditLineId,
    pub(super) agreed: Agreed,
    account: BankAccountId,
    accounts: u64,
    /// Of their asks.
    keys: u64,
}

/// What a customer, or somebody for them, asks for.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    Draw(DrawAsk),
    Pay(PaymentAsk),
    CancelPayment(PaymentId),
    CancelDraw(DrawId),
    Raise(FlagKind),
    Clear(FlagKind),
    DueDay(u32),
    LowerLimit(Cents),
    /// Of a credit balance.
    Refund(BankAccountId),
    /// Two people take back a payment that was keyed wrongly.
    Reverse(PaymentId),
    /// Military service, from a day that may have passed.
    Service(ServicePeriod),
}

const FLAGS: [FlagKind; 4] =
    [FlagKind::Hardship, FlagKind::Disaster, FlagKind::Dispute, FlagKind::Attorney];

impl Resident {
    fn keys_said(&self) -> String {
        format!("{}-{}", self.id, self.keys)
    }
}

impl House {
    pub(super) async fn move_in(&mut self, lines: u64) -> anyhow::Result<()> {
        for number in 0..lines {
            let kind = self.dice.pick(&Kind::LINES).unwrap_or(Kind::Std);
            let sub = kind == Kind::Sub;
            let apr = if sub { 0 } else { self.dice.between(1_199, 3_599) * 100 };
            let most = if sub { 10 } else { 60 };
            let agreed = Agreed {
                follows_index: false,
                kind,
                credit_limit: Cents::new(self.dice.between(4, most) * 5_000),
                apr: Apr::from_ppm(u32::try_from(apr)?),
                close_day: u32::try_from(self.dice.between(1, 31))?,
                opened_on: self.today,
            };
            let now = self.clock.now();
            let mut resident = Resident {
                id: CustomerId::mint(now),
                line: CreditLineId::mint(now),
                agreed,
                account: BankAccountId::mint(now),
                accounts: 0,
                keys: 0,
            };
            let servicing = self.process().await?.servicing.clone();
            open(&servicing, &resident, number).await?;
            resident.account = add_account(&servicing, &resident).await?;
            resident.accounts = 1;
            self.people.push(resident);
        }
        Ok(())
    }

    /// What somebody feels like today, with the minute of the day; decided on what they see.
    pub(super) async fn wish(&mut self, who: usize) -> anyhow::Result<Option<Ask>> {
        let resident = *self.people.get(who).context("nobody lives there")?;
        let servicing = self.process().await?.servicing.clone();
        let which = self.dice.below(1_000);
        Ok(match which {
            0..60 => {
                let amount =
                    Cents::new(self.dice.between(2_000, resident.agreed.credit_limit.get()));
                let instant = self.dice.chance(500);
                let rail = if instant { DrawRail::Instant } else { DrawRail::Standard };
                Some(Ask::Draw(DrawAsk { amount, bank_account_id: resident.account, rail }))
            }
            60..150 => {
                let amount = match self.dice.below(5) {
                    0 => AmountAsk::Minimum,
                    1 => AmountAsk::Statement,
                    2 => AmountAsk::Payoff,
                    _ => AmountAsk::Exact { cents: Cents::new(self.dice.between(100, 30_000)) },
                };
                let later = if self.dice.chance(500) { self.dice.below(20) } else { 0 };
                let on = self.today.checked_add_days(Days::new(later)).unwrap_or(self.today);
                let from = BankAccountAsk::Id(resident.account);
                Some(Ask::Pay(PaymentAsk { amount, on, from }))
            }
            150..165 => {
                let caller = Caller::customer(resident.id);
                let payments = servicing.list_payments(caller, resident.id).await?;
                let waiting =
                    payments.iter().find(|one| one.payment.status == PaymentStatus::Scheduled);
                waiting.map(|one| Ask::CancelPayment(one.payment.id))
            }
            165..172 => {
                let draws =
                    servicing.list_draws(Caller::customer(resident.id), resident.id).await?;
                let held = draws.iter().find(|one| one.draw.status == DrawStatus::Held);
                held.map(|one| Ask::CancelDraw(one.draw.id))
            }
            172..175 => self.dice.pick(&FLAGS).map(Ask::Raise),
            175..190 => {
                let standing = servicing.standing_flags(Caller::system(), resident.id).await?;
                let flag = standing.first().map(|flag| flag.kind);
                flag.filter(|flag| FLAGS.contains(flag)).map(Ask::Clear)
            }
            190..200 => {
                self.renews_account(who, &servicing).await?;
                None
            }
            200..210 => self.staff_wish(&resident, &servicing).await?,
            _ => None,
        })
    }

    /// What is rarer, and what staff enter.
    async fn staff_wish(
        &mut self,
        resident: &Resident,
        servicing: &Servicing,
    ) -> anyhow::Result<Option<Ask>> {
        let caller = Caller::customer(resident.id);
        Ok(match self.dice.below(10) {
            0 => Some(Ask::DueDay(u32::try_from(self.dice.between(1, 28))?)),
            1 | 2 => {
                let limit = resident.agreed.credit_limit.get();
                Some(Ask::LowerLimit(Cents::new(self.dice.between(4, limit / 5_000) * 5_000)))
            }
            3 | 4 => Some(Ask::Refund(resident.account)),
            5..9 => {
                let payments = servicing.list_payments(caller, resident.id).await?;
                let settled = |one: &PaymentStatus| *one == PaymentStatus::Settled;
                let last = payments.iter().find(|one| settled(&one.payment.status));
                last.map(|one| Ask::Reverse(one.payment.id))
            }
            _ => {
                let days = Days::new(self.dice.below(40));
                let from = self.today.checked_sub_days(days).unwrap_or(self.today);
                let from = from.max(resident.agreed.opened_on);
                let through = from.checked_add_days(Days::new(100 + self.dice.below(200)));
                let note = "orders seen".to_owned();
                Some(Ask::Service(ServicePeriod { from, through, note }))
            }
        })
    }

    /// Those who look after the lines.
    pub(super) async fn hire(&mut self) -> anyhow::Result<()> {
        let servicing = self.process().await?.servicing.clone();
        for (at, name) in ["First", "Second"].into_iter().enumerate() {
            let id = RepresentativeId::mint(servicing.now());
            let role = StaffRole::Representative;
            servicing.add_representative(Caller::system(), id, name, role).await?;
            if let Some(place) = self.staff.get_mut(at) {
                *place = Caller::representative(id);
            }
        }
        Ok(())
    }

    /// A bank account that can no longer be used is followed by another.
    async fn renews_account(&mut self, who: usize, servicing: &Servicing) -> anyhow::Result<()> {
        let resident = self.people.get_mut(who).context("nobody lives there")?;
        let caller = Caller::customer(resident.id);
        let accounts = servicing.list_bank_accounts(caller, resident.id).await?;
        let usable = accounts.iter().find(|one| one.status == BankAccountStatus::Verified);
        resident.account = if let Some(account) = usable {
            account.id
        } else {
            let account = add_account(servicing, resident).await?;
            resident.accounts += 1;
            account
        };
        Ok(())
    }

    /// Asks under a key of its own; where the process dies over it the same is asked again, and now and then for no reason.
    pub(super) async fn ask(&mut self, who: usize, ask: &Ask) -> anyhow::Result<()> {
        let resident = self.people.get_mut(who).context("nobody lives there")?;
        resident.keys += 1;
        let resident = *resident;
        let key = Key::parse(&resident.keys_said())?;
        let staff = self.staff;
        let death = self.death(80, 30);
        let first = self
            .attempt(death, async |servicing| {
                asked(&servicing, &resident, ask, (&key, staff)).await
            })
            .await?;
        let again = self.dice.chance(60);
        let answer = match first {
            Some(answer) if !again => answer?,
            before => {
                let second = self
                    .attempt(None, async |servicing| {
                        asked(&servicing, &resident, ask, (&key, staff)).await
                    })
                    .await?
                    .context("the process died of itself")??;
                if let Some(before) = before {
                    let before = before?;
                    // A refusal is not kept: what was refused may be possible now.
                    ensure!(
                        before.is_none() || before == second,
                        "asked twice, answered otherwise"
                    );
                }
                second
            }
        };
        drop(answer);
        Ok(())
    }
}

async fn open(servicing: &Servicing, resident: &Resident, number: u64) -> anyhow::Result<()> {
    let system = Caller::system();
    let id = resident.id;
    servicing.add_customer(system, id, testing::new_customer(&format!("Resident{number}"))).await?;
    let consent = testing::consent();
    let agreed = Key::parse(&format!("consent-{id}"))?;
    servicing.record_esign_consent(system, id, &consent, &agreed).await?;
    let Agreed { kind, credit_limit, apr, close_day, .. } = resident.agreed;
    let terms = Terms::open(&kind.product()?, credit_limit, apr, close_day);
    let opening = Opening { customer_id: id, decision_id: None, terms };
    let key = Key::parse(&resident.line.to_string())?;
    servicing.open_line(system, resident.line, opening, &key).await?;
    Ok(())
}

async fn add_account(servicing: &Servicing, resident: &Resident) -> anyhow::Result<BankAccountId> {
    let id = BankAccountId::mint(servicing.now());
    let new = NewBankAccount {
        kind: BankAccountKind::Checking,
        bank_name: "First Harbor Bank".to_owned(),
        routing_number: "021000021".to_owned(),
        account_number: format!("{:012}", 111_224_000 + resident.accounts),
    };
    servicing.add_bank_account(Caller::system(), resident.id, id, &new).await?;
    Ok(id)
}

/// The receipt; nothing for a refusal, which is an answer too.
async fn asked(
    servicing: &Servicing,
    resident: &Resident,
    ask: &Ask,
    (key, [first, second]): (&Key, [Caller; 2]),
) -> anyhow::Result<Option<ReceiptRow>> {
    let (caller, id) = (Caller::customer(resident.id), resident.id);
    let answer = match ask {
        Ask::Draw(ask) => servicing.draw(caller, id, *ask, key).await.map(Some),
        Ask::Pay(ask) => servicing.schedule_payment(caller, id, ask, key).await.map(Some),
        Ask::CancelPayment(payment) => {
            servicing.cancel_payment(caller, id, *payment, key).await.map(Some)
        }
        Ask::CancelDraw(draw) => servicing.cancel_draw(caller, id, *draw, key).await.map(Some),
        Ask::Raise(flag) => {
            servicing.raise_flag(Caller::system(), id, *flag, "simulated").await.map(|_| None)
        }
        Ask::Clear(flag) => {
            let cleared =
                servicing.clear_flag(Caller::system(), id, *flag, "looked into", key).await;
            cleared.map(|_| None)
        }
        Ask::DueDay(day) => servicing.change_due_day(caller, id, *day, key).await.map(Some),
        Ask::LowerLimit(to) => {
            servicing.lower_limit(caller.at(Level::L3), id, *to, key).await.map(Some)
        }
        Ask::Refund(account) => servicing.request_refund(caller, id, *account, key).await.map(Some),
        Ask::Reverse(payment) => {
            let decided = Key::parse(&format!("{}-decided", resident.keys_said()))?;
            match servicing.ask_reversal(first, *payment, "keyed wrongly", key).await {
                Ok(asked) => {
                    let decision = (true, "seen");
                    let done = servicing.countersign(second, asked.id, decision, &decided);
                    done.await.map(|_| None)
                }
                Err(error) => Err(error),
            }
        }
        Ask::Service(period) => {
            // One period: the engine's figures of two that overlap are not what is looked at here.
            let flags = servicing.standing_flags(Caller::system(), id).await?;
            if flags.iter().any(|flag| flag.kind == FlagKind::Scra) {
                return Ok(None);
            }
            servicing.record_service(first, id, period, key).await.map(|_| None)
        }
    };
    match answer {
        Err(ServicingError::Refused(_)) => Ok(None),
        answer => answer.with_context(|| format!("{ask:?}")),
    }
}
