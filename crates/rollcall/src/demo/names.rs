//! Invented names of people.

use std::collections::BTreeSet;

use super::random::Random;

/// Common surnames, the most common first and twice, so that the mix looks like a real list.
const SURNAMES: &[&str] = &[
    "王", "王", "李", "李", "张", "张", "刘", "刘", "陈", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱",
    "高", "林", "何", "郭", "马", "罗", "梁", "宋", "郑", "谢", "韩", "唐", "冯", "于", "董", "萧", "程", "曹", "袁",
    "邓", "许", "傅", "沈", "曾", "彭", "吕", "苏", "卢", "蒋", "蔡", "贾", "丁", "魏", "薛", "叶", "阎", "余", "潘",
    "杜", "戴", "夏", "钟", "汪", "田", "任", "姜", "范", "方", "石", "姚", "谭",
];

/// Surnames of two characters, which masking and narrow columns must cope with.
const COMPOUND_SURNAMES: &[&str] = &["欧阳", "司马", "上官", "诸葛", "夏侯", "皇甫", "尉迟", "令狐"];

/// Every so many people one has a surname of two characters.
const COMPOUND_EVERY: usize = 23;

/// Characters that stand alone as a given name.
const SINGLE: &[&str] = &[
    "敏", "静", "磊", "洋", "勇", "艳", "娟", "涛", "超", "霞", "平", "刚", "宁", "岚", "航", "楠", "颖", "博", "睿",
    "琳",
];

/// First characters of given names of two.
const FIRST: &[&str] = &[
    "文", "志", "晓", "建", "国", "秀", "玉", "明", "春", "海", "雪", "丽", "俊", "思", "雨", "子", "嘉", "亚", "立",
    "永", "景", "若", "书", "一",
];

/// Second characters of given names of two.
const SECOND: &[&str] = &[
    "华", "平", "东", "芳", "梅", "强", "军", "英", "杰", "涵", "轩", "怡", "琪", "辰", "航", "宁", "然", "峰", "斌",
    "燕", "青", "源", "成", "琴",
];

/// `count` different invented names.
pub fn invent(count: usize, random: &mut Random) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut names = Vec::with_capacity(count);
    while names.len() < count {
        let compound = names.len() % COMPOUND_EVERY == COMPOUND_EVERY - 1;
        let surname = random.pick(if compound { COMPOUND_SURNAMES } else { SURNAMES });
        // One in five given names has one character.
        let given = if random.below(5) == 0 {
            (*random.pick(SINGLE)).to_owned()
        } else {
            format!("{}{}", random.pick(FIRST), random.pick(SECOND))
        };
        let name = format!("{surname}{given}");
        if taken.insert(name.clone()) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_some_have_two_character_surnames() {
        let names = invent(300, &mut Random::new(3));
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 300);
        assert!(names.iter().all(|name| (2..=4).contains(&name.chars().count())));
        assert_eq!(
            names
                .iter()
                .filter(|name| COMPOUND_SURNAMES.iter().any(|surname| name.starts_with(surname)))
                .count(),
            13
        );
    }
}
