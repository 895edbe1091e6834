//! Streams that are cut, disturbed, or lie.

use proptest::prelude::*;
use wire::Reason;
use wire::osdp::{Device, Event, LONGEST_FRAME, Panel, Step};

use crate::device::plain;
use crate::{KEY, frames};

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
    fn whatever_is_said_on_the_bus_the_panel_goes_on(noise in prop::collection::vec(any::<u8>(), 0..3_000), cut in 1_usize..80, good in any::<bool>()) {
        let device = Device { address: 1, key: good.then_some(KEY) };
        let mut panel = Panel::new([device], 9_600);
        let (mut now_ms, mut said) = (0, 0);
        for piece in noise.chunks(cut) {
            // A reply that fits, now and then, so that every step is reached.
            let reply = match (said % 3, good) {
                (0, _) => plain(1, 0, 0x45, &[0; 12]),
                (1, _) => plain(1, 1, 0x46, &[4, 1, 1]),
                (_, true) => plain(1, 2, 0x76, &[0; 32]),
                (_, false) => plain(1, u8::try_from(said % 3).expect("small") + 1, 0x40, &[]),
            };
            match panel.poll(now_ms, [1; 8]) {
                Step::Send(bytes) => {
                    prop_assert!(bytes.len() <= LONGEST_FRAME);
                    said += 1;
                    panel.push(&[piece, &reply].concat(), now_ms + 1);
                }
                Step::WaitUntil(at) => {
                    prop_assert!(at > now_ms);
                    now_ms = at;
                }
            }
            let events: Vec<_> = std::iter::from_fn(|| panel.next_event()).collect();
            prop_assert!(events.len() <= cut + reply.len() + LONGEST_FRAME);
            for (device, event) in events {
                let believed = !good || !matches!(event, Event::Card(_) | Event::Number(_) | Event::Up { .. });
                prop_assert!(believed, "without a proof of the key nothing is believed");
                if event.is_held() {
                    panel.settle(device, None, now_ms);
                }
            }
        }
    }

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
