//! Topics and their filters, as section 4.7 of MQTT 3.1.1 defines them.

/// The longest topic, in bytes.
const LONGEST_TOPIC: usize = 65_535;

/// Whether this can be subscribed to. Shared subscriptions are not meant: whoever shares one gets only some of the messages.
pub fn is_filter(filter: &str) -> bool {
    let levels: Vec<&str> = filter.split('/').collect();
    let is_level = |(place, level): (usize, &&str)| match *level {
        "+" => true,
        "#" => place + 1 == levels.len(),
        other => !other.contains(['+', '#']),
    };
    (1..=LONGEST_TOPIC).contains(&filter.len())
        && !filter.starts_with('$')
        && !filter.chars().any(char::is_control)
        && levels.iter().enumerate().all(is_level)
}

/// Whether it names one topic and no others.
pub fn is_one_topic(filter: &str) -> bool {
    !filter.split('/').any(is_wildcard)
}

/// Whether a message on this topic is meant.
pub fn matches(filter: &str, topic: &str) -> bool {
    // Wildcards do not reach what a broker says of itself.
    !topic.starts_with('$') && is_met(filter.split('/'), topic.split('/'))
}

/// Whether there is a topic that both mean.
pub fn overlap(one: &str, other: &str) -> bool {
    is_met(one.split('/'), other.split('/'))
}

fn is_met<'a>(one: impl Iterator<Item = &'a str>, other: impl Iterator<Item = &'a str>) -> bool {
    let (mut one, mut other) = (one, other);
    loop {
        match (one.next(), other.next()) {
            // It also means the level above.
            (Some("#"), _) | (_, Some("#")) | (None, None) => return true,
            (Some(one), Some(other)) if one == other || is_wildcard(one) || is_wildcard(other) => {}
            _ => return false,
        }
    }
}

fn is_wildcard(level: &str) -> bool {
    matches!(level, "+" | "#")
}

/// The topic beside this one.
pub fn beside(filter: &str, name: &str) -> Option<String> {
    filter.rsplit_once('/').map(|(above, _)| format!("{above}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_those_of_the_standard() {
        for good in [
            "tele/gate/SENSOR",
            "tele/+/SENSOR",
            "tele/#",
            "#",
            "+",
            "/",
            "a//b",
            "中/门",
        ] {
            assert!(is_filter(good), "{good}");
        }
        for wrong in [
            "",
            "a/#/b",
            "a#",
            "a+/b",
            "$share/g/a",
            "$SYS/#",
            "a\0b",
            &"a".repeat(65_536),
        ] {
            assert!(!is_filter(wrong), "{}", wrong.escape_debug());
        }
    }

    #[test]
    fn wildcards_reach_as_far_as_the_standard_says() {
        for (filter, topic) in [
            ("tele/gate/SENSOR", "tele/gate/SENSOR"),
            ("tele/+/SENSOR", "tele/gate/SENSOR"),
            ("tele/#", "tele/gate/SENSOR"),
            ("tele/#", "tele"),
            ("#", "tele"),
            ("+/+", "/a"),
            ("tele/+", "tele/"),
        ] {
            assert!(matches(filter, topic) && overlap(filter, topic), "{filter} {topic}");
        }
        for (filter, topic) in [
            ("tele/gate/SENSOR", "tele/gate"),
            ("tele/gate", "tele/gate/SENSOR"),
            ("tele/+", "tele/gate/SENSOR"),
            ("tele/+/SENSOR", "tele/gate/STATE"),
            ("#", "$SYS/broker/uptime"),
            ("+/broker", "$SYS/broker"),
        ] {
            assert!(!matches(filter, topic), "{filter} {topic}");
        }
        assert!(overlap("tele/+/SENSOR", "+/gate/SENSOR") && overlap("a/#", "+/b/c"));
        assert!(!overlap("tele/+/SENSOR", "tele/gate/STATE") && !overlap("a/b", "a/b/+"));
    }

    #[test]
    fn the_topic_beside_another_has_its_place() {
        assert_eq!(beside("tele/gate/SENSOR", "LWT").as_deref(), Some("tele/gate/LWT"));
        assert_eq!(beside("tele/gate/#", "LWT").as_deref(), Some("tele/gate/LWT"));
        assert_eq!(beside("SENSOR", "LWT"), None);
        assert!(is_one_topic("a/b") && !is_one_topic("a/+") && !is_one_topic("#"));
    }
}
