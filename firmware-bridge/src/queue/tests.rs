use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

fn record(number: u64) -> String {
    format!(
        "record {number} {}",
        "x".repeat(usize::try_from(number % 7).expect("small"))
    )
}

fn open(directory: &Path) -> (Queue, Recovery) {
    Queue::open(directory, SMALLEST_BOUND, Box::new(HostDisk)).expect("a queue")
}

fn fill(queue: &mut Queue, records: u64) {
    for _ in 0..records {
        let number = queue.shared.lock().next;
        assert_eq!(queue.append(&[record(number)]).expect("room"), number..=number);
    }
}

/// Every record that can be read, checked.
fn read_all(queue: &Queue) -> Vec<u64> {
    let (mut reader, mut last, mut numbers) = (queue.backlog().reader(), 0, Vec::new());
    loop {
        let records = reader.after(last, 16, 300).expect("readable");
        if records.is_empty() {
            return numbers;
        }
        for (number, payload) in records {
            assert_eq!(payload, record(number), "what is read is what was written");
            last = number;
            numbers.push(number);
        }
    }
}

fn segments(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    paths.sort();
    paths
}

/// A queue of three segments, made by three starts, and the numbers of its records.
fn three_segments(directory: &Path, each: u64) -> Vec<u64> {
    let mut numbers = Vec::new();
    for _ in 0..3 {
        let (mut queue, recovery) = open(directory);
        assert_eq!(recovery.losses, []);
        fill(&mut queue, each);
        numbers = read_all(&queue);
    }
    assert_eq!(segments(directory).len(), 3);
    numbers
}

#[test]
fn records_come_back_in_order_after_a_start() {
    let directory = tempfile::tempdir().expect("a folder");
    assert_eq!(three_segments(directory.path(), 5), (1..=15).collect::<Vec<_>>());
    let (queue, recovery) = open(directory.path());
    assert_eq!((recovery.records, recovery.losses), (15, Vec::new()));
    let status = queue.backlog().status();
    assert_eq!((status.first, status.last, status.waiting()), (1, 15, 15));
}

#[test]
fn a_batch_is_synced_together_and_read_within_limits() {
    let directory = tempfile::tempdir().expect("a folder");
    let (mut queue, _) = open(directory.path());
    assert_eq!(queue.append(&[record(1), record(2), record(3)]).expect("room"), 1..=3);
    let mut reader = queue.backlog().reader();
    let numbers = |records: Vec<(u64, String)>| records.into_iter().map(|(number, _)| number).collect::<Vec<_>>();
    assert_eq!(numbers(reader.after(0, 2, 1_000).expect("readable")), [1, 2]);
    assert_eq!(numbers(reader.after(2, 2, 1_000).expect("readable")), [3]);
    assert!(reader.after(3, 2, 1_000).expect("readable").is_empty());
    fill(&mut queue, 1);
    assert_eq!(numbers(reader.after(3, 2, 1_000).expect("readable")), [4]);
    assert_eq!(numbers(reader.after(0, 9, 1).expect("readable")), [1], "at least one");
}

#[test]
fn long_records_over_many_reads_come_whole() {
    let directory = tempfile::tempdir().expect("a folder");
    let (mut queue, _) = open(directory.path());
    let long = |number: u64| "长".repeat(LONGEST_PAYLOAD / 3 - usize::try_from(number).expect("small"));
    for number in 1..=3 {
        queue.append(&[long(number)]).expect("room");
    }
    let records = queue.backlog().reader().after(0, 10, usize::MAX).expect("readable");
    assert_eq!(records.len(), 3);
    assert!(records.iter().all(|(number, payload)| *payload == long(*number)));
}

#[test]
fn a_second_bridge_is_refused() {
    let directory = tempfile::tempdir().expect("a folder");
    let (queue, _) = open(directory.path());
    let refused = Queue::open(directory.path(), SMALLEST_BOUND, Box::new(HostDisk));
    assert!(matches!(refused.map(drop), Err(OpenError::InUse(_))));
    drop(queue);
    open(directory.path());
}

