//! The check of a recipe for fields that make no sense.

use std::fmt::Display;

use super::{PrecisionTable, PruningTable, Recipe, ScheduleKind};

/// The largest pictures that samples are resized to.
const SIDE_LIMIT: usize = 1024;

impl Recipe {
    /// Says which field makes no sense, if one does; a recipe that was changed may no longer be valid.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (field, value) in [("epochs", self.epochs), ("batch", self.batch as u64)] {
            if value == 0 {
                return Err(format!("{field}: 0 is no training; give 1 or more"));
            }
        }
        if let Some(side) = self.picture_side
            && !(1..=SIDE_LIMIT).contains(&side)
        {
            return Err(format!("picture_side: {side} is no number of pixels from 1 to {SIDE_LIMIT}"));
        }
        self.check_optimiser()?;
        self.check_schedule()?;
        if let Some(pruning) = &self.pruning {
            pruning.check(self.epochs)?;
        }
        if let Some(PrecisionTable { loss_scale, .. }) = self.precision {
            holds(
                "precision.loss_scale",
                loss_scale,
                loss_scale >= 1.0,
                "makes nothing larger; give 1 or more",
            )?;
        }
        if let Some(stop) = &self.early_stop {
            let share = stop.validation;
            holds("early_stop.validation", share, share > 0.0 && share < 1.0, "is no share between 0 and 1")?;
            if stop.patience == 0 {
                return Err("early_stop.patience: 0 waits for nothing; give 1 or more".to_owned());
            }
        }
        self.specs().map(drop)
    }

    fn check_optimiser(&self) -> Result<(), String> {
        let table = &self.optimiser;
        holds("optimiser.rate", table.rate, table.rate > 0.0, "is no rate; give a number above 0")?;
        let momentum = table.momentum;
        let stays = momentum > -1.0 && momentum < 1.0;
        holds("optimiser.momentum", momentum, stays, "never dies away; give more than -1 and less than 1")?;
        for (field, decay) in [("optimiser.l1", table.l1), ("optimiser.l2", table.l2)] {
            holds(field, decay, decay >= 0.0, "pulls weights away from 0; give 0 or more")?;
        }
        match self.clip_norm {
            Some(norm) => holds("clip_norm", norm, norm > 0.0, "is no norm; give a number above 0"),
            None => Ok(()),
        }
    }

    fn check_schedule(&self) -> Result<(), String> {
        let table = &self.schedule;
        for (field, value) in [
            ("schedule.warm_up_epochs", table.warm_up_epochs),
            ("schedule.every_epochs", table.every_epochs),
            ("schedule.factor", table.factor),
            ("schedule.last", table.last),
        ] {
            holds(field, value, value >= 0.0, "is below 0; give 0 or more")?;
        }
        if table.kind == ScheduleKind::Stepwise {
            let (every, factor) = (table.every_epochs, table.factor);
            holds("schedule.every_epochs", every, every >= 1.0, "is no step; give 1 or more")?;
            let shrinks = factor > 0.0 && factor <= 1.0;
            holds("schedule.factor", factor, shrinks, "is no factor; give more than 0 and at most 1")?;
        }
        Ok(())
    }
}

impl PruningTable {
    /// Says which field makes no sense, in a training of so many epochs.
    fn check(&self, epochs: u64) -> Result<(), String> {
        let PruningTable { sparsity, from_epoch, to_epoch, every_steps } = *self;
        let is_share = (0.0..1.0).contains(&sparsity);
        holds("pruning.sparsity", sparsity, is_share, "is no share from 0 to less than 1")?;
        holds("pruning.from_epoch", from_epoch, from_epoch >= 0.0, "is no epoch; give 0 or more")?;
        holds("pruning.to_epoch", to_epoch, to_epoch >= from_epoch, "is before pruning.from_epoch")?;
        if to_epoch > epochs as f64 {
            return Err(format!(
                "pruning.to_epoch: {to_epoch} is after the last of {epochs} epochs, so that the ramp never \
                 ends; give at most {epochs}, or more epochs"
            ));
        }
        if every_steps == 0 {
            return Err("pruning.every_steps: 0 is no number of steps; give 1 or more".to_owned());
        }
        Ok(())
    }
}

/// Refuses a number that is not finite, or for which `holds` is false; `problem` says why.
fn holds<T: Into<f64> + Copy + Display>(
    field: &str,
    value: T,
    holds: bool,
    problem: &str,
) -> Result<(), String> {
    if !value.into().is_finite() {
        return Err(format!("{field}: {value} is no finite number"));
    }
    if holds { Ok(()) } else { Err(format!("{field}: {value} {problem}")) }
}
