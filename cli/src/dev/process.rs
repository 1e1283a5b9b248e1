//! The process: what it takes hold of before it serves, and how it serves until it is told to stop.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use carepath_app::ports::{Clock, StoreError};
use carepath_app::recount::Recount;
use carepath_aws::hooks::{HttpHooks, NoClient, Reach};
use carepath_aws::{DynamoStore, InProcess, Options};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::clock::{DevClock, Mode};
use super::database::{self, Durability};
use super::disk;
use super::duties::Duties;
use super::mailbox::{Mailbox, Post};
use super::mailer::{DevMailer, Way};
use super::ports::DevPorts;
use super::queue::DevQueue;
use super::routes::{self, Desk};
use super::smtp::Smtp;
use super::sweep::{self, Watermark};

/// How many things are done at a time: those that write at the same moment share a request to the database.
const AT_ONCE: usize = 256;
/// How many where mails leave the process: of each that is on its way when the process dies nobody knows whether it went out.
const AT_ONCE_OUTSIDE: usize = 8;

/// The whole system in one process on this machine
///
/// Example: carepath dev --clock manual
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the data is kept, across restarts
    #[arg(long, value_name = "DIR", default_value = ".carepath")]
    pub(crate) data: PathBuf,
    /// The port of API, console and mailbox
    #[arg(long, default_value_t = 8787)]
    pub(crate) port: u16,
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// Send mail to an SMTP server, smtp://host:port, instead of the built-in mailbox
    #[arg(long, value_name = "URL")]
    pub(crate) smtp: Option<String>,
    /// How time passes: by itself, or only when it is moved
    #[arg(long, value_enum, default_value = "real")]
    pub(crate) clock: Mode,
    /// Publish the examples, and let a few contacts come in
    #[arg(long)]
    pub(crate) seed: bool,
    /// What a commit survives: the death of the process (normal), or the loss of power too (full)
    #[arg(long, value_enum, default_value = "normal")]
    pub(crate) durability: Durability,
    /// Let webhooks be called on this machine, without TLS, and not only at public addresses
    #[arg(long)]
    pub(crate) webhooks_to_this_machine: bool,
    /// For tests: work is delivered twice, late or not at all, as this seed has it
    #[arg(long, value_name = "SEED", hide = true)]
    pub(crate) queue_faults: Option<u64>,
}

impl Args {
    const fn reach(&self) -> Reach {
        if self.webhooks_to_this_machine { Reach::PublicAndThisMachine } else { Reach::Public }
    }
}