#[test]
fn a_torn_end_loses_nothing_that_was_synced_and_gives_no_number_twice() {
    let directory = tempfile::tempdir().expect("a folder");
    let (mut queue, _) = open(directory.path());
    fill(&mut queue, 6);
    let synced = std::fs::metadata(&segments(directory.path())[0]).expect("a file").len();
    // What was being written when the power failed, and how much of it came to the disk.
    queue.append(&[record(7), record(8), record(9)]).expect("room");
    drop(queue);
    let path = segments(directory.path())[0].clone();
    let whole = std::fs::read(&path).expect("readable");
    for length in usize::try_from(synced).expect("small")..=whole.len() {
        std::fs::write(&path, &whole[..length]).expect("room");
        let (mut queue, _) = open(directory.path());
        let there = read_all(&queue);
        assert_eq!(there[..6], [1, 2, 3, 4, 5, 6], "cut at {length}");
        let next = *queue.append(&["new".to_owned()]).expect("room").start();
        let is_cut = length < whole.len();
        assert!(next > *there.last().expect("some"), "cut at {length}");
        if is_cut && !frame_ends(&whole).contains(&length) {
            assert!(
                next > u64::try_from(there.len()).expect("few") + 1,
                "a torn record's number is not given again"
            );
        }
        drop(queue);
        for made in segments(directory.path()).into_iter().skip(1) {
            std::fs::remove_file(made).expect("a file");
        }
        // The directory as it was: nothing else was written.
        let _: Result<(), Error> = std::fs::remove_file(directory.path().join("position"));
    }
}

fn frame_ends(bytes: &[u8]) -> BTreeSet<usize> {
    let mut ends = BTreeSet::from([0]);
    for piece in frame::pieces(bytes) {
        if let frame::Piece::Record(at, frame) = piece {
            ends.insert(at + frame.length);
        }
    }
    ends
}

#[test]
fn every_cut_of_every_segment_costs_only_what_was_cut_off() {
    let directory = tempfile::tempdir().expect("a folder");
    let all = three_segments(directory.path(), 4);
    for path in segments(directory.path()) {
        let whole = std::fs::read(&path).expect("readable");
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).expect("room");
            let kept = frame_ends(&whole)
                .into_iter()
                .filter(|end| (1..=length).contains(end))
                .count();
            let (queue, _) = open(directory.path());
            assert_eq!(
                read_all(&queue).len(),
                all.len() - 4 + kept,
                "{} cut at {length}",
                path.display()
            );
        }
        std::fs::write(&path, &whole).expect("room");
    }
}

#[test]
fn every_flipped_byte_costs_one_record_and_is_named() {
    let directory = tempfile::tempdir().expect("a folder");
    let all = three_segments(directory.path(), 4);
    let last = segments(directory.path()).pop().expect("three");
    for path in segments(directory.path()) {
        let whole = std::fs::read(&path).expect("readable");
        for place in 0..whole.len() {
            for mask in [0x01, 0x80, 0xFF] {
                let mut bytes = whole.clone();
                bytes[place] ^= mask;
                std::fs::write(&path, &bytes).expect("room");
                let (queue, recovery) = open(directory.path());
                let there = read_all(&queue);
                assert_eq!(there.len(), all.len() - 1, "{} at {place}", path.display());
                let missing = all.iter().copied().find(|number| !there.contains(number)).expect("one");
                let [loss] = recovery.losses.as_slice() else {
                    panic!("{:?}", recovery.losses)
                };
                assert_eq!(loss.file, path);
                assert!((loss.offset..loss.offset + loss.bytes).contains(&u64::try_from(place).expect("small")));
                match missing {
                    12 => assert_eq!((loss.kind, path == last), (LossKind::Unfinished, true)),
                    number => assert_eq!(loss.numbers, Some(number..=number)),
                }
            }
        }
        std::fs::write(&path, &whole).expect("room");
    }
}

