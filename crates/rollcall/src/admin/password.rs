//! Passwords: Argon2id with 19 MiB, two passes, one lane; never on the threads that serve requests.

use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

/// The fewest characters of a password. Longer is better than stranger: nothing is asked of its composition.
pub const SHORTEST: usize = 12;
/// The most bytes of a password; it bounds what is hashed.
pub const LONGEST_BYTES: usize = 256;
/// How many passwords are hashed at a time: each takes 19 MiB and a core.
const AT_A_TIME: usize = 2;
/// How many may wait for that, those being hashed included; more are refused as busy.
const WAITING: usize = 16;

/// Why a password could not be hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many logins at once.
    #[error("too many passwords are being checked at the moment")]
    Busy,
    /// Argon2 refused.
    #[error("a password could not be hashed: {0}")]
    Hash(argon2::password_hash::Error),
    /// The thread that hashed died.
    #[error("the thread that hashed a password died")]
    Thread,
}

/// Hashes and compares passwords, a few at a time.
#[derive(Debug)]
pub struct Passwords {
    running: Semaphore,
    waiting: Semaphore,
}

/// What the password of an unknown account is compared with, so that it takes as long as for a known one.
static NOBODYS_HASH: LazyLock<Option<String>> = LazyLock::new(|| hash_now("no account has this password").ok());

impl Default for Passwords {
    fn default() -> Self {
        Self {
            running: Semaphore::new(AT_A_TIME),
            waiting: Semaphore::new(WAITING),
        }
    }
}

impl Passwords {
    /// The PHC string to store for a password.
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        self.run(move || hash_now(&password)).await
    }

    /// Whether a password is the one of an account with this stored hash; of no account it never is, and takes as long.
    pub async fn matches(&self, password: String, stored: Option<String>) -> Result<bool, PasswordError> {
        self.run(move || match (stored, NOBODYS_HASH.as_deref()) {
            (Some(stored), _) => matches_now(&password, &stored),
            (None, Some(nobodys)) => matches_now(&password, nobodys).map(|_| false),
            (None, None) => Ok(false),
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let _place = self.waiting.try_acquire().map_err(|_| PasswordError::Busy)?;
        let _turn = self.running.acquire().await.map_err(|_| PasswordError::Busy)?;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| PasswordError::Thread)?
    }
}

/// Hashes on this thread; for the command line.
pub fn hash_now(password: &str) -> Result<String, PasswordError> {
    let hash: PasswordHash = argon2()
        .hash_password(password.as_bytes())
        .map_err(PasswordError::Hash)?;
    Ok(hash.to_string())
}

fn matches_now(password: &str, stored: &str) -> Result<bool, PasswordError> {
    match argon2().verify_password(password.as_bytes(), stored) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(PasswordError::Hash(error)),
    }
}

fn argon2() -> Argon2<'static> {
    let params =
        Params::new(19 * 1_024, 2, 1, None).expect("19 MiB, two passes and one lane are within Argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let passwords = Passwords::default();
        let stored = passwords.hash("correct horse battery".into()).await.expect("hashed");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(
            passwords
                .matches("correct horse battery".into(), Some(stored.clone()))
                .await
                .expect("compared")
        );
        assert!(
            !passwords
                .matches("correct horse batterY".into(), Some(stored))
                .await
                .expect("compared")
        );
        assert!(
            !passwords
                .matches("no account has this password".into(), None)
                .await
                .expect("compared")
        );
    }

    #[tokio::test]
    async fn a_flood_is_refused_instead_of_filling_the_memory() {
        let passwords = Passwords::default();
        let tries = (0..WAITING + 5).map(|_| passwords.matches("guess".into(), None));
        let refused = futures_util::future::join_all(tries)
            .await
            .into_iter()
            .filter(|result| matches!(result, Err(PasswordError::Busy)))
            .count();
        assert_eq!(refused, 5);
    }
}
