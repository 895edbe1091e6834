//! Only `store` contains SQL, and one text serves both databases.

use acceptance::programs::repository;
use anyhow::Result;

use crate::files;

/// How statements begin; written in capitals in this project, so prose does not look like them.
const STATEMENTS: [&str; 9] = [
    "SELECT ",
    "INSERT INTO ",
    "UPDATE ",
    "DELETE FROM ",
    "CREATE TABLE ",
    "ALTER TABLE ",
    "DROP TABLE ",
    "BEGIN IMMEDIATE",
    "PRAGMA ",
];

#[test]
fn no_sql_outside_the_store() -> Result<()> {
    let mut found = Vec::new();
    for folder in ["crates/rules", "crates/wire", "crates/rollcall", "firmware-bridge"] {
        for file in files(&repository().join(folder), ".rs")? {
            let text = std::fs::read_to_string(&file)?;
            let lines = text
                .lines()
                .enumerate()
                .filter(|(_, line)| STATEMENTS.iter().any(|statement| line.contains(statement)));
            found.extend(lines.map(|(number, line)| format!("{}:{}: {}", file.display(), number + 1, line.trim())));
        }
    }
    assert!(found.is_empty(), "SQL belongs into crates/store:\n{}", found.join("\n"));
    Ok(())
}

#[test]
fn both_databases_have_the_same_migrations() -> Result<()> {
    let names = |database: &str| -> Result<Vec<String>> {
        let found = files(&repository().join("migrations").join(database), ".sql")?;
        Ok(found
            .iter()
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect())
    };
    let sqlite = names("sqlite")?;
    assert!(!sqlite.is_empty(), "migrations/sqlite is empty");
    assert_eq!(sqlite, names("postgres")?);
    Ok(())
}
