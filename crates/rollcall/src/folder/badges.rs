//! Whose card is it: badge keys as they are written, and decimal ones with or without leading zeros.

use std::collections::HashMap;

use rules::model::{Badge, BadgeIndex, Id};
use rules::time::Instant;

/// Finds badges by their keys. A key is looked up as it is written; a decimal one also without its leading zeros,
/// because cards are printed with them and readers leave them out.
#[derive(Clone, Debug, Default)]
pub struct BadgeKeys {
    /// The keys are the badges' own texts, so that comparing one brings it near for whoever looks at the badge.
    exact: HashMap<Id, BadgeIndex>,
    decimal: HashMap<Box<str>, Vec<BadgeIndex>>,
}

/// A decimal key without its leading zeros; `None` where the key is no decimal number.
fn without_zeros(key: &str) -> Option<&str> {
    let decimal = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
    decimal.then(|| match key.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    })
}

impl BadgeKeys {
    /// Indexes badges by their keys.
    pub fn new(badges: &[Badge]) -> Self {
        let mut keys = Self::default();
        for (badge, index) in badges.iter().zip(0..) {
            keys.exact.insert(badge.key.clone(), BadgeIndex(index));
            if let Some(digits) = without_zeros(&badge.key) {
                keys.decimal.entry(digits.into()).or_default().push(BadgeIndex(index));
            }
        }
        keys
    }

    /// The badge of a key that was read at an instant. Where several spellings of one number are known, the one that
    /// belongs to somebody at that instant, and of those the one that is spelled so.
    pub fn find(&self, key: &str, at: Instant, badges: &[Badge]) -> Option<BadgeIndex> {
        let owned = |index: &BadgeIndex| {
            badges[index.at()]
                .grants
                .iter()
                .any(|grant| grant.interval.contains(at))
        };
        let exact = self.exact.get(key).copied();
        if exact.is_some_and(|index| owned(&index)) {
            return exact;
        }
        let others = without_zeros(key)
            .and_then(|digits| self.decimal.get(digits))
            .map_or(&[][..], Vec::as_slice);
        let candidates = || exact.into_iter().chain(others.iter().copied());
        candidates().find(owned).or_else(|| candidates().next())
    }

    /// The keys under which a badge's swipes may be stored: as written, and without leading zeros.
    pub fn spellings(badge: &Badge) -> impl Iterator<Item = &str> {
        let short = without_zeros(&badge.key).filter(|short| *short != &*badge.key);
        std::iter::once(&*badge.key).chain(short)
    }
}

#[cfg(test)]
mod tests {
    use rules::model::{BadgeGrant, PersonIndex};
    use rules::time::Interval;

    use super::*;

    fn badge(key: &str, from: i64, until: i64) -> Badge {
        let interval = Interval::new(Instant::from_ms(from), Instant::from_ms(until));
        Badge {
            key: key.into(),
            grants: vec![BadgeGrant {
                interval,
                person: PersonIndex(0),
            }],
        }
    }

    #[test]
    fn a_key_is_found_as_written_first_and_then_as_a_number() {
        let badges = [
            badge("0012", 0, 10),
            badge("12", 10, 20),
            badge("A-07", 0, 20),
            badge("000", 0, 20),
            badge("5", 0, 20),
        ];
        let keys = BadgeKeys::new(&badges);
        let find = |key: &str, at| keys.find(key, Instant::from_ms(at), &badges).map(BadgeIndex::at);
        assert_eq!(find("0012", 5), Some(0));
        assert_eq!(find("12", 5), Some(0), "the number belongs to that spelling then");
        assert_eq!(find("12", 15), Some(1));
        assert_eq!(find("0012", 15), Some(1));
        assert_eq!(find("12", 25), Some(1), "nobody has it: as it is spelled");
        assert_eq!(find("0", 5), Some(3));
        assert_eq!(find("005", 5), Some(4));
        assert_eq!(find("A-7", 5), None, "text keys are taken as they are");
        assert_eq!(find("", 5), None);
        assert_eq!(BadgeKeys::spellings(&badges[0]).collect::<Vec<_>>(), ["0012", "12"]);
    }
}
