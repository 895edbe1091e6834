//! The peer: DuckDB on one thread, in a program of its own, over a file of the same swipes.

use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use chrono::NaiveDate;
use rules::model::Swipe;

use crate::{Counts, Took, bureau};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Where `benches/run.sh` says which Python has DuckDB.
const PYTHON: &str = "ROLLCALL_BENCH_PYTHON";

pub struct DuckDb {
    program: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
    file: PathBuf,
}

impl DuckDb {
    /// Writes the swipes to a file and has DuckDB load it. `None` where no Python with DuckDB is named.
    pub fn start(dates: &[NaiveDate], swipes: &[Vec<Swipe>]) -> Result<Option<Self>> {
        let Some(python) = env::var_os(PYTHON) else {
            println!("{PYTHON} names no Python with the package duckdb: judged without it, no ratio");
            return Ok(None);
        };
        let file = env::temp_dir().join(format!("rollcall-bench-{}.csv", std::process::id()));
        write_swipes(&file, swipes)?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/duckdb_count.py");
        let people = u32::try_from(swipes.len())?;
        let asked = swipes.len() * dates.len() * 2 - bureau::excused_periods(people, dates);
        let mut program = Command::new(python)
            .arg(script)
            .arg(&file)
            .arg(asked.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (ask, answers) = (program.stdin.take(), program.stdout.take());
        let mut duckdb = Self {
            program,
            ask: ask.ok_or("no way to ask")?,
            answers: BufReader::new(answers.ok_or("no way to hear")?),
            file,
        };
        println!("beside: {}", duckdb.answer()?.trim());
        Ok(Some(duckdb))
    }

    /// How long counting took, and what was counted.
    pub fn count(&mut self) -> Result<(Took, Counts)> {
        writeln!(self.ask, "count")?;
        self.ask.flush()?;
        let answer = self.answer()?;
        let mut words = answer.split_whitespace();
        let mut next = || words.next().ok_or("DuckDB answered too little");
        let took = Took {
            wall: next()?.parse()?,
            processor: next()?.parse()?,
        };
        let counts = Counts {
            late: next()?.parse()?,
            early: next()?.parse()?,
            missing: next()?.parse()?,
            absent: next()?.parse()?,
        };
        Ok((took, counts))
    }

    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("DuckDB's program ended; is the package duckdb installed for that Python?".into());
        }
        Ok(line)
    }
}

impl Drop for DuckDb {
    fn drop(&mut self) {
        // Both only clear up behind a bench that is over; its figures are out.
        drop(self.program.kill());
        drop(self.program.wait());
        drop(std::fs::remove_file(&self.file));
    }
}

fn write_swipes(file: &Path, swipes: &[Vec<Swipe>]) -> Result<()> {
    let mut rows = BufWriter::new(File::create(file)?);
    writeln!(rows, "person,happened_at_ms,goes_out")?;
    for (person, swipes) in swipes.iter().enumerate() {
        for swipe in swipes {
            writeln!(rows, "{person},{},{}", swipe.happened_at.as_ms(), swipe.reader.0)?;
        }
    }
    Ok(rows.flush()?)
}
