//! Cron expressions: text in, the next time out. Pure; all times are UTC.
//!
//! The five fields of crontab(5), with lists, ranges, steps and names, and its rule that a day matches by either of its
//! fields where both are given. What others have added (seconds, `L`, `W`, `#`, `@daily`) is refused.

use std::fmt;
use std::time::Duration;

use super::schedule::Moment;

const MINUTE: u64 = 60;
const DAY: u64 = 86_400;
const DAY_MINUTES: u64 = 24 * 60;
/// A Monday, 29 February, can be forty years away, over 2100; no expression that ever matches is later.
const YEARS_MAX: u64 = 41;

/// A cron expression that matches some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    text: String,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    /// 0 is Sunday.
    weekdays: u64,
    either_day: bool,
}

/// One of a manifest's `[[alarms]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronAlarm {
    /// Its name.
    pub name: String,
    /// When.
    pub cron: Cron,
    /// Which handler.
    pub handler: String,
}

/// What is no cron expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what}; allowed: minute (0-59), hour (0-23), day (1-31), month (1-12 or jan-dec), weekday (0-7 or sun-sat), each '*' \
     or a list of values and ranges with steps, such as \"*/15 8-18 * * mon-fri\"; times are UTC"
)]
pub struct NotCron {
    what: String,
}

