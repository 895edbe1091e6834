//! What a folder would make of the stored facts, for those who only want to look.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use rules::time::Instant;
use store::Ledger;
use store::rows::SwipeRecord;

use super::check::Checked;
use super::import::{ImportError, calendar_due, read_and_check};
use super::plan::{Author, Plan, Stored};
use super::stored::source_of;
use super::swipes;
use crate::calendars::due::Due;
use crate::folder::{Problem, SiteSource};

/// A folder laid over other facts.
pub struct LaidOver {
    /// The files that would be in force, without what is wrong in the folder.
    pub source: SiteSource,
    /// What is wrong in the folder.
    pub problems: Vec<Problem>,
}

/// What importing a folder would change.
pub struct Proposal {
    /// The files that would be in force, without what is wrong in the folder.
    pub source: SiteSource,
    /// The folder's swipes that are not stored.
    pub swipes: Vec<SwipeRecord>,
    /// Whose days would be judged again; `None` is everybody's.
    pub people: Option<BTreeSet<String>>,
    /// From which date on; `None` is from the first.
    pub from: Option<NaiveDate>,
}

/// Lays a folder over facts. A file that it does not have leaves them as they are.
pub async fn lay_over(folder: PathBuf, in_force: SiteSource) -> Result<LaidOver, ImportError> {
    let checked = tokio::task::spawn_blocking(move || read_and_check(&folder, &in_force)).await??;
    Ok(LaidOver {
        source: checked.merged,
        problems: checked.problems,
    })
}

/// What importing a folder would change, its good rows alone.
pub async fn propose(ledger: &dyn Ledger, folder: &Path, now: Instant) -> Result<Proposal, ImportError> {
    let stored = Stored {
        revision: ledger.facts_revision().await?,
        documents: ledger.documents().await?,
        facts: ledger.facts().await?,
    };
    let in_force = source_of(&stored.documents, &stored.facts)?;
    let path = folder.to_owned();
    let checked = tokio::task::spawn_blocking(move || read_and_check(&path, &in_force)).await??;
    let author = Author { actor: "", now };
    let plan = Plan::new(&checked, &stored, &author);
    let swipes = swipes::fresh(ledger, &checked.compiled).await?;
    let calendar = calendar_due(ledger, &plan, &stored, &checked, now).await?;
    Ok(proposal(checked, &plan, &calendar, swipes))
}

fn proposal(checked: Checked, plan: &Plan, calendar: &Due, fresh: Vec<SwipeRecord>) -> Proposal {
    let swiped = swipes::reach(&checked.compiled, &fresh);
    let touched = plan.touched.people();
    let dates = calendar.hull();
    // Each change that touches anybody, with the date from which on it does; `None` is from the first.
    let mut starts: Vec<Option<NaiveDate>> = Vec::new();
    starts.extend(plan.touched.is_anything().then(|| plan.touched.first_date()));
    starts.extend((!swiped.people.is_empty()).then_some(swiped.from));
    starts.extend(dates.map(|dates| Some(dates.from)));
    let people = touched.filter(|_| dates.is_none()).map(|people| {
        let touched = people.into_iter().map(str::to_owned);
        touched.chain(swiped.people).collect()
    });
    Proposal {
        source: checked.merged,
        swipes: fresh,
        people,
        // An open start sorts before every date.
        from: starts.into_iter().min().flatten(),
    }
}
