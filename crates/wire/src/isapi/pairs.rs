//! What the pairs of major and sub type mean.
//!
//! Measured at a DS-K1T341BM: (5,75) (5,76) (5,38) (5,39) (5,1) (5,9) (5,21) (5,22) (5,23) (5,24) (3,1024). The others are those of the
//! maker's own list (the `MINOR_` names of its device SDK), which agrees with all that was measured; lists that others publish do not.
//! A pair that is not here has no meaning here, whatever it looks like.

/// What a pair is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Somebody was recognised.
    Person,
    /// A card that the device does not know was shown.
    UnknownCard,
    /// Somebody was not let in, or not recognised.
    Refused,
    /// A door, a lock, a button.
    Door,
}

/// A pair with its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The major type: 1 alarms, 2 faults, 3 what was done at or to the device, 5 what happened at its doors.
    pub major: i64,
    /// The sub type, also called minor.
    pub sub: i64,
    /// What it is to us.
    pub kind: Kind,
    /// What it means, a stable word.
    pub meaning: &'static str,
}

/// The pair of these numbers; `None`: nobody knows what it means.
pub fn find(major: i64, sub: i64) -> Option<&'static Pair> {
    ALL.iter().find(|pair| (pair.major, pair.sub) == (major, sub))
}

const fn event(sub: i64, kind: Kind, meaning: &'static str) -> Pair {
    Pair {
        major: 5,
        sub,
        kind,
        meaning,
    }
}

const fn person(sub: i64, meaning: &'static str) -> Pair {
    event(sub, Kind::Person, meaning)
}

const fn refused(sub: i64, meaning: &'static str) -> Pair {
    event(sub, Kind::Refused, meaning)
}

const fn door(sub: i64, meaning: &'static str) -> Pair {
    event(sub, Kind::Door, meaning)
}

/// Every pair that is known.
pub const ALL: &[Pair] = &[
    person(1, "card"),
    person(2, "card_and_password"),
    refused(3, "card_and_password_failed"),
    refused(4, "card_and_password_timed_out"),
    refused(5, "card_and_password_failed_too_often"),
    refused(6, "card_without_right"),
    refused(7, "card_at_wrong_time"),
    refused(8, "card_expired"),
    event(9, Kind::UnknownCard, "unknown_card"),
    refused(10, "anti_passback"),
    refused(11, "interlocked_door_open"),
    refused(12, "not_in_the_group"),
    refused(13, "group_at_wrong_time"),
    refused(14, "group_super_right_failed"),
    refused(15, "group_remote_right_failed"),
    door(19, "always_open_begins"),
    door(20, "always_open_ends"),
    door(21, "unlocked"),
    door(22, "locked"),
    door(23, "button_pressed"),
    door(24, "button_released"),
    door(25, "door_open"),
    door(26, "door_closed"),
    door(27, "door_forced"),
    door(28, "door_open_too_long"),
    door(29, "alarm_output_on"),
    door(30, "alarm_output_off"),
    door(31, "always_closed_begins"),
    door(32, "always_closed_ends"),
    door(37, "doorbell"),
    person(38, "fingerprint"),
    refused(39, "fingerprint_failed"),
    person(40, "card_and_fingerprint"),
    refused(41, "card_and_fingerprint_failed"),
    refused(42, "card_and_fingerprint_timed_out"),
    person(43, "card_fingerprint_and_password"),
    refused(44, "card_fingerprint_and_password_failed"),
    refused(45, "card_fingerprint_and_password_timed_out"),
    person(46, "fingerprint_and_password"),
    refused(47, "fingerprint_and_password_failed"),
    refused(48, "fingerprint_and_password_timed_out"),
    refused(49, "unknown_fingerprint"),
    person(54, "face_and_fingerprint"),
    refused(55, "face_and_fingerprint_failed"),
    refused(56, "face_and_fingerprint_timed_out"),
    person(57, "face_and_password"),
    refused(58, "face_and_password_failed"),
    refused(59, "face_and_password_timed_out"),
    person(60, "face_and_card"),
    refused(61, "face_and_card_failed"),
    refused(62, "face_and_card_timed_out"),
    person(63, "face_password_and_fingerprint"),
    refused(64, "face_password_and_fingerprint_failed"),
    refused(65, "face_password_and_fingerprint_timed_out"),
    person(66, "face_card_and_fingerprint"),
    refused(67, "face_card_and_fingerprint_failed"),
    refused(68, "face_card_and_fingerprint_timed_out"),
    person(69, "number_and_fingerprint"),
    refused(70, "number_and_fingerprint_failed"),
    refused(71, "number_and_fingerprint_timed_out"),
    person(72, "number_fingerprint_and_password"),
    refused(73, "number_fingerprint_and_password_failed"),
    refused(74, "number_fingerprint_and_password_timed_out"),
    person(75, "face"),
    refused(76, "face_failed"),
    person(77, "number_and_face"),
    refused(78, "number_and_face_failed"),
    refused(79, "number_and_face_timed_out"),
    refused(80, "face_not_recognised"),
    person(101, "number_and_password"),
    refused(102, "number_and_password_failed"),
    refused(103, "number_and_password_timed_out"),
    refused(104, "no_living_face"),
    Pair {
        major: 3,
        sub: 1024,
        kind: Kind::Door,
        meaning: "opened_remotely",
    },
];
