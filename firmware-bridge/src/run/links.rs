//! The links that run: those that the file names, and those that the daemon pushed.

use std::path::{Path, PathBuf};

use anyhow::Context;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::config::{Pushed, Tables};
use super::readers::Readers;
use super::uplink::Push;
use crate::config::{Link, ReaderConfig};
use crate::link::{LinkContext, run_link};
use crate::mqtt::{readers_of, run_mqtt_broker};
use crate::osdp::run_osdp_bus;

/// What runs, and what it was started with.
pub struct Links {
    own: Tables,
    running: Tables,
    directory: PathBuf,
    context: LinkContext,
    readers: Readers,
    stop: CancellationToken,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Links {
    /// Starts the links of the file, and those that were pushed before as far as they still stand beside them; returns the edition
    /// that is in use.
    pub fn start(
        own: Tables,
        pushed: Option<Pushed>,
        directory: &Path,
        context: LinkContext,
        readers: Readers,
    ) -> (Self, Option<String>) {
        let mut links = Self {
            running: Tables::default(),
            directory: directory.to_owned(),
            stop: context.stop.child_token(),
            tasks: JoinSet::new(),
            own,
            context,
            readers,
        };
        let (tables, edition) = match pushed.map(|pushed| (links.together(&pushed.toml), pushed.edition)) {
            Some((Ok(tables), edition)) => (tables, Some(edition)),
            Some((Err(error), edition)) => {
                let error = format!("{error:#}");
                tracing::error!(
                    event = "configuration.unusable",
                    edition,
                    error,
                    "the readers of the file alone are used"
                );
                (links.own.clone(), None)
            }
            None => (links.own.clone(), None),
        };
        links.open(tables);
        (links, edition)
    }

    fn together(&self, toml: &str) -> anyhow::Result<Tables> {
        self.own.with(&Tables::parse(toml)?)
    }

    fn open(&mut self, tables: Tables) {
        let shows_outcome = |reader: &ReaderConfig| matches!(reader.link, Link::Osdp(_));
        let named = tables
            .readers
            .iter()
            .map(|reader| (reader.id.as_str(), shows_outcome(reader)));
        self.readers.configure(named);
        if tables.readers.is_empty() {
            tracing::warn!(
                event = "bridge.no_readers",
                remedy = "write [[reader]] tables here, or [[bridge.reader]] tables at the daemon, which pushes them"
            );
        }
        self.stop = self.context.stop.child_token();
        let mut context = self.context.clone();
        context.stop = self.stop.clone();
        for bus in &tables.buses {
            let on_bus = |reader: &&ReaderConfig| matches!(&reader.link, Link::Osdp(osdp) if osdp.bus == bus.id);
            let readers: Vec<_> = tables.readers.iter().filter(on_bus).cloned().collect();
            let (bus, context) = (bus.clone(), context.clone());
            self.tasks
                .spawn(async move { run_osdp_bus(bus, readers, context).await.context("an OSDP bus") });
        }
        for broker in &tables.brokers {
            let readers = readers_of(broker, &tables.brokers, &tables.readers);
            let (broker, context) = (broker.clone(), context.clone());
            self.tasks.spawn(async move {
                run_mqtt_broker(broker, readers, context).await;
                Ok(())
            });
        }
        let speaks_for_itself = |reader: &&ReaderConfig| !matches!(reader.link, Link::Osdp(_) | Link::Mqtt(_));
        for reader in tables.readers.iter().filter(speaks_for_itself) {
            let (reader, context) = (reader.clone(), context.clone());
            self.tasks
                .spawn(async move { run_link(reader, context).await.context("a reader's link") });
        }
        self.running = tables;
    }

    /// Uses what the daemon pushed, unless it is wrong: then what was used before goes on.
    pub async fn push(&mut self, push: Push) {
        let Push { edition, toml, reply } = push;
        let done = self.apply(&edition, toml).await.map_err(|error| format!("{error:#}"));
        match &done {
            Ok(()) => tracing::info!(
                event = "configuration.used",
                edition,
                readers = self.running.readers.len()
            ),
            Err(error) => tracing::error!(
                event = "configuration.refused",
                edition,
                error,
                "what was used before goes on"
            ),
        }
        // Whoever asked has gone, and will ask again.
        let _: Result<(), _> = reply.send(done);
    }

    async fn apply(&mut self, edition: &str, toml: String) -> anyhow::Result<()> {
        let tables = self.together(&toml)?;
        let pushed = Pushed {
            edition: edition.to_owned(),
            toml,
        };
        pushed.write(&self.directory).context("cannot be remembered")?;
        if tables != self.running {
            self.stop().await;
            self.open(tables);
        }
        Ok(())
    }

    /// The error of a link that could not run at all; waits for one.
    pub async fn failed(&mut self) -> Option<anyhow::Error> {
        match self.tasks.join_next().await {
            Some(Ok(Ok(()))) | None => std::future::pending().await,
            Some(Ok(Err(error))) => Some(error),
            Some(Err(died)) => Some(anyhow::Error::new(died).context("a reader's link died")),
        }
    }

    /// Ends all links: what they have read is handed over first.
    pub async fn stop(&mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended.map_err(anyhow::Error::new).flatten() {
                tracing::warn!(event = "link.ended", error = format!("{error:#}"));
            }
        }
    }
}
