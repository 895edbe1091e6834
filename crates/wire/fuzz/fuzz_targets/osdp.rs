//! A bus on which anything may be said: no panic, no endless loop, bounded events; and cuts make no difference to the frames.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::osdp::{Device, Frames, Panel, Step};

fn frames(bytes: &[u8], cut: usize) -> Vec<Vec<u8>> {
    let mut frames = Frames::default();
    let mut found = Vec::new();
    for piece in bytes.chunks(cut) {
        assert_eq!(frames.push(piece), piece.len());
        found.extend(std::iter::from_fn(|| frames.next()).filter_map(Result::ok));
    }
    frames.idle();
    found.extend(std::iter::from_fn(|| frames.next()).filter_map(Result::ok));
    found
}

fuzz_target!(|input: &[u8]| {
    let [cut, key, bytes @ ..] = input else { return };
    let cut = usize::from(*cut) + 1;
    assert_eq!(frames(bytes, cut), frames(bytes, 1));
    let devices = [(key & 1 == 0).then_some([7; 16]), None].into_iter().enumerate();
    let devices = devices.map(|(address, key)| Device {
        address: u8::try_from(address).unwrap_or(0),
        key,
    });
    let mut panel = Panel::new(devices, 9_600);
    let mut now_ms = 0;
    for piece in bytes.chunks(cut) {
        match panel.poll(now_ms, [1; 8]) {
            Step::Send(_) => panel.push(piece, now_ms),
            Step::WaitUntil(at) => {
                assert!(at > now_ms);
                now_ms = at;
            }
        }
        let mut events = 0;
        while let Some((device, event)) = panel.next_event() {
            events += 1;
            assert!(events <= input.len() + 16, "as many events as the bytes could hold");
            if event.is_held() {
                panel.settle(device, None, now_ms);
            }
        }
    }
});
