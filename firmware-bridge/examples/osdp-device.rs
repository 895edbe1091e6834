//! An OSDP device behind a serial server, for the stories: `osdp-device ADDRESS KEY`, the key in hex or `plain`. Says `listening
//! 127.0.0.1:PORT`, then `told CODE DATA` in hex for each command that is no poll; `present CARD` (26 bits in hex) shows it a card.

#[path = "../../crates/wire/tests/osdp/device.rs"]
#[expect(dead_code, reason = "the tests make it misbehave; here it behaves")]
mod device;

use std::io::{BufRead, Read, Write, stdin};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use device::Device;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().context("no address")?.parse()?;
    let key = match arguments.next().context("no key")?.as_str() {
        "plain" => None,
        key => {
            let mut bytes = [0; 16];
            hex::decode_to_slice(key, &mut bytes).map_err(|error| anyhow::anyhow!("{error}"))?;
            Some(bytes)
        }
    };
    let device = Arc::new(Mutex::new(Device::new(address, key)));
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening {}", listener.local_addr()?);
    let shared = Arc::clone(&device);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // However a connection ends, the next one is taken.
            let _: std::io::Result<()> = serve(stream, &shared);
        }
    });
    for line in stdin().lock().lines() {
        let line = line?;
        let card = line.strip_prefix("present ").context("present CARD")?;
        let mut bytes = [0; 4];
        hex::decode_to_slice(card, &mut bytes).map_err(|error| anyhow::anyhow!("{error}"))?;
        device.lock().unwrap_or_else(PoisonError::into_inner).present(bytes);
    }
    Ok(())
}

fn serve(mut stream: TcpStream, device: &Mutex<Device>) -> std::io::Result<()> {
    let mut bytes = [0; 2_048];
    loop {
        let length = stream.read(&mut bytes)?;
        if length == 0 {
            return Ok(());
        }
        let mut device = device.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = device.hear(&bytes[..length]);
        for (code, data) in device.took.drain(..) {
            println!("told {code:02x} {}", hex::encode(data));
        }
        drop(device);
        stream.write_all(&answer)?;
    }
}
