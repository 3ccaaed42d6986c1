//! A wire between the service and the server that can be cut without either end being told.

use std::path::{Path, PathBuf};

use tokio::{
    net::{UnixListener, UnixStream},
    sync::watch,
};

use super::it::{database::Database, postgres};

/// Carries everything, until it is cut.
pub(crate) struct Wire {
    _directory: tempfile::TempDir,
    cut: watch::Sender<()>,
}

impl Wire {
    /// A new database of the shared server, and the wire to it.
    pub(crate) fn to_a_database() -> (Self, Database) {
        let (server, directory) = (postgres::shared(), tempfile::tempdir().unwrap());
        let here = directory.path().join(".s.PGSQL.5432");
        let there = server.socket();
        let near = postgres::as_host(directory.path());
        let far = postgres::as_host(there.parent().unwrap());
        let url = server.new_database().replace(&far, &near);
        let cut = watch::Sender::new(());
        tokio::task::spawn(carry(listen(&here), there, cut.clone()));
        let wire = Self {
            _directory: directory,
            cut,
        };
        (wire, Database::at(url))
    }

    /// From now on the connections of before carry nothing and stay open. New ones are whole.
    pub(crate) fn cut(&self) {
        self.cut.send_replace(());
    }
}

fn listen(here: &Path) -> UnixListener {
    UnixListener::bind(here).unwrap()
}

async fn carry(here: UnixListener, there: PathBuf, cut: watch::Sender<()>) {
    loop {
        let (mut near, _) = here.accept().await.unwrap();
        let mut far = UnixStream::connect(&there).await.unwrap();
        let mut cut = cut.subscribe();
        tokio::task::spawn(async move {
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                _ = cut.changed() => std::future::pending().await,
            }
        });
    }
}
