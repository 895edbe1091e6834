//! The secure channel: a handshake that proves a shared key, then a MAC on every frame and AES over every frame's data.

use alloc::vec::Vec;
use core::fmt;

use aes::Aes128;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};

use super::frame::{Block, Frame, MAC_BYTES};

/// The key that every device has as long as it is given no other. Anybody knows it.
pub const INSTALL_KEY: [u8; 16] = *b"0123456789:;<=>?";

/// A block of AES.
type Bytes16 = [u8; 16];

/// The kind of security block of a command whose data are not encrypted, and of one whose are.
const COMMAND_MAC: u8 = 0x15;
const COMMAND_ENCRYPTED: u8 = 0x17;

fn encrypt(key: &Bytes16, block: Bytes16) -> Bytes16 {
    let mut block = block.into();
    Aes128::new(&(*key).into()).encrypt_block(&mut block);
    block.into()
}

fn decrypt(key: &Bytes16, block: Bytes16) -> Bytes16 {
    let mut block = block.into();
    Aes128::new(&(*key).into()).decrypt_block(&mut block);
    block.into()
}

fn xor(one: Bytes16, other: &[u8]) -> Bytes16 {
    let mut sum = one;
    for (byte, other) in sum.iter_mut().zip(other) {
        *byte ^= other;
    }
    sum
}

/// Whether they are the same, in a time that does not say where they differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |sum, (one, other)| sum | (one ^ other)) == 0
}

/// A handshake that waits for its answers.
#[derive(Clone)]
pub struct Challenge {
    key: Bytes16,
    random: [u8; 8],
    keys: SessionKeys,
    server_cryptogram: Bytes16,
}

#[derive(Clone)]
struct SessionKeys {
    encryption: Bytes16,
    mac_first: Bytes16,
    mac_last: Bytes16,
}

impl Challenge {
    /// Begins with a random number that must never have been used before.
    pub fn new(key: Bytes16, random: [u8; 8]) -> Self {
        let derived = |kind: u8| {
            let mut block = [0; 16];
            block[..2].copy_from_slice(&[0x01, kind]);
            block[2..8].copy_from_slice(&random[..6]);
            encrypt(&key, block)
        };
        Self {
            key,
            random,
            keys: SessionKeys {
                encryption: derived(0x82),
                mac_first: derived(0x01),
                mac_last: derived(0x02),
            },
            server_cryptogram: [0; 16],
        }
    }

    /// What the device is asked to prove its key with.
    pub const fn random(&self) -> [u8; 8] {
        self.random
    }

    /// The last byte of the handshake's security blocks: which key is meant.
    pub fn key_byte(&self) -> u8 {
        u8::from(self.key != INSTALL_KEY)
    }

    /// Our proof, once [`Self::answer`] has found the device's to be right.
    pub const fn server_cryptogram(&self) -> Bytes16 {
        self.server_cryptogram
    }

    /// Checks the device's answer: its id, its random number and its cryptogram. Says whether it has the same key.
    pub fn answer(&mut self, data: &[u8]) -> bool {
        let Ok(data) = <&[u8; 32]>::try_from(data) else {
            return false;
        };
        let mut challenge = [0; 16];
        challenge[..8].copy_from_slice(&self.random);
        challenge[8..].copy_from_slice(&data[8..16]);
        if !same(&encrypt(&self.keys.encryption, challenge), &data[16..]) {
            return false;
        }
        challenge.rotate_left(8);
        self.server_cryptogram = encrypt(&self.keys.encryption, challenge);
        true
    }

    /// Checks the device's last word; the channel is up, or `None` if it does not fit.
    pub fn established(&self, data: &[u8]) -> Option<SecureChannel> {
        let first = encrypt(&self.keys.mac_first, self.server_cryptogram);
        let expected = encrypt(&self.keys.mac_last, first);
        same(&expected, data).then(|| SecureChannel {
            keys: self.keys.clone(),
            sent: [0; 16],
            received: expected,
        })
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Challenge(…)")
    }
}

/// An established channel, as the panel has it. Each direction's MAC is the beginning of the other's next.
#[derive(Clone)]
pub struct SecureChannel {
    keys: SessionKeys,
    sent: Bytes16,
    received: Bytes16,
}

impl fmt::Debug for SecureChannel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecureChannel(…)")
    }
}

impl SecureChannel {
    /// The security block and the data of a command, encrypted.
    pub fn seal(&self, data: &[u8]) -> (Block<'static>, Vec<u8>) {
        let kind = if data.is_empty() {
            COMMAND_MAC
        } else {
            COMMAND_ENCRYPTED
        };
        let mut sealed = Vec::new();
        if !data.is_empty() {
            let mut chain = self.received.map(|byte| !byte);
            for block in padded(data, true) {
                chain = encrypt(&self.keys.encryption, xor(chain, &block));
                sealed.extend_from_slice(&chain);
            }
        }
        (Block { kind, data: &[] }, sealed)
    }

    /// The MAC of a command whose frame so far is given; it is the last one that was sent from now on.
    pub fn sign(&mut self, frame: &[u8]) -> [u8; MAC_BYTES] {
        self.sent = self.mac(self.received, frame);
        let [first, second, third, fourth, ..] = self.sent;
        [first, second, third, fourth]
    }

    /// The data of a reply in clear, if its MAC is right; else the channel is as before.
    pub fn open(&mut self, frame: &Frame<'_>) -> Option<Vec<u8>> {
        let (signed, sent_mac) = frame.signed()?;
        let mac = self.mac(self.sent, signed);
        if !same(&mac[..MAC_BYTES], sent_mac) {
            return None;
        }
        let data = if frame.block().is_some_and(|block| block.is_encrypted()) {
            self.decrypted(frame.data())?
        } else {
            frame.data().to_vec()
        };
        self.received = mac;
        Some(data)
    }

    fn decrypted(&self, data: &[u8]) -> Option<Vec<u8>> {
        let (blocks, rest) = data.as_chunks::<16>();
        if !rest.is_empty() {
            return None;
        }
        let mut chain = self.sent.map(|byte| !byte);
        let mut clear = Vec::with_capacity(data.len());
        for block in blocks {
            clear.extend_from_slice(&xor(decrypt(&self.keys.encryption, *block), &chain));
            chain = *block;
        }
        let end = clear.iter().rposition(|byte| *byte != 0)?;
        (clear[end] == 0x80).then(|| {
            clear.truncate(end);
            clear
        })
    }

    fn mac(&self, begin: Bytes16, bytes: &[u8]) -> Bytes16 {
        let blocks = padded(bytes, false);
        let last = blocks.len().saturating_sub(1);
        blocks.iter().enumerate().fold(begin, |chain, (index, block)| {
            let key = if index == last {
                &self.keys.mac_last
            } else {
                &self.keys.mac_first
            };
            encrypt(key, xor(chain, block))
        })
    }
}

/// Whole blocks: 80 and zeros after the bytes, where they do not fill their last block or `always`.
fn padded(bytes: &[u8], always: bool) -> Vec<Bytes16> {
    let (whole, rest) = bytes.as_chunks::<16>();
    let mut blocks = whole.to_vec();
    if always || !rest.is_empty() {
        let mut block = [0; 16];
        block[..rest.len()].copy_from_slice(rest);
        block[rest.len()] = 0x80;
        blocks.push(block);
    }
    blocks
}