/// Why the process does not serve. Exit code 3.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DevError {
    /// Somebody else has the data.
    #[error("{} is in use by another carepath dev: stop that one, or choose another folder with --data", .0.display())]
    InUse(PathBuf),
    /// The data folder cannot be used.
    #[error("the data folder {} cannot be used", .folder.display())]
    Data {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on: choose another port with --port")]
    Address {
        /// Which.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The SMTP server's address is none.
    #[error("--smtp: {0}")]
    Smtp(&'static str),
    /// Webhooks cannot be called.
    #[error(transparent)]
    Hooks(#[from] NoClient),
    /// The mailbox file cannot be used.
    #[error("the mailbox file cannot be used")]
    Mailbox(#[from] rusqlite::Error),
    /// The database file cannot be used.
    #[error("the database file cannot be used")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The application could not be opened.
    #[error("the application could not be opened")]
    App(#[from] carepath_app::UseError),
    /// Serving broke off.
    #[error("serving broke off")]
    Serving(#[source] io::Error),
}

/// What the process holds.
pub(crate) struct Premises {
    /// The ports of the application.
    pub(crate) ports: DevPorts,
    /// The API key with the role `admin`, the same at each start.
    pub(crate) api_key: String,
    folder: PathBuf,
    host: String,
    mailbox: Mailbox,
    at_once: usize,
    listener: TcpListener,
    /// Held as long as the process lives.
    _lock: File,
}

/// What other programs read about this one.
#[derive(Serialize)]
struct DevFile<'a> {
    api_url: &'a str,
    console_url: &'a str,
    mailbox_url: &'a str,
    api_key: &'a str,
    pid: u32,
}

impl Premises {
    /// Takes hold of data and address.
    ///
    /// # Errors
    /// Where somebody else has them, or they cannot be used.
    pub(crate) async fn open(args: &Args) -> Result<Self, DevError> {
        let folder = args.data.clone();
        let data = |source| DevError::Data { folder: args.data.clone(), source };
        fs::create_dir_all(&folder).map_err(data)?;
        // It is all contact data in there.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).map_err(data)?;
        let lock = disk::lock(&folder).map_err(|source| {
            if source.kind() == io::ErrorKind::WouldBlock { DevError::InUse(folder.clone()) } else { data(source) }
        })?;
        let listener = TcpListener::bind((args.host.as_str(), args.port)).await.map_err(|source| {
            let address = format!("{}:{}", args.host, args.port);
            DevError::Address { address, source }
        })?;
        let clock = DevClock::open(&folder, args.clock).map_err(data)?;
        let mailbox = Mailbox::open(&folder.join("mailbox.sqlite"))?;
        let way = match &args.smtp {
            Some(url) => Way::Smtp(Smtp::at(url).map_err(DevError::Smtp)?),
            None => Way::Mailbox(mailbox.clone(), Post::of(mailbox.clone()).map_err(data)?),
        };
        let store = store(&folder, args.durability).await?;
        let ports = DevPorts {
            reports: Recount::new(store.clone()),
            store,
            mailer: Arc::new(DevMailer::new(way, clock.clone())),
            hooks: HttpHooks::new(args.reach())?,
            queue: match args.queue_faults {
                Some(seed) => DevQueue::unreliable(clock.clone(), seed),
                None => DevQueue::new(clock.clone()),
            },
            clock,
        };
        let api_key = api_key(&folder).map_err(data)?;
        let at_once = if args.smtp.is_some() { AT_ONCE_OUTSIDE } else { AT_ONCE };
        Ok(Self { ports, api_key, folder, host: args.host.clone(), mailbox, at_once, listener, _lock: lock })
    }

    /// Where this process is found.
    ///
    /// # Errors
    /// Where the system does not say.
    pub(crate) fn url(&self) -> Result<String, DevError> {
        self.listener.local_addr().map(base_url).map_err(DevError::Serving)
    }

    /// Serves `api` and what this machine offers beside it, until Ctrl-C or SIGTERM.
    ///
    /// # Errors
    /// Where the data folder cannot be written, or serving breaks off.
    pub(crate) async fn serve<D: Duties>(self, duties: D, api: Router, seed: bool) -> Result<(), DevError> {
        let data = |source| DevError::Data { folder: self.folder.clone(), source };
        let DevPorts { queue, clock, .. } = self.ports.clone();
        let desk = Desk {
            duties: duties.clone(),
            queue: queue.clone(),
            clock: clock.clone(),
            mailbox: self.mailbox.clone(),
            api_key: self.api_key.as_str().into(),
            journey: Arc::default(),
        };
        let router = api.merge(routes::router(desk, &self.host));
        let url = self.url()?;
        self.announce(&url).map_err(data)?;
        if seed {
            tokio::spawn(super::serve::seed(url.clone(), self.api_key.clone()));
        }
        let mark = Watermark::open(&self.folder);
        let (from, now) = (mark.from(), clock.now());
        let (search, recovery) = (queue.search(), queue.search());
        tokio::spawn({
            let duties = duties.clone();
            async move {
                sweep::recover(&duties, from, now).await;
                drop(recovery);
            }
        });
        tokio::spawn(sweep::keep_sweeping(duties.clone(), queue.clone(), clock, mark, search));
        tokio::spawn(queue.work(self.at_once, move |work| {
            let duties = duties.clone();
            async move { duties.handle(work).await }
        }));
        // What is in flight when it stops is taken up at the next start, as after a crash.
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(self.listener, service).with_graceful_shutdown(told_to_stop()).await.map_err(DevError::Serving)
    }

    fn announce(&self, url: &str) -> io::Result<()> {
        let mailbox = format!("{url}/mailbox");
        let file = DevFile {
            api_url: url,
            console_url: url,
            mailbox_url: &mailbox,
            api_key: &self.api_key,
            pid: std::process::id(),
        };
        disk::replace(&self.folder.join("dev.json"), &serde_json::to_string_pretty(&file)?)?;
        let key = self.folder.join("dev.json");
        let lines = format!(
            "\n  Carepath is running. Stop it with Ctrl-C.\n\n  console  {url}/\n  mailbox  {mailbox}\n  API      {url}/v1\n  \
             API key  in {}\n  data     {}\n\n",
            key.display(),
            self.folder.display()
        );
        io::stdout().lock().write_all(lines.as_bytes())
    }
}

async fn store(folder: &Path, durability: Durability) -> Result<DynamoStore, DevError> {
    let file = folder.join("data.sqlite");
    let database =
        database::open(Some(&file.to_string_lossy()), durability).map_err(|error| DevError::Database(error.into()))?;
    let options = Options { prefix: "carepath-".to_owned(), shards: 1, packs: false, together: true };
    let connector =
        InProcess::beside("database", move |target, body| database::prepare(&database, target, body, false));
    let store = DynamoStore::over(connector.map_err(|error| DevError::Database(error.into()))?, &options);
    store.create_tables().await?;
    Ok(store)
}

/// The key, drawn at the first start.
fn api_key(folder: &Path) -> io::Result<String> {
    let file = folder.join("api-key");
    if let Some(key) = disk::read(&file)? {
        return Ok(key.trim().to_owned());
    }
    let key = format!("cp_{}", uuid::Uuid::new_v4().simple());
    disk::replace(&file, &key)?;
    Ok(key)
}

/// Where somebody on this machine finds it: an address for all of them is none to go to.
fn base_url(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://127.0.0.1:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

async fn told_to_stop() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