#[test]
fn a_zeroed_page_costs_the_records_that_lie_in_it() {
    let directory = tempfile::tempdir().expect("a folder");
    let (mut queue, _) = open(directory.path());
    fill(&mut queue, 300);
    drop(queue);
    let path = segments(directory.path())[0].clone();
    let mut bytes = std::fs::read(&path).expect("readable");
    assert!(bytes.len() > 9_000);
    bytes[4_096..8_192].fill(0);
    std::fs::write(&path, &bytes).expect("room");
    let (queue, recovery) = open(directory.path());
    let there = read_all(&queue);
    let lost = recovery.losses[0].numbers.clone().expect("known");
    assert_eq!(recovery.losses.len(), 1);
    assert_eq!(there.len() + lost.clone().count(), 300);
    assert!(there.iter().all(|number| !lost.contains(number)));
}

#[test]
fn a_missing_segment_is_noticed_and_a_doubled_one_does_no_harm() {
    let directory = tempfile::tempdir().expect("a folder");
    let all = three_segments(directory.path(), 4);
    let paths = segments(directory.path());
    let name = |first, after| directory.path().join(Name { first, after }.file());
    for copy in [name(2, 1), name(7, 6), name(400, 12)] {
        std::fs::copy(&paths[1], &copy).expect("room");
        let (mut queue, recovery) = open(directory.path());
        assert_eq!(read_all(&queue), all, "{}", copy.display());
        assert_eq!(recovery.losses, []);
        let next = *queue.append(&["new".to_owned()]).expect("room").start();
        assert!(next > 12);
        drop(queue);
        let made = segments(directory.path())
            .into_iter()
            .filter(|path| !paths.contains(path));
        made.for_each(|path| std::fs::remove_file(path).expect("a file"));
    }
    let second = std::fs::read(&paths[1]).expect("readable");
    std::fs::remove_file(&paths[1]).expect("a file");
    let (queue, recovery) = open(directory.path());
    assert_eq!(read_all(&queue), [1, 2, 3, 4, 9, 10, 11, 12]);
    let [loss] = recovery.losses.as_slice() else {
        panic!("{:?}", recovery.losses)
    };
    assert_eq!((loss.kind, loss.numbers.clone()), (LossKind::Missing, Some(5..=8)));
    drop(queue);
    std::fs::write(&paths[1], second).expect("room");
}

#[test]
fn what_the_daemon_has_stays_for_half_of_the_bound_and_goes_oldest_first() {
    let directory = tempfile::tempdir().expect("a folder");
    let (mut queue, _) = open(directory.path());
    let backlog = queue.backlog();
    let payload = "y".repeat(1_000);
    let mut last = 0;
    for _ in 0..2_000 {
        last = *queue.append(std::slice::from_ref(&payload)).expect("room").end();
        backlog.acknowledge(last);
    }
    let status = backlog.status();
    assert_eq!((status.last, status.acknowledged, status.waiting()), (2_000, 2_000, 0));
    assert!(status.bytes <= SMALLEST_BOUND / 2 + 2 * SMALLEST_SEGMENT, "{status:?}");
    assert!(
        status.first > 1 && status.first < last,
        "some of it can still be sent again"
    );
    backlog.settle().expect("room");
    drop(queue);
    let (mut queue, recovery) = open(directory.path());
    assert_eq!(recovery.losses, [], "deleted is not missing");
    assert_eq!(queue.backlog().status().waiting(), 0);
    assert_eq!(queue.append(&[payload]).expect("room"), 2_001..=2_001);
}

#[test]
fn a_full_queue_takes_nothing_until_the_daemon_has_acknowledged() {
    let directory = tempfile::tempdir().expect("a folder");
    let (mut queue, _) = open(directory.path());
    let payload = "z".repeat(2_000);
    let taken = std::iter::from_fn(|| queue.append(std::slice::from_ref(&payload)).ok()).count();
    assert!(taken > 100);
    assert!(matches!(
        queue.append(std::slice::from_ref(&payload)),
        Err(AppendError::Full)
    ));
    let backlog = queue.backlog();
    assert!(backlog.status().bytes <= SMALLEST_BOUND);
    backlog.acknowledge(20);
    queue.append(&[payload]).expect("the oldest segments could go");
    let status = backlog.status();
    assert_eq!(status.last, u64::try_from(taken).expect("few") + 1);
    assert!(
        status.first > 1 && status.first <= 21,
        "only what was acknowledged went: {status:?}"
    );
}

