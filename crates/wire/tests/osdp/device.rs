//! A device for tests, written from the standard and not from the panel's code: it obeys the sequence contract, repeats its last
//! reply when it is asked again, and can be made to misbehave.

use std::collections::VecDeque;

use aes::Aes128;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};

type Bytes16 = [u8; 16];

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

fn xor(one: Bytes16, other: Bytes16) -> Bytes16 {
    std::array::from_fn(|index| one[index] ^ other[index])
}

pub fn crc(bytes: &[u8]) -> [u8; 2] {
    let mut crc: u16 = 0x1D0F;
    for byte in bytes {
        crc ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 };
        }
    }
    crc.to_le_bytes()
}

/// A reply in plain.
pub fn plain(address: u8, sequence: u8, code: u8, data: &[u8]) -> Vec<u8> {
    frame(address, sequence, &[], code, data, |_| Vec::new())
}

fn frame(
    address: u8,
    sequence: u8,
    block: &[u8],
    code: u8,
    data: &[u8],
    mac: impl FnOnce(&[u8]) -> Vec<u8>,
) -> Vec<u8> {
    let mac_length = if block.get(1).is_some_and(|kind| *kind >= 0x15) {
        4
    } else {
        0
    };
    let length = 5 + block.len() + 1 + data.len() + mac_length + 2;
    let control = sequence | 4 | if block.is_empty() { 0 } else { 8 };
    let mut bytes = vec![
        0x53,
        address | 0x80,
        u8::try_from(length & 0xFF).expect("a byte"),
        u8::try_from(length >> 8).expect("a byte"),
        control,
    ];
    bytes.extend_from_slice(block);
    bytes.push(code);
    bytes.extend_from_slice(data);
    let mac = mac(&bytes);
    bytes.extend_from_slice(&mac);
    let crc = crc(&bytes);
    bytes.extend_from_slice(&crc);
    bytes
}

struct Keys {
    encryption: Bytes16,
    mac_first: Bytes16,
    mac_last: Bytes16,
}

impl Keys {
    fn mac(&self, begin: Bytes16, bytes: &[u8]) -> Bytes16 {
        let mut padded = bytes.to_vec();
        if !padded.len().is_multiple_of(16) {
            padded.push(0x80);
            padded.resize(padded.len().next_multiple_of(16), 0);
        }
        let (blocks, _) = padded.as_chunks::<16>();
        let mut chain = begin;
        for (index, block) in blocks.iter().enumerate() {
            let key = if index + 1 == blocks.len() {
                self.mac_last
            } else {
                self.mac_first
            };
            chain = encrypt(&key, xor(chain, *block));
        }
        chain
    }
}

/// The device.
pub struct Device {
    pub address: u8,
    /// `None`: it knows no secure channel.
    pub key: Option<Bytes16>,
    /// What it says to the next polls: code and data.
    pub says: VecDeque<(u8, Vec<u8>)>,
    /// Commands that it has taken, code and data in clear, polls left out.
    pub took: Vec<(u8, Vec<u8>)>,
    /// How many polls it has taken; a repeated one is the same.
    pub polls: usize,
    /// So many of its next replies are lost on the way.
    pub loses_replies: usize,
    /// So many commands it is too busy for.
    pub busy: usize,
    /// What it says that it can do.
    pub capabilities: Vec<u8>,
    random: [u8; 8],
    sequence: Option<u8>,
    last_reply: Vec<u8>,
    keys: Option<Keys>,
    is_secure: bool,
    sent: Bytes16,
    received: Bytes16,
    challenge: [u8; 8],
}

impl Device {
    pub fn new(address: u8, key: Option<Bytes16>) -> Self {
        Self {
            address,
            key,
            says: VecDeque::new(),
            took: Vec::new(),
            polls: 0,
            loses_replies: 0,
            busy: 0,
            capabilities: vec![4, 1, 1, 5, 1, 1, 6, 1, 1, 8, 1, 0, 9, 1, 1],
            random: [7; 8],
            sequence: None,
            last_reply: Vec::new(),
            keys: None,
            is_secure: false,
            sent: [0; 16],
            received: [0; 16],
            challenge: [0; 8],
        }
    }

    /// It is switched off and on: the session and what it wanted to say are gone.
    pub fn reboot(&mut self) {
        (self.sequence, self.is_secure, self.keys) = (None, false, None);
        self.says.clear();
    }

    /// A card of 26 bits.
    pub fn present(&mut self, card: [u8; 4]) {
        self.says.push_back((0x50, [&[0, 1, 26, 0], &card[..]].concat()));
    }

    /// What comes back on the line for a command; nothing for what is not for it.
    pub fn hear(&mut self, command: &[u8]) -> Vec<u8> {
        let start = command.iter().position(|byte| *byte != 0xFF).unwrap_or(0);
        let command = &command[start..];
        assert_eq!(command[0], 0x53, "a frame begins so");
        assert_eq!(
            crc(&command[..command.len() - 2]),
            command[command.len() - 2..],
            "its check is right"
        );
        if command[1] != self.address {
            return Vec::new();
        }
        if self.busy > 0 {
            self.busy -= 1;
            return plain(self.address, 0, 0x79, &[]);
        }
        let reply = self.answer(command);
        if self.loses_replies > 0 {
            self.loses_replies -= 1;
            return Vec::new();
        }
        reply
    }

