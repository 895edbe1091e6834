//! How many swipes a second become durable, by the size of the transaction, beside what the disk itself can do.
//!
//! `cargo bench -p rollcall-store` writes into the directory that `ROLLCALL_BENCH_DIR` names, else into the system's
//! temporary directory; run it once on the disk that the daemon will use and once on `/dev/shm`. Rounds of all sizes are
//! interleaved, because a disk's rate changes from minute to minute, and medians are shown. The raw rate is that of
//! appending as many bytes as a swipe has and calling fdatasync, so the last column says how much the store costs.
//!
//! A second table repeats the one-row transaction in a database that holds many swipes: it must not be slower there.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rules::time::Instant as Moment;
use store::rows::SwipeRecord;
use store::{Ledger, Options, open};

/// Transaction sizes in rows.
const SIZES: [usize; 5] = [1, 16, 64, 256, 1_024];
const ROUNDS: usize = 5;
/// How long one size is measured in one round.
const SLICE: Duration = Duration::from_millis(400);
/// About what a swipe takes in the log of the database.
const SWIPE_BYTES: usize = 200;
/// The raw log begins anew beyond this, because a memory file system would otherwise fill the memory.
const LONGEST_LOG_BYTES: u64 = 64 * 1_024 * 1_024;
/// Stored before the second table.
const MANY: usize = 300_000;

#[tokio::main]
async fn main() {
    // `cargo test --benches` builds and starts this too, and wants to know only that it does.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let place = std::env::var_os("ROLLCALL_BENCH_DIR").map_or_else(std::env::temp_dir, Into::into);
    let directory = tempfile::tempdir_in(place).expect("a directory to write into");
    let mut bench = Bench::new(directory.path()).await;
    println!("rows a transaction |      rows/s | raw write + fdatasync/s | store / raw");
    let mut rates: Vec<[Vec<f64>; 2]> = SIZES.iter().map(|_| [Vec::new(), Vec::new()]).collect();
    for _ in 0..ROUNDS {
        for (size, [stored, raw]) in SIZES.iter().zip(&mut rates) {
            stored.push(bench.stored_rows_a_second(*size).await);
            raw.push(bench.raw_rows_a_second(*size));
        }
    }
    for (size, [stored, raw]) in SIZES.iter().zip(rates) {
        let (stored, raw) = (median(stored), median(raw));
        println!("{size:>18} | {stored:>11.0} | {raw:>23.0} | {:>11.2}", stored / raw);
    }
    bench.compare_with_many(directory.path()).await;
}

struct Bench {
    ledger: Arc<dyn Ledger>,
    log: File,
    next: usize,
}

impl Bench {
    async fn new(directory: &Path) -> Self {
        std::fs::create_dir_all(directory).expect("a directory");
        let log = File::create(directory.join("raw.log")).expect("a file");
        Self {
            ledger: ledger_in(directory, "bench.db").await,
            log,
            next: 0,
        }
    }

    async fn stored_rows_a_second(&mut self, size: usize) -> f64 {
        let began = Instant::now();
        let mut rows = 0;
        while began.elapsed() < SLICE {
            self.commit(size).await;
            rows += size;
        }
        let rate = per_second(rows, began);
        self.ledger.maintain().await.expect("housekeeping");
        rate
    }

    async fn commit(&mut self, size: usize) {
        let swipes: Vec<SwipeRecord> = (self.next..self.next + size).map(swipe).collect();
        self.next += size;
        let mut transaction = self.ledger.begin().await.expect("begin");
        let new = transaction.record_swipes(&swipes).await.expect("record");
        transaction.commit().await.expect("commit");
        assert!(new.into_iter().all(|new| new), "every swipe is another");
    }

    fn raw_rows_a_second(&mut self, size: usize) -> f64 {
        let bytes = vec![b'x'; size * SWIPE_BYTES];
        self.log
            .set_len(0)
            .and_then(|()| self.log.rewind())
            .expect("an empty log");
        let began = Instant::now();
        let mut rows = 0;
        while began.elapsed() < SLICE {
            self.log
                .write_all(&bytes)
                .and_then(|()| self.log.sync_data())
                .expect("a write");
            rows += size;
            if self.log.stream_position().expect("a position") > LONGEST_LOG_BYTES {
                self.log.rewind().expect("the beginning");
            }
        }
        per_second(rows, began)
    }

    /// Interleaves transactions of one row here, where there are many swipes, and in a database with next to none.
    async fn compare_with_many(mut self, directory: &Path) {
        while self.next < MANY {
            self.commit(1_024).await;
            self.ledger.maintain().await.expect("housekeeping");
        }
        let mut few = Self::new(&directory.join("few")).await;
        let mut ratios = Vec::new();
        for _ in 0..ROUNDS * 2 {
            let fast = few.stored_rows_a_second(1).await;
            ratios.push(fast / self.stored_rows_a_second(1).await);
        }
        println!(
            "cost of one swipe with {} stored, beside {}: {:.2} times",
            self.next,
            few.next,
            median(ratios)
        );
    }
}

async fn ledger_in(directory: &Path, name: &str) -> Arc<dyn Ledger> {
    let address = format!("sqlite:{}", directory.join(name).display());
    open(&address, Options::default()).await.expect("a database")
}

fn per_second(rows: usize, began: Instant) -> f64 {
    let rows = u32::try_from(rows).expect("fewer than 2^32 rows in a slice");
    f64::from(rows) / began.elapsed().as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// A swipe as a morning at four gates brings them, of one among 300 badges.
fn swipe(number: usize) -> SwipeRecord {
    let count = i64::try_from(number).expect("a count");
    let dedup_key = format!("gate-{}|boot-7f3a|{count:012}", number % 4);
    SwipeRecord {
        // As far from its neighbours as a hash is.
        id: format!(
            "{:032x}",
            (number as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
        ),
        dedup_key,
        reader: format!("gate-{}", number % 4),
        badge: format!("{:010}", number * 7 % 300),
        raw_hex: Some("0200a1b2c3d4e5".to_owned()),
        bits: Some(40),
        happened_at: Moment::from_ms(1_789_000_000_000 + count * 250),
        received_at: Moment::from_ms(1_789_000_000_040 + count * 250),
        sequence: Some(count),
        faces: None,
        quarantine: None,
    }
}
