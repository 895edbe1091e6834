//! The readers of one broker: whose a message is, and which of them are there.

use std::collections::BTreeMap;

use wire::{Heard, Messages};

use super::config::MqttReader;
use super::topic;
use crate::config::{Link, ReaderConfig};

/// The most devices of one reader whose messages are told apart; which topics there are is the publishers' choice.
const MOST_DEVICES: usize = 256;

/// A reader on the broker.
#[derive(Debug)]
pub struct Place {
    /// Its configuration.
    pub reader: ReaderConfig,
    mqtt: MqttReader,
    /// What the messages of each of its devices mean, by topic.
    messages: BTreeMap<String, Messages>,
    /// What its last wills say, by topic.
    online: BTreeMap<String, bool>,
    /// Since the connection is there, one of its devices has published something.
    is_heard: bool,
    /// What the broker does not let us read.
    refused: Option<String>,
    /// What was said of it last.
    said: Option<(bool, String)>,
}

/// What a last will says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Will {
    /// The device is there.
    Online,
    /// It is not.
    Offline,
    /// The message was taken back.
    Unknown,
}

impl Will {
    /// `Online` and `Offline` as Tasmota writes them, or small as ESPHome and esp-rfid do; `None` for anything else.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        match payload.trim_ascii() {
            b"" => Some(Self::Unknown),
            word if word.eq_ignore_ascii_case(b"online") => Some(Self::Online),
            word if word.eq_ignore_ascii_case(b"offline") => Some(Self::Offline),
            _ => None,
        }
    }
}

impl Place {
    /// A reader of which nothing was heard; `None` if it is no MQTT reader.
    pub fn new(reader: ReaderConfig) -> Option<Self> {
        let Link::Mqtt(mqtt) = reader.link.clone() else {
            return None;
        };
        Some(Self {
            reader,
            mqtt,
            messages: BTreeMap::new(),
            online: BTreeMap::new(),
            is_heard: false,
            refused: None,
            said: None,
        })
    }

    /// Where it publishes its readings.
    pub fn topic(&self) -> &str {
        &self.mqtt.topic
    }

    /// Where it says whether it is there.
    pub fn availability(&self) -> Option<&str> {
        self.mqtt.availability.as_deref()
    }

    /// Whether messages on this topic say whether it is there.
    pub fn is_will(&self, topic: &str) -> bool {
        self.availability().is_some_and(|filter| topic::matches(filter, topic))
    }

    /// Whether messages on this topic may be its readings.
    pub fn publishes(&self, topic: &str) -> bool {
        topic::matches(&self.mqtt.topic, topic)
    }

    /// What a message of it says.
    pub fn hear(&mut self, topic: &str, payload: &[u8]) -> Heard {
        let decoding = self.reader.decoding;
        if self.messages.len() >= MOST_DEVICES && !self.messages.contains_key(topic) {
            return Messages::new(decoding).hear(payload);
        }
        let messages = self.messages.entry(topic.to_owned());
        messages.or_insert_with(|| Messages::new(decoding)).hear(payload)
    }

    /// A last will was heard.
    pub fn take_will(&mut self, topic: &str, will: Will) {
        match will {
            Will::Unknown => {
                self.online.remove(topic);
            }
            _ if self.online.len() >= MOST_DEVICES && !self.online.contains_key(topic) => {}
            will => {
                self.online.insert(topic.to_owned(), will == Will::Online);
            }
        }
    }

    /// One of its devices has published something just now, and so is there whatever its last will said.
    pub fn take_sign_of_life(&mut self) {
        self.is_heard = true;
        if let Some(availability) = self.availability().filter(|filter| topic::is_one_topic(filter)) {
            self.online.insert(availability.to_owned(), true);
        }
    }

    /// The broker does not let us read this.
    pub fn refuse(&mut self, filter: &str) {
        self.refused = Some(filter.to_owned());
    }

