//! A bureau small enough to reason about: twelve people in two units, two gates, a web gate and a meeting hall.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::programs;

/// The Wednesday on which stories happen.
pub const DATE: &str = "2026-09-16";

/// The people: id, full name, unit, and what a masked screen shows of the name.
pub const PEOPLE: [(&str, &str, &str, &str); 12] = [
    ("p01", "孙远航", "plan", "孙＊航"),
    ("p02", "欧阳雪梅", "plan", "欧阳＊梅"),
    ("p03", "王立", "plan", "王＊"),
    ("p04", "赵明德", "plan", "赵＊德"),
    ("p05", "钱秋白", "plan", "钱＊白"),
    ("p06", "周若水", "plan", "周＊水"),
    ("p07", "吴清源", "service", "吴＊源"),
    ("p08", "郑和平", "service", "郑＊平"),
    ("p09", "冯小刚毅", "service", "冯＊毅"),
    ("p10", "陈一诺", "service", "陈＊诺"),
    ("p11", "褚良才", "service", "褚＊才"),
    ("p12", "卫东方", "service", "卫＊方"),
];

/// The badge key (`decimal32`) of a person by the place in [`PEOPLE`].
pub fn badge(person: usize) -> u64 {
    0x008E_C700 + person as u64
}

/// The 40 bits that a proximity reader reads off that person's badge.
pub fn tag(person: usize) -> u64 {
    (0x14 << 32) | badge(person)
}

/// A site folder on disk that stories write, import and change.
#[derive(Debug)]
pub struct Bureau {
    /// The folder.
    pub folder: PathBuf,
}

impl Bureau {
    /// Writes the bureau into `folder`.
    pub fn write(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let bureau = Self {
            folder: folder.to_path_buf(),
        };
        let mut people = String::from("person,name,unit,rank,head\n");
        let mut badges = String::from("badge,person\n");
        for (index, (person, name, unit, _)) in PEOPLE.iter().enumerate() {
            let head = if index % 6 == 0 { "yes" } else { "no" };
            writeln!(people, "{person},{name},{unit},{},{head}", 3 - index % 3)?;
            writeln!(badges, "{:010},{person}", badge(index))?;
        }
        bureau.put("people.csv", &people)?;
        bureau.put("badges.csv", &badges)?;
        for (file, text) in FILES {
            bureau.put(file, text)?;
        }
        Ok(bureau)
    }

    /// Puts `count` invented people in the place of the twelve, with the badges [`badge`] gives them, and nobody on a roster.
    pub fn crowd(&self, count: usize) -> Result<()> {
        let mut people = String::from("person,name,unit\n");
        let mut badges = String::from("badge,person\n");
        for index in 0..count {
            writeln!(people, "c{index:05},人{index:05},plan")?;
            writeln!(badges, "{:010},c{index:05}", badge(index))?;
        }
        self.put("people.csv", &people)?;
        self.put("badges.csv", &badges)?;
        self.put("meeting_roster.csv", "meeting,person,role\n")
    }

    /// Writes one file of the folder.
    pub fn put(&self, file: &str, text: &str) -> Result<()> {
        std::fs::write(self.folder.join(file), text).with_context(|| format!("{file} cannot be written"))
    }

    /// Imports the folder into the data directory of a daemon, running or not, as an operator would.
    pub fn import(&self, config: &Path, data_directory: &Path) -> Result<String> {
        let [folder, config, data] = [&self.folder, config, data_directory].map(Path::as_os_str);
        programs::run_well([
            "import".as_ref(),
            folder,
            "--config".as_ref(),
            config,
            "--data-directory".as_ref(),
            data,
        ])
    }
}

/// What does not depend on the list of people.
const FILES: [(&str, &str); 9] = [
    (
        "site.toml",
        "name = \"云川市综合服务局\"\ntime_zone = \"Asia/Shanghai\"\n",
    ),
    (
        "units.csv",
        "unit,parent,name\nbureau,,云川市综合服务局\nplan,bureau,规划科\nservice,bureau,服务科\n",
    ),
    (
        "places.csv",
        "place,name,kind,pairing\neast,东门,office,first\nwest,西门,office,first\nsouth,南门,office,first\nhall,三楼会议室,meeting,directed\n",
    ),
    (
        "readers.csv",
        "reader,place,faces\neast-gate,east,in\nline-gate,west,both\nweb-gate,south,in\nweb-exit,south,out\nhall-in,hall,in\nhall-out,hall,out\n",
    ),
    (
        "schedules.toml",
        "[[schedule]]\nid = \"office\"\n\n[[schedule.period]]\nname = \"morning\"\nstarts = \"08:30\"\nends = \"12:00\"\n\n\
         [[schedule.period]]\nname = \"afternoon\"\nstarts = \"13:30\"\nends = \"17:30\"\n",
    ),
    ("assignments.csv", "subject,schedule\nunit:bureau,office\n"),
    ("absences.csv", "absence,person,kind,from,until\n"),
    (
        "meetings.toml",
        "[[meeting]]\nid = \"weekly\"\ntitle = \"重点工作推进会\"\nplace = \"hall\"\nstarts = \"2026-09-16 10:00\"\nends = \"2026-09-16 11:30\"\n",
    ),
    (
        "meeting_roster.csv",
        "meeting,person,role\nweekly,p01,chair\nweekly,p02,required\nweekly,p07,required\nweekly,p08,required\n",
    ),
];
