//! Accounts: made by the one-time link, or on the command line.

use std::io::{BufRead, IsTerminal};

use rules::time::Instant;
use store::rows::{Account, AuditRecord};
use store::{Ledger, StoreError, Transaction};

use super::password::{self, PasswordError};
use super::secret;

/// The most characters of a name.
const LONGEST_NAME: usize = 64;

/// Why an account could not be made or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The name is empty, too long, or has blanks at its ends or control characters in it.
    #[error(
        "the name must have 1 to {LONGEST_NAME} characters, none of them a control character, and no blanks at its ends"
    )]
    NameUnfit,
    /// The password is too short.
    #[error("the password must have at least {} characters", password::SHORTEST)]
    PasswordTooShort,
    /// The password is too long.
    #[error("the password must have at most {} bytes", password::LONGEST_BYTES)]
    PasswordTooLong,
    /// The password holds the name, or is one character over and over.
    #[error("the password must not contain the name, nor repeat a single character")]
    PasswordTooEasy,
    /// There is such an account.
    #[error("there is an account of that name; `rollcall admin reset-password` gives it a new password")]
    NameTaken,
    /// There is no such account.
    #[error("there is no account of that name; `rollcall admin create` makes one")]
    NoSuchAccount,
    /// The standard input could not be read.
    #[error("the password could not be read from the standard input: {0}")]
    Input(#[from] std::io::Error),
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// The password could not be hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AccountError {
    /// The key of the sentence that people read beside the form; `None` where it is not the form's fault.
    pub(super) fn key(&self) -> Option<&'static str> {
        match self {
            Self::NameUnfit => Some("admin-account-name-unfit"),
            Self::PasswordTooShort => Some("admin-account-password-short"),
            Self::PasswordTooLong => Some("admin-account-password-long"),
            Self::PasswordTooEasy => Some("admin-account-password-easy"),
            Self::NameTaken => Some("admin-account-name-taken"),
            Self::NoSuchAccount | Self::Input(_) | Self::Random(_) | Self::Password(_) | Self::Store(_) => None,
        }
    }
}

/// Who acts on the host's command line, in the audit record.
const HOST_ACTOR: &str = "host";

/// Makes an account (`create`) or gives one a new password, which ends its sessions. The password is the first line of the
/// standard input; where that is a terminal, one is made up and returned, so that nothing has to be typed that could be seen.
pub async fn set_password_on_host(
    ledger: &dyn Ledger,
    name: &str,
    create: bool,
    at: Instant,
) -> Result<Option<String>, AccountError> {
    let input = std::io::stdin();
    let made_up = if input.is_terminal() {
        Some(made_up_password()?)
    } else {
        None
    };
    let password = match &made_up {
        Some(password) => password.clone(),
        None => read_password(input.lock())?,
    };
    set_password(ledger, name, &password, create, at).await?;
    Ok(made_up)
}

pub(super) async fn set_password(
    ledger: &dyn Ledger,
    name: &str,
    password: &str,
    create: bool,
    at: Instant,
) -> Result<(), AccountError> {
    check(name, password)?;
    let account = Account {
        name: name.to_owned(),
        password_hash: password::hash_now(password)?,
        changed_at: at,
    };
    let mut transaction = ledger.begin().await?;
    let act = match (create, ledger.account(name).await?.is_some()) {
        (true, true) => return Err(AccountError::NameTaken),
        (false, false) => return Err(AccountError::NoSuchAccount),
        (true, false) => "account.create",
        (false, true) => "account.password",
    };
    save(&mut *transaction, &account, act, HOST_ACTOR).await?;
    Ok(transaction.commit().await?)
}

/// Writes an account and its audit record.
pub(super) async fn save(
    transaction: &mut dyn Transaction,
    account: &Account,
    act: &str,
    actor: &str,
) -> Result<(), StoreError> {
    transaction.save_account(account).await?;
    let record = AuditRecord {
        at: account.changed_at,
        actor: actor.to_owned(),
        act: act.to_owned(),
        subject: format!("account:{}", account.name),
        body: "{}".to_owned(),
    };
    transaction.append_audit(&record).await?;
    Ok(())
}

/// Whether a name and a password are fit for an account.
pub(super) fn check(name: &str, password: &str) -> Result<(), AccountError> {
    let length = name.chars().count();
    if !(1..=LONGEST_NAME).contains(&length) || name.trim() != name || name.chars().any(char::is_control) {
        return Err(AccountError::NameUnfit);
    }
    if password.chars().count() < password::SHORTEST {
        return Err(AccountError::PasswordTooShort);
    }
    if password.len() > password::LONGEST_BYTES {
        return Err(AccountError::PasswordTooLong);
    }
    let (name, password) = (name.to_lowercase(), password.to_lowercase());
    let first = password.chars().next();
    let repeats = password.chars().all(|letter| Some(letter) == first);
    if repeats || (length > 2 && password.contains(&name)) {
        return Err(AccountError::PasswordTooEasy);
    }
    Ok(())
}

/// A password that nobody chose: 100 random bits in groups that can be read out.
fn made_up_password() -> Result<String, getrandom::Error> {
    /// No letter that could be taken for another.
    const LETTERS: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";
    let random = secret::bytes::<20>()?;
    let letters: Vec<u8> = random.iter().map(|byte| LETTERS[usize::from(byte % 32)]).collect();
    let groups: Vec<_> = letters.chunks(5).map(String::from_utf8_lossy).collect();
    Ok(groups.join("-"))
}

/// A password from the first line of an input that is not a terminal, such as a pipe: nothing is echoed there.
fn read_password(input: impl BufRead) -> std::io::Result<String> {
    let mut line = String::new();
    // One byte more than is allowed shows that it is too long, without reading without end.
    input.take(password::LONGEST_BYTES as u64 + 2).read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_passwords_are_checked() {
        assert!(check("陈", "correct horse battery").is_ok());
        assert!(matches!(
            check(" chen", "correct horse battery"),
            Err(AccountError::NameUnfit)
        ));
        assert!(matches!(
            check("", "correct horse battery"),
            Err(AccountError::NameUnfit)
        ));
        assert!(matches!(
            check("chen", "elevenchars"),
            Err(AccountError::PasswordTooShort)
        ));
        assert!(matches!(
            check("chen", "aaaaaaaaaaaaaaaa"),
            Err(AccountError::PasswordTooEasy)
        ));
        assert!(matches!(
            check("chen", "Chen-is-my-name"),
            Err(AccountError::PasswordTooEasy)
        ));
        assert!(matches!(
            check("chen", &"x1".repeat(200)),
            Err(AccountError::PasswordTooLong)
        ));
    }

    #[test]
    fn generated_passwords_are_fit_and_differ() {
        let (one, other) = (made_up_password().expect("random"), made_up_password().expect("random"));
        assert!(check("admin", &one).is_ok() && one.len() == 23 && one != other, "{one}");
    }

    #[test]
    fn a_password_is_the_first_line_of_a_pipe() {
        assert_eq!(
            read_password(&b"correct horse\r\nrest"[..]).expect("read"),
            "correct horse"
        );
        assert_eq!(
            read_password(&[b'x'; 5_000][..]).expect("read").len(),
            password::LONGEST_BYTES + 2
        );
    }
}
