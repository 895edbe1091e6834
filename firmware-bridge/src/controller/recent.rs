//! What was delivered a short time ago: streams and histories tell the same.

use std::collections::{HashSet, VecDeque};

/// How many events are remembered.
const MOST: usize = 2_048;

/// Events by number and time.
#[derive(Debug, Default)]
pub struct Recent {
    order: VecDeque<(i64, i64)>,
    known: HashSet<(i64, i64)>,
}

impl Recent {
    /// Whether an event is among them.
    pub fn has(&self, name: (i64, i64)) -> bool {
        self.known.contains(&name)
    }

    /// An event is kept.
    pub fn add(&mut self, name: (i64, i64)) {
        if !self.known.insert(name) {
            return;
        }
        self.order.push_back(name);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut recent = Recent::default();
        for number in 0..=i64::try_from(MOST).expect("a small number") {
            recent.add((number, 0));
        }
        assert!(!recent.has((0, 0)) && recent.has((1, 0)) && !recent.has((1, 1)));
        assert_eq!(recent.order.len(), recent.known.len());
    }
}
