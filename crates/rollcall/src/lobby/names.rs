//! What a screen may say of a name. Masking happens here, before anything is serialised: what a screen may not show never
//! leaves the server.

/// How much of a person's name leaves the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NameMode {
    /// 孙＊航, `Sun H.`: the default, because visitors stand before a lobby screen.
    #[default]
    Masked,
    /// The whole name: only for a screen that the bureau has declared to be for its staff.
    Full,
    /// No people at all, only how many of which unit.
    Counts,
}

impl NameMode {
    /// The name in configuration and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Masked => "masked",
            Self::Full => "full",
            Self::Counts => "counts",
        }
    }
}

/// U+FF0A: as wide as a Han character and centred in it; the ASCII asterisk sits too high beside them.
const STAR: char = '＊';

/// The longest text from the bureau's records that a screen is sent, in characters; longer ones end in `…`.
const SHOWN_CHARACTERS: usize = 60;

/// The surnames of two characters that are still in use; they stay whole.
const COMPOUND_SURNAMES: [&str; 38] = [
    "欧阳", "上官", "司马", "诸葛", "司徒", "东方", "独孤", "南宫", "万俟", "闻人", "夏侯", "尉迟", "公羊", "赫连",
    "澹台", "皇甫", "宗政", "濮阳", "公冶", "太叔", "申屠", "公孙", "慕容", "仲孙", "钟离", "长孙", "宇文", "鲜于",
    "闾丘", "令狐", "轩辕", "呼延", "端木", "第五", "西门", "东郭", "百里", "歐陽",
];

/// A name as [`NameMode::Masked`] shows it. It never equals or contains the whole name.
///
/// Names in Han characters, kana or Hangul keep the surname and, from three characters on, the last character: 孙＊航, 周＊,
/// 欧阳＊, 司马＊如. Other names keep the first word and the initial of the last (`Sun H.`), and a single word its first letter.
pub fn mask(name: &str) -> String {
    let name = plain(name);
    let written_together = name.chars().any(is_east_asian);
    if written_together {
        mask_together(&name)
    } else {
        mask_words(&name)
    }
}

fn mask_together(name: &str) -> String {
    let characters: Vec<char> = name.chars().filter(|character| !character.is_whitespace()).collect();
    let joined: String = characters.iter().collect();
    let compound = characters.len() > 2 && COMPOUND_SURNAMES.iter().any(|surname| joined.starts_with(surname));
    let kept = match characters.len() {
        0 | 1 => 0,
        _ if compound => 2,
        _ => 1,
    };
    let mut masked: String = characters.iter().take(kept).collect();
    masked.push(STAR);
    // At least one character must vanish between what is kept at either end.
    if kept > 0 && characters.len() > kept + 1 {
        masked.extend(characters.last());
    }
    masked
}

fn mask_words(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    match words.as_slice() {
        // A last name of one letter would survive its own initial, so it is hidden as a single word is.
        [first, .., last]
            if last
                .chars()
                .filter(|character| character.is_alphanumeric())
                .nth(1)
                .is_some() =>
        {
            let initial: String = last
                .chars()
                .find(|character| character.is_alphanumeric())
                .into_iter()
                .collect();
            format!("{first} {initial}.")
        }
        [] => STAR.to_string(),
        [first, ..] => {
            let kept = usize::from(first.chars().nth(1).is_some());
            first.chars().take(kept).chain([STAR]).collect()
        }
    }
}

/// Text from the bureau's records made fit for a screen: no control characters, none that turn the writing direction, one
/// line, of bounded length.
pub fn plain(text: &str) -> String {
    let visible: Vec<char> = text
        .chars()
        .filter(|&character| !character.is_control() && !turns_direction(character))
        .collect();
    if visible.len() <= SHOWN_CHARACTERS {
        return visible.into_iter().collect();
    }
    visible.into_iter().take(SHOWN_CHARACTERS).chain(['…']).collect()
}

fn turns_direction(character: char) -> bool {
    matches!(character, '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

fn is_east_asian(character: char) -> bool {
    matches!(character,
        '\u{1100}'..='\u{11FF}' | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{AC00}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_what_the_design_lets_them_keep() {
        let cases = [
            ("孙一航", "孙＊航"),
            ("周强", "周＊"),
            ("欧阳锋", "欧阳＊"),
            ("欧阳", "欧＊"),
            ("司马相如", "司马＊如"),
            ("爱新觉罗", "爱＊罗"),
            ("阿依古丽·买买提", "阿＊提"),
            ("孙 一航", "孙＊航"),
            ("王", "＊"),
            ("", "＊"),
            ("Sun Hang", "Sun H."),
            ("Anna Maria Schmidt", "Anna S."),
            ("Cher", "C＊"),
            ("X", "＊"),
            ("Malcolm X", "M＊"),
            ("김민준", "김＊준"),
            ("山田 太郎", "山＊郎"),
        ];
        for (name, masked) in cases {
            assert_eq!(mask(name), masked, "{name}");
        }
    }

    #[test]
    fn a_masked_name_never_contains_the_name() {
        for name in [
            "孙一航",
            "周强",
            "王",
            "Sun Hang",
            "Cher",
            "A B",
            "Malcolm X",
            "B. B.",
            "  Ann  Lee ",
        ] {
            assert!(!mask(name).contains(name.trim()), "{name} became {}", mask(name));
        }
    }

    #[test]
    fn text_for_a_screen_is_one_bounded_line_that_runs_forward() {
        assert_eq!(plain("a\u{202E}b\nc\u{200B}"), "abc");
        assert_eq!(plain(&"科".repeat(500)).chars().count(), SHOWN_CHARACTERS + 1);
    }
}