struct Field {
    name: &'static str,
    low: u64,
    high: u64,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", low: 0, high: 59, names: &[] },
    Field { name: "hour", low: 0, high: 23, names: &[] },
    Field { name: "day", low: 1, high: 31, names: &[] },
    Field {
        name: "month",
        low: 1,
        high: 12,
        names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    Field { name: "weekday", low: 0, high: 7, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

impl Cron {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it; also where it never matches, as 30 February.
    pub fn parse(text: &str) -> Result<Self, NotCron> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = *fields.as_slice() else {
            return Err(NotCron { what: format!("{} fields in place of 5", fields.len()) });
        };
        let [of_minute, of_hour, of_day, of_month, of_weekday] = &FIELDS;
        let weekdays = of_weekday.parse(weekday)?;
        let cron = Self {
            text: fields.join(" "),
            minutes: of_minute.parse(minute)?,
            hours: of_hour.parse(hour)?,
            days: of_day.parse(day)?,
            months: of_month.parse(month)?,
            weekdays: (weekdays | weekdays >> 7) & 0x7f,
            either_day: !day.starts_with('*') && !weekday.starts_with('*'),
        };
        match cron.next(Moment(0)) {
            Moment::NEVER => Err(NotCron { what: "no day is ever that".to_owned() }),
            _ => Ok(cron),
        }
    }

    /// The first time after `now` that matches, to the minute.
    pub fn next(&self, now: Moment) -> Moment {
        let first = now.since(Moment(0)).as_secs() / MINUTE + 1;
        let first_day = first / DAY_MINUTES;
        for day in first_day..first_day + YEARS_MAX * 366 {
            if !self.has_day(day) {
                continue;
            }
            let from = if day == first_day { first % DAY_MINUTES } else { 0 };
            let matching =
                (from..DAY_MINUTES).find(|minute| has(self.hours, minute / 60) && has(self.minutes, minute % 60));
            if let Some(minute) = matching {
                return Moment(0).after(Duration::from_secs((day * DAY_MINUTES + minute) * MINUTE));
            }
        }
        Moment::NEVER
    }

    fn has_day(&self, days: u64) -> bool {
        let (_, month, day) = date(days);
        // 1 January 1970 was a Thursday.
        let (by_day, by_weekday) = (has(self.days, day), has(self.weekdays, (days + 4) % 7));
        let this_day = if self.either_day { by_day || by_weekday } else { by_day && by_weekday };
        has(self.months, month) && this_day
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Field {
    fn parse(&self, text: &str) -> Result<u64, NotCron> {
        text.split(',').try_fold(0, |set, part| Ok(set | self.part(part).ok_or_else(|| self.refused(part))?))
    }

    /// `*`, a value or a range, with a step or without.
    fn part(&self, part: &str) -> Option<u64> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(number(step).filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let (low, high) = match range.split_once('-') {
            _ if range == "*" => (self.low, self.high),
            Some((low, high)) => (self.value(low)?, self.value(high)?),
            // Of a step, the start.
            None if step.is_some() => (self.value(range)?, self.high),
            None => (self.value(range)?, self.value(range)?),
        };
        let step = usize::try_from(step.unwrap_or(1)).ok()?;
        (low <= high).then(|| (low..=high).step_by(step).fold(0, |set, value| set | 1 << value))
    }

    fn value(&self, text: &str) -> Option<u64> {
        let named = || self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let value = number(text).or_else(|| named().map(|place| place as u64 + self.low))?;
        (self.low..=self.high).contains(&value).then_some(value)
    }

    fn refused(&self, part: &str) -> NotCron {
        NotCron { what: format!("'{}' is no {}", part.escape_debug(), self.name) }
    }
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

fn has(set: u64, value: u64) -> bool {
    set >> value & 1 == 1
}

/// As `2026-11-22 03:00:00`, in UTC.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.since(Moment(0)).as_secs();
        let ((year, month, day), of_day) = (date(seconds / DAY), seconds % DAY);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(f, "{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

/// The year, the month (from 1) and its day (from 1), of days since 1970 (Howard Hinnant's `civil_from_days`).
fn date(days: u64) -> (u64, u64, u64) {
    let since_0 = days + 719_468;
    let (era, of_era) = (since_0 / 146_097, since_0 % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, after) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + after, month, day)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn next(text: &str, seconds: u64) -> u64 {
        Cron::parse(text).unwrap().next(Moment(0).after(Duration::from_secs(seconds))).since(Moment(0)).as_secs()
    }

    #[test]
    fn next_is_the_first_that_matches_after_now() {
        // 2026-11-22T16:41:24Z, a Sunday.
        let now = 1_795_365_684;
        for (text, expected) in [
            ("* * * * *", 1_795_365_720),
            ("*/15 * * * *", 1_795_365_900),
            ("0 3 * * *", 1_795_402_800),
            ("41 16 * * *", 1_795_452_060),
            ("0 0 1 * *", 1_796_083_200),
            ("0 0 * * mon", 1_795_392_000),
            ("0 0 * * 7", 1_795_910_400),
            ("0 12 29 2 *", 1_835_438_400),
            ("0 0 13 * fri", 1_795_737_600),
            ("5/20 9-17/4 * JAN,dec 1-5", 1_796_115_900),
        ] {
            assert_eq!(next(text, now), expected, "{text}");
        }
    }

    #[test]
    fn moment_reads_as_a_date() {
        assert_eq!(Moment(1_795_365_684_999_999_999).to_string(), "2026-11-22 16:41:24");
    }

    #[test]
    fn expression_that_is_none_is_refused_with_the_field() {
        for (text, said) in [
            ("", "0 fields in place of 5"),
            ("* * * * * *", "6 fields in place of 5"),
            ("60 * * * *", "'60' is no minute"),
            ("* 24 * * *", "'24' is no hour"),
            ("* * 0 * *", "'0' is no day"),
            ("* * * 13 *", "'13' is no month"),
            ("* * * * 8", "'8' is no weekday"),
            ("* * * foo *", "'foo' is no month"),
            ("5-1 * * * *", "'5-1' is no minute"),
            ("*/0 * * * *", "'*/0' is no minute"),
            ("1,, * * * *", "'' is no minute"),
            ("+1 * * * *", "'+1' is no minute"),
            ("@daily", "1 fields"),
            ("* * L * *", "'L' is no day"),
            ("0 0 30 2 *", "no day is ever that"),
        ] {
            let refused = Cron::parse(text).unwrap_err().to_string();
            assert!(refused.starts_with(said) && refused.contains("times are UTC"), "{text}: {refused}");
        }
    }

    #[test]
    fn date_of_each_day_follows_that_of_the_day_before() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..60_000 {
            assert_eq!(date(days), (year, month, day), "day {days}");
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 if leap => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            (month, day) = if day < length { (month, day + 1) } else { (month + 1, 1) };
            if month == 13 {
                (year, month) = (year + 1, 1);
            }
        }
    }

    fn value(low: u64, high: u64) -> impl Strategy<Value = String> {
        prop_oneof![
            Just("*".to_owned()),
            (low..=high).prop_map(|value| value.to_string()),
            (low..=high, low..=high).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
            (1..=high).prop_map(|step| format!("*/{step}")),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _read = Cron::parse(&text);
        }

        /// Against a look at each minute, up to a week away.
        #[test]
        fn next_is_what_a_look_at_each_minute_finds(
            minute in value(0, 59), hour in value(0, 23), day in value(1, 28), month in value(1, 12),
            weekday in value(0, 7), now in 0..20_000 * DAY,
        ) {
            let text = format!("{minute} {hour} {day} {month} {weekday}");
            let cron = Cron::parse(&text).unwrap();
            let begin = now / MINUTE + 1;
            let slow = (begin..begin + 7 * DAY_MINUTES).find(|at| {
                let of_day = at % DAY_MINUTES;
                has(cron.minutes, of_day % 60) && has(cron.hours, of_day / 60) && cron.has_day(at / DAY_MINUTES)
            });
            let found = next(&text, now);
            prop_assert!(found > now && found.is_multiple_of(MINUTE));
            match slow {
                Some(at) => prop_assert_eq!(found, at * MINUTE),
                None => prop_assert!(found >= (begin + 7 * DAY_MINUTES) * MINUTE),
            }
        }
    }
}
