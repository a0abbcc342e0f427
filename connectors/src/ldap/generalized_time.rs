//! Directory time (generalizedTime, RFC 4517 §3.3.13) as seconds since 1970, and back. Reads no clock.

const DAY: i64 = 86_400;

/// Seconds since 1970-01-01T00:00:00Z; fractions are dropped. `None` when it is not such a time.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let (digits, zone) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let part = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<i64>().ok());
    let (year, month, day, hour) = (part(0, 4)?, part(4, 6)?, part(6, 8)?, part(8, 10)?);
    let (minute, second) = match digits.len() {
        10 => (0, 0),
        12 => (part(10, 12)?, 0),
        14 => (part(10, 12)?, part(12, 14)?),
        _ => return None,
    };
    let sound = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if !sound {
        return None;
    }
    let zone = zone.strip_prefix(['.', ',']).map_or(zone, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    Some(days(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset(zone)?)
}

/// Seconds since 1970 as `20260131235959Z`; `None` beyond the year 9999.
pub(crate) fn text(seconds: i64) -> Option<String> {
    let (date, time) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    // Civil dates from days, in eras of 400 years that begin on the first of March.
    let shifted = date + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let clock = format!("{:02}{:02}{:02}", time / 3600, time / 60 % 60, time % 60);
    (0..=9999).contains(&year).then(|| format!("{year:04}{month:02}{day:02}{clock}Z"))
}

/// Days since 1970 of a civil date.
pub(super) fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Seconds east of Greenwich: `Z`, `+01`, `-0330`.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" || zone == "z" {
        return Some(0);
    }
    let (sign, rest) = if let Some(rest) = zone.strip_prefix('+') { (1, rest) } else { (-1, zone.strip_prefix('-')?) };
    let number = |from: usize| rest.get(from..from + 2).and_then(|part| part.parse::<i64>().ok());
    let minutes = match rest.len() {
        2 => 0,
        4 => number(2)?,
        _ => return None,
    };
    Some(sign * (number(0)? * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::{seconds, text};
    use proptest::prelude::*;

    #[test]
    fn times_are_read_as_directories_write_them() {
        assert_eq!(seconds("19700101000000Z"), Some(0));
        assert_eq!(seconds("20260131120000Z"), Some(1_769_860_800));
        assert_eq!(seconds("20260131120000.0Z"), seconds("20260131120000Z"));
        assert_eq!(seconds("202601311300+0100"), seconds("20260131120000Z"));
        assert_eq!(seconds("2026013112Z"), seconds("20260131120000Z"));
        assert_eq!(seconds("20240229000000Z"), Some(1_709_164_800));
        for wrong in ["", "2026", "20261331000000Z", "20260131000000", "20260131000000X", "tomorrow", "20260131250000Z"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_time_written_reads_the_same(at in 0_i64..250_000_000_000) {
            prop_assert_eq!(seconds(&text(at).unwrap_or_default()), Some(at));
        }
    }
}
