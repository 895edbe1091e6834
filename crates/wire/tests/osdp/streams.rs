//! Streams that are cut, disturbed, or lie.

use proptest::prelude::*;
use wire::Reason;
use wire::osdp::LONGEST_FRAME;

use crate::device::plain;
use crate::frames;

fn three() -> Vec<Vec<u8>> {
    vec![
        plain(1, 1, 0x40, &[]),
        plain(2, 2, 0x50, &[0, 1, 26, 0, 0x53, 0x53, 0x53, 0x40]),
        plain(3, 3, 0x48, &[1, 0]),
    ]
}

fn good(found: Vec<Result<Vec<u8>, wire::Malformed>>) -> Vec<Vec<u8>> {
    found.into_iter().filter_map(Result::ok).collect()
}

#[test]
fn a_start_that_is_none_and_a_length_that_lies_cost_no_neighbour() {
    let [first, second, third] = three().try_into().expect("three");
    for lie in [
        &[0x53][..],
        &[0x53, 0x53],
        &[0x53, 1, 200, 0],
        &[0x53, 1, 0xFF, 0xFF],
        &[0x53, 1, 0, 0, 0],
    ] {
        let stream = [&first[..], lie, &second, lie, &third].concat();
        assert_eq!(good(frames([stream])), three(), "{lie:x?}");
    }
}

#[test]
fn a_frame_that_is_cut_is_named_and_the_next_is_read() {
    let frame = three().remove(1);
    for end in 1..frame.len() {
        let found = frames([[&frame[..end], &three()[0][..]].concat()]);
        assert_eq!(good(found.clone()), [three()[0].clone()], "cut at {end}");
        assert!(found.iter().any(Result::is_err), "cut at {end}");
    }
    let found = frames([frame[..frame.len() - 1].to_vec()]);
    assert_eq!(
        found[0].as_ref().map_err(|malformed| malformed.reason),
        Err(Reason::Truncated)
    );
}

#[test]
fn no_single_wrong_bit_passes() {
    let frame = three().remove(1);
    for bit in 0..frame.len() * 8 {
        let mut wrong = frame.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        assert!(good(frames([wrong])).is_empty(), "bit {bit}");
    }
}

proptest! {
    #[test]
    fn where_the_stream_is_cut_makes_no_difference(cut in 1_usize..40, marks in 0_usize..4) {
        let stream: Vec<u8> = three().into_iter().flat_map(|frame| [vec![0xFF; marks], frame].concat()).collect();
        prop_assert_eq!(good(frames(stream.chunks(cut).map(<[u8]>::to_vec))), three());
    }

    #[test]
    fn noise_is_bounded_and_never_a_frame_that_was_not_sent(noise in prop::collection::vec(any::<u8>(), 0..4_000), cut in 1_usize..900) {
        let found = frames(noise.chunks(cut).map(<[u8]>::to_vec));
        let total: usize = found.iter().map(|item| item.as_ref().map_or_else(|malformed| malformed.bytes.len(), Vec::len)).sum();
        prop_assert!(total <= noise.len());
        for item in &found {
            let length = item.as_ref().map_or_else(|malformed| malformed.bytes.len(), Vec::len);
            prop_assert!((1..=LONGEST_FRAME).contains(&length));
        }
    }
}
