//! The table: a line for each row as it is known, whether its goal holds, and the count at the end.

/// What a row is to reach.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// None: it is there to be known.
    Reported,
}

/// A figure with its unit and its decimals.
#[derive(Clone, Copy)]
pub(crate) struct Figure {
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) decimals: usize,
}

/// Which rows are wanted, and how they turned out.
pub(crate) struct Table {
    only: Option<String>,
    holds: u32,
    fails: u32,
    reported: u32,
    absent: u32,
}

impl Table {
    /// Begins it, of the rows whose name has this in it, whatever its case.
    pub(crate) fn begin(only: Option<String>) -> Self {
        super::say("| what | goal | figure | | more |");
        super::say("|---|---|---|---|---|");
        Self { only: only.map(|only| only.to_lowercase()), holds: 0, fails: 0, reported: 0, absent: 0 }
    }

    pub(crate) fn wants(&self, what: &str) -> bool {
        self.only.as_ref().is_none_or(|only| what.to_lowercase().contains(only))
    }

    pub(crate) fn row(&mut self, what: &str, goal: Goal, figure: Figure, more: &str) {
        let (count, verdict) = match goal {
            Goal::Reported => (&mut self.reported, "reported"),
            _ if goal.holds(figure.value) => (&mut self.holds, "holds"),
            _ => (&mut self.fails, "**does not hold**"),
        };
        *count += 1;
        let Figure { value, unit, decimals } = figure;
        let goal = goal.shown(unit, decimals);
        super::say(&format!("| {what} | {goal} | {value:.decimals$}{unit} | {verdict} | {more} |"));
    }

    /// A row that cannot be had here, and why.
    pub(crate) fn absent(&mut self, what: &str, goal: Goal, unit: &'static str, why: &str) {
        self.absent += 1;
        super::say(&format!("| {what} | {} | | {why} | |", goal.shown(unit, 2)));
    }

    pub(crate) fn end(self) {
        let Self { holds, fails, reported, absent, .. } = self;
        super::say(&format!(
            "\n{holds} of {} goals hold, {fails} do not; {reported} rows without a goal, {absent} not measured.",
            holds + fails
        ));
    }
}

impl Goal {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
            Self::Reported => true,
        }
    }

    fn shown(self, unit: &str, decimals: usize) -> String {
        match self {
            Self::AtLeast(least) => format!("≥ {least:.decimals$}{unit}"),
            Self::AtMost(most) => format!("≤ {most:.decimals$}{unit}"),
            Self::Reported => String::new(),
        }
    }
}
