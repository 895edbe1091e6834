//! Waiting times after wrong passwords: bounded in memory, and never a lock that outsiders could make permanent.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// How many accounts and addresses are remembered; beyond it the one that failed longest ago is forgotten.
const REMEMBERED: usize = 4_096;
/// Wrong passwords for one account that cost nothing yet.
const FREE_FOR_ACCOUNT: u32 = 4;
/// Wrong passwords from one address that cost nothing yet: a whole office may share one.
const FREE_FOR_ADDRESS: u32 = 19;
/// The longest wait. It is short enough that an outsider who keeps guessing cannot keep the owner out.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// After so long without a failure everything is forgiven.
const FORGIVEN_AFTER: Duration = Duration::from_mins(15);

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Account(String),
    Address(IpAddr),
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    /// When the last one was, on the caller's monotonic clock.
    last: Duration,
}

/// Counts wrong passwords by account and by address. Times are monotonic, from any fixed start.
#[derive(Debug, Default)]
pub struct Attempts {
    failures: HashMap<Key, Failures>,
}

impl Attempts {
    /// How long to wait before a login may be tried again; `None` if it may be tried now.
    pub fn wait(&self, account: &str, address: IpAddr, now: Duration) -> Option<Duration> {
        let of = |key: &Key| self.failures.get(key).map(|failures| wait_after(key, *failures, now));
        let longest = of(&Key::Account(account.to_owned())).max(of(&Key::Address(prefix(address))));
        longest.filter(|wait| !wait.is_zero())
    }

    /// Notes a wrong password. Returns how often in a row it now was wrong for the account.
    pub fn failed(&mut self, account: &str, address: IpAddr, now: Duration) -> u32 {
        self.count(Key::Address(prefix(address)), now);
        self.count(Key::Account(account.to_owned()), now)
    }

    /// Notes a right password: the account starts afresh. The address does not, or a guesser would log in between guesses.
    pub fn succeeded(&mut self, account: &str) {
        self.failures.remove(&Key::Account(account.to_owned()));
    }

    fn count(&mut self, key: Key, now: Duration) -> u32 {
        if !self.failures.contains_key(&key) && self.failures.len() >= REMEMBERED {
            self.forget_oldest();
        }
        let failures = self.failures.entry(key).or_insert(Failures { count: 0, last: now });
        if now.saturating_sub(failures.last) >= FORGIVEN_AFTER {
            failures.count = 0;
        }
        *failures = Failures {
            count: failures.count.saturating_add(1),
            last: now,
        };
        failures.count
    }

    fn forget_oldest(&mut self) {
        let oldest = self
            .failures
            .iter()
            .min_by_key(|(_, failures)| failures.last)
            .map(|(key, _)| key.clone());
        if let Some(oldest) = oldest {
            self.failures.remove(&oldest);
        }
    }
}

/// 1 s after the first that is not free, doubling, up to [`LONGEST_WAIT`]; less what has passed.
fn wait_after(key: &Key, failures: Failures, now: Duration) -> Duration {
    let free = match key {
        Key::Account(_) => FREE_FOR_ACCOUNT,
        Key::Address(_) => FREE_FOR_ADDRESS,
    };
    let passed = now.saturating_sub(failures.last);
    if failures.count <= free || passed >= FORGIVEN_AFTER {
        return Duration::ZERO;
    }
    let doublings = (failures.count - free - 1).min(16);
    Duration::from_secs(1 << doublings)
        .min(LONGEST_WAIT)
        .saturating_sub(passed)
}

/// One host has a whole /64 of IPv6 addresses to guess from.
fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn failed_times(times: u32) -> Attempts {
        let mut attempts = Attempts::default();
        for _ in 0..times {
            attempts.failed("chen", HERE, seconds(100));
        }
        attempts
    }

    #[test]
    fn the_fifth_wrong_password_makes_one_wait_and_waiting_helps() {
        assert_eq!(failed_times(4).wait("chen", HERE, seconds(100)), None);
        let attempts = failed_times(6);
        assert_eq!(attempts.wait("chen", HERE, seconds(100)), Some(seconds(2)));
        assert_eq!(attempts.wait("chen", HERE, seconds(102)), None);
        assert_eq!(
            attempts.wait("li", HERE, seconds(100)),
            None,
            "another account from there is free"
        );
    }

    #[test]
    fn no_wait_is_longer_than_a_minute_and_a_right_password_clears_the_account() {
        let mut attempts = failed_times(10_000);
        assert_eq!(attempts.wait("chen", HERE, seconds(100)), Some(LONGEST_WAIT));
        assert_eq!(
            attempts.wait("li", HERE, seconds(100)),
            Some(LONGEST_WAIT),
            "the address has to wait as well"
        );
        attempts.succeeded("chen");
        let elsewhere = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9));
        assert_eq!(attempts.wait("chen", elsewhere, seconds(100)), None);
    }

    #[test]
    fn memory_is_bounded_and_the_newest_are_kept() {
        let mut attempts = Attempts::default();
        for number in 0..20_000_u32 {
            attempts.failed(
                &format!("guess {number}"),
                IpAddr::V4(Ipv4Addr::from_bits(number)),
                seconds(u64::from(number)),
            );
        }
        assert_eq!(attempts.failures.len(), REMEMBERED);
        assert!(attempts.failures.contains_key(&Key::Account("guess 19999".into())));
    }

    #[test]
    fn a_host_is_one_however_it_varies_its_ipv6_address() {
        let address = |text: &str| prefix(text.parse().expect("an address"));
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:1"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_eq!(address("::ffff:127.0.0.1"), HERE);
    }
}