#[test]
fn numbers_that_the_daemon_knows_are_skipped() {
    let directory = tempfile::tempdir().expect("a folder");
    let (mut queue, _) = open(directory.path());
    fill(&mut queue, 3);
    queue.backlog().skip(50);
    assert_eq!(queue.append(&["new".to_owned()]).expect("room"), 51..=51);
    drop(queue);
    let (queue, recovery) = open(directory.path());
    assert_eq!(recovery.losses, [], "numbers that were never given are not lost");
    assert_eq!(queue.backlog().status().last, 51);
}

/// A disk whose nth call fails.
struct Failing {
    calls: Arc<AtomicUsize>,
    fails_at: usize,
    error: fn() -> Error,
}

impl Failing {
    fn call(&self) -> std::io::Result<()> {
        if self.calls.fetch_add(1, Ordering::SeqCst) + 1 == self.fails_at {
            return Err((self.error)());
        }
        Ok(())
    }
}

impl Disk for Failing {
    fn create(&mut self, path: &Path) -> std::io::Result<Box<dyn Output>> {
        self.call()?;
        let disk = Self {
            calls: Arc::clone(&self.calls),
            ..*self
        };
        Ok(Box::new(FailingOutput(HostDisk.create(path)?, disk)))
    }
}

struct FailingOutput(Box<dyn Output>, Failing);

impl Output for FailingOutput {
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if let Err(error) = self.1.call() {
            // As disks do: half of it is there.
            self.0.append(&bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        self.0.append(bytes)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.1.call()?;
        self.0.sync()
    }

    fn cut(&mut self, length: u64) -> std::io::Result<()> {
        self.0.cut(length)
    }
}

/// Appends with a disk whose nth call fails, until one passes without a failure; after each failure the queue is read again, and
/// everything that was acknowledged is there.
fn every_failure(error: fn() -> Error, goes_on: bool) {
    for fails_at in 1.. {
        let directory = tempfile::tempdir().expect("a folder");
        let calls = Arc::new(AtomicUsize::new(0));
        let disk = Failing {
            calls: Arc::clone(&calls),
            fails_at,
            error,
        };
        let (mut queue, _) = Queue::open(directory.path(), SMALLEST_BOUND, Box::new(disk)).expect("a queue");
        let (mut acknowledged, mut failures) = (BTreeSet::new(), 0);
        let payload = "p".repeat(3_000);
        for _ in 0..12 {
            match queue.append(std::slice::from_ref(&payload)) {
                Ok(numbers) => assert!(acknowledged.insert(*numbers.start()), "a number of its own"),
                Err(AppendError::Full) => panic!("there is room"),
                Err(AppendError::NoSpace(_)) => failures += 1,
                Err(AppendError::Failed(_)) => {
                    failures += 1;
                    let again = queue.append(std::slice::from_ref(&payload));
                    assert!(
                        matches!(again, Err(AppendError::Failed(_))),
                        "a failed disk is not tried again"
                    );
                    break;
                }
            }
        }
        assert!(failures <= 1);
        if goes_on && failures == 1 && calls.load(Ordering::SeqCst) > fails_at {
            assert_eq!(acknowledged.len(), 11, "the disk had room again");
        }
        drop(queue);
        let (mut queue, recovery) = open(directory.path());
        let (mut reader, mut there) = (queue.backlog().reader(), BTreeSet::new());
        for (number, text) in reader.after(0, usize::MAX, usize::MAX).expect("readable") {
            assert_eq!(text, payload);
            there.insert(number);
        }
        assert!(acknowledged.is_subset(&there), "call {fails_at}: {:?}", recovery.losses);
        let next = *queue.append(&["next".to_owned()]).expect("room").start();
        assert!(!there.contains(&next) && !acknowledged.contains(&next));
        if failures == 0 {
            assert!(fails_at > 20, "every call was failed once");
            return;
        }
    }
}

#[test]
fn a_disk_that_is_full_at_any_moment_costs_nothing_that_was_acknowledged() {
    every_failure(|| Error::from(ErrorKind::StorageFull), true);
}

#[test]
fn a_disk_that_fails_at_any_moment_costs_nothing_that_was_acknowledged() {
    every_failure(|| Error::other("EIO"), false);
}