    fn answer(&mut self, command: &[u8]) -> Vec<u8> {
        let sequence = command[4] & 3;
        match (sequence, self.sequence) {
            (0, _) => (self.is_secure, self.last_reply) = (false, Vec::new()),
            (again, Some(last)) if again == last => return self.last_reply.clone(),
            (next, Some(last)) if next == last % 3 + 1 => {}
            _ => return plain(self.address, sequence, 0x41, &[4]),
        }
        let (block, body) = if command[4] & 8 == 0 {
            (&[][..], &command[5..command.len() - 2])
        } else {
            command[5..command.len() - 2].split_at(usize::from(command[5]))
        };
        let kind = block.get(1).copied().unwrap_or(0);
        let reply = match kind {
            0x11 => self.prove(sequence, block[2], &body[1..]),
            0x13 => self.finish(sequence, &body[1..]),
            0x15 | 0x17 if self.is_secure => self.take_secured(sequence, kind, command, body),
            0x15 | 0x17 => plain(self.address, sequence, 0x41, &[5]),
            _ if self.is_secure => plain(self.address, sequence, 0x41, &[6]),
            _ => {
                let (code, data) = self.take(body[0], &body[1..]);
                plain(self.address, sequence, code, &data)
            }
        };
        self.sequence = Some(sequence);
        self.last_reply.clone_from(&reply);
        reply
    }

    fn take(&mut self, code: u8, data: &[u8]) -> (u8, Vec<u8>) {
        if code == 0x60 {
            self.polls += 1;
            return self.says.pop_front().unwrap_or((0x40, Vec::new()));
        }
        self.took.push((code, data.to_vec()));
        match code {
            0x61 => (0x45, vec![0xBE, 0xBA, 0x01, 1, 0, 1, 0, 0, 0, 2, 1, 0]),
            0x62 => (0x46, self.capabilities.clone()),
            0x64 => (0x48, vec![0, 0]),
            0x65 => (0x49, vec![0; 8]),
            _ => (0x40, Vec::new()),
        }
    }

    fn prove(&mut self, sequence: u8, key_byte: u8, random: &[u8]) -> Vec<u8> {
        let Some(key) = self.key else {
            return plain(self.address, sequence, 0x41, &[5]);
        };
        let derived = |kind: u8| {
            let mut block = [0; 16];
            (block[0], block[1]) = (1, kind);
            block[2..8].copy_from_slice(&random[..6]);
            encrypt(&key, block)
        };
        self.challenge.copy_from_slice(random);
        let keys = Keys {
            encryption: derived(0x82),
            mac_first: derived(1),
            mac_last: derived(2),
        };
        let mut both = [0; 16];
        both[..8].copy_from_slice(random);
        both[8..].copy_from_slice(&self.random);
        let data = [&[0; 8], &self.random[..], &encrypt(&keys.encryption, both)].concat();
        self.keys = Some(keys);
        frame(self.address, sequence, &[3, 0x12, key_byte], 0x76, &data, |_| {
            Vec::new()
        })
    }

    fn finish(&mut self, sequence: u8, cryptogram: &[u8]) -> Vec<u8> {
        let keys = self.keys.as_ref().expect("a challenge came before");
        let mut both = [0; 16];
        both[..8].copy_from_slice(&self.random);
        both[8..].copy_from_slice(&self.challenge);
        assert_eq!(encrypt(&keys.encryption, both), cryptogram, "the panel proves its key");
        let first: Bytes16 = cryptogram.try_into().expect("a block");
        let initial = encrypt(&keys.mac_last, encrypt(&keys.mac_first, first));
        (self.is_secure, self.sent, self.received) = (true, initial, [0; 16]);
        frame(self.address, sequence, &[3, 0x14, 1], 0x78, &initial, |_| Vec::new())
    }

    fn take_secured(&mut self, sequence: u8, kind: u8, command: &[u8], body: &[u8]) -> Vec<u8> {
        let keys = self.keys.take().expect("keys");
        let signed = &command[..command.len() - 6];
        let mac = keys.mac(self.sent, signed);
        assert_eq!(
            mac[..4],
            command[command.len() - 6..command.len() - 2],
            "the panel's MAC is right"
        );
        let sealed = &body[1..body.len() - 4];
        let mut data = Vec::new();
        if kind == 0x17 {
            let mut chain = self.sent.map(|byte| !byte);
            for block in sealed.as_chunks::<16>().0 {
                data.extend_from_slice(&xor(decrypt(&keys.encryption, *block), chain));
                chain = *block;
            }
            let end = data.iter().rposition(|byte| *byte == 0x80).expect("padding");
            data.truncate(end);
        }
        self.received = mac;
        let (code, data) = self.take(body[0], &data);
        let mut sealed = Vec::new();
        if !data.is_empty() {
            let mut padded = data;
            padded.push(0x80);
            padded.resize(padded.len().next_multiple_of(16), 0);
            let mut chain = self.received.map(|byte| !byte);
            for block in padded.as_chunks::<16>().0 {
                chain = encrypt(&keys.encryption, xor(chain, *block));
                sealed.extend_from_slice(&chain);
            }
        }
        let block = [2, if sealed.is_empty() { 0x16 } else { 0x18 }];
        let mut whole = [0; 16];
        let reply = frame(self.address, sequence, &block, code, &sealed, |bytes| {
            whole = keys.mac(self.received, bytes);
            whole[..4].to_vec()
        });
        (self.sent, self.keys) = (whole, Some(keys));
        reply
    }
}