    /// The connection is lost: what was known of the devices may have changed when it is there again.
    pub fn forget(&mut self) {
        self.online.clear();
        self.messages.clear();
        self.is_heard = false;
        self.refused = None;
    }

    /// Whether it can be heard over a connection that is there, and what to say of that.
    pub fn state(&self, broker: &str) -> (bool, String) {
        if let Some(filter) = &self.refused {
            return (
                false,
                format!("broker {broker} does not let us read {filter}; give our user that right in its access list"),
            );
        }
        if let Some((topic, _)) = self.online.iter().find(|(_, online)| !**online) {
            return (false, format!("offline, says {topic}; check its power and its network"));
        }
        let is_known = self.is_heard || !self.online.is_empty();
        match &self.mqtt.availability {
            Some(filter) if !is_known => (
                false,
                format!(
                    "{filter} says nothing, so whether it is there is not known; it should be a retained message \
                     (where the device has none, write availability = \"\")"
                ),
            ),
            _ => (true, format!("subscribed to {} at broker {broker}", self.mqtt.topic)),
        }
    }

    /// What is to be said of it, if that is not what was said last.
    pub fn news(&mut self, up: bool, detail: String) -> Option<(bool, String)> {
        let said = (up, detail);
        if self.said.as_ref() == Some(&said) {
            return None;
        }
        self.said = Some(said.clone());
        Some(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(rest: &str) -> Place {
        let table: crate::ReaderTable = toml::from_str(&format!("id = 'gate'\n{rest}")).expect("a table");
        Place::new(table.check().expect("a good table")).expect("an MQTT reader")
    }

    #[test]
    fn a_will_says_one_of_two_words() {
        for (payload, will) in [
            (&b"Online"[..], Some(Will::Online)),
            (b"offline\n", Some(Will::Offline)),
            (b"", Some(Will::Unknown)),
            (b"1", None),
            (b"\xFF", None),
        ] {
            assert_eq!(Will::parse(payload), will, "{payload:?}");
        }
    }

    #[test]
    fn a_reader_of_several_devices_is_there_while_none_is_known_to_be_gone() {
        let mut place = place("link = 'mqtt:tele/+/SENSOR'\nformat = 'tasmota'");
        assert!(!place.state("house").0, "nothing is known");
        place.take_will("tele/east/LWT", Will::Online);
        assert!(place.state("house").0);
        place.take_will("tele/west/LWT", Will::Offline);
        assert_eq!(
            place.state("house"),
            (
                false,
                "offline, says tele/west/LWT; check its power and its network".into()
            )
        );
        place.take_will("tele/west/LWT", Will::Unknown);
        assert!(place.state("house").0, "a device that was taken away for good");
        place.refuse("tele/+/SENSOR");
        assert!(place.state("house").1.contains("does not let us read tele/+/SENSOR"));
        place.forget();
        assert!(!place.state("house").0);
    }

    #[test]
    fn publishers_do_not_decide_how_much_is_remembered() {
        let mut place =
            place("link = 'mqtt:tele/#'\nformat = 'tasmota'\nserial_format = 'rdm6300'\navailability = 'lwt/+'");
        for number in 0..10_000 {
            let heard = place.hear(&format!("tele/{number}"), br#"{"RDM6300":{"UID":"0063E9AE"}}"#);
            assert_eq!(heard.readings.len(), 1);
            place.take_will(&format!("lwt/{number}"), Will::Online);
        }
        assert_eq!((place.messages.len(), place.online.len()), (MOST_DEVICES, MOST_DEVICES));
    }

    #[test]
    fn news_is_said_once() {
        let mut place = place("link = 'mqtt:a'\nformat = 'line'");
        assert_eq!(place.news(true, "there".into()), Some((true, "there".into())));
        assert_eq!(place.news(true, "there".into()), None);
        assert!(place.news(false, "gone".into()).is_some());
    }
}
