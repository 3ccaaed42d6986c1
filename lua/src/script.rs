//! A script and how it is called: EVALSHA, and once more with the text when Redis forgot it.

use redis::{
    Cmd, ErrorKind, FromRedisValue, Script as RedisScript, ServerErrorKind, Value,
    aio::ConnectionLike,
};

use crate::StoreError;

/// What can go wrong with a call to a script.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ScriptError {
    /// The store did not answer, or answered an error. Whether the script ran is unknown: repeat it
    /// with the same arguments.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The script answered something its door does not know: two versions talk to one store.
    #[error("script {script} answered {answer:?}")]
    Unexpected {
        /// Which script.
        script: &'static str,
        /// What it said.
        answer: String,
    },
}

impl ScriptError {
    /// Whether the connection broke under the call, rather than nobody being there or no answer in
    /// time: a new connection may do at once.
    pub fn connection_broke(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Away { source, .. })
                if source.is_connection_dropped() && !source.is_timeout()
        )
    }
}

/// One Lua script.
pub(crate) struct Script {
    name: &'static str,
    text: &'static str,
    called: RedisScript,
}

impl Script {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where scripts are made"
    )]
    pub(crate) fn new(name: &'static str, text: &'static str) -> Self {
        Self {
            name,
            text,
            called: RedisScript::new(text),
        }
    }

    /// Its hash, as EVALSHA takes it, and its text with the preludes.
    pub(crate) fn hash_and_text(&self) -> (&str, &'static str) {
        (self.called.get_hash(), self.text)
    }

    pub(crate) fn call(&self) -> Call<'_> {
        Call {
            name: self.name,
            invocation: self.called.prepare_invoke(),
        }
    }

    /// A call whose keys and arguments are all known: one command, put together without a copy of
    /// each, for the paths where that shows.
    pub(crate) async fn run(
        &self,
        connection: &mut impl ConnectionLike,
        keys: &[&str],
        args: &[&[&str]],
    ) -> Result<Value, ScriptError> {
        let hash = self.called.get_hash();
        let words = || keys.iter().chain(args.iter().copied().flatten());
        let bytes = words().map(|word| word.len()).sum::<usize>() + hash.len() + 16;
        let mut command = Cmd::with_capacity(3 + words().count(), bytes);
        command.arg("EVALSHA").arg(hash).arg(keys.len());
        for word in words() {
            command.arg(*word);
        }
        let mut result = command.query_async(connection).await;
        let forgot = ErrorKind::Server(ServerErrorKind::NoScript);
        if result.as_ref().is_err_and(|error| error.kind() == forgot) {
            // Boxed because it is rare: every call would carry the room for it.
            result = Box::pin(async {
                self.called.prepare_invoke().load_async(connection).await?;
                command.query_async(connection).await
            })
            .await;
        }
        result.map_err(|error| ScriptError::Store(StoreError::from_redis(self.name, error)))
    }

    pub(crate) fn unexpected(&self, answer: impl std::fmt::Debug) -> ScriptError {
        ScriptError::Unexpected {
            script: self.name,
            answer: format!("{answer:?}"),
        }
    }
}

/// One call being put together.
pub(crate) struct Call<'a> {
    name: &'static str,
    invocation: redis::ScriptInvocation<'a>,
}

impl Call<'_> {
    pub(crate) fn key(mut self, key: &str) -> Self {
        self.invocation.key(key);
        self
    }

    pub(crate) fn keys<'k>(self, keys: impl IntoIterator<Item = &'k String>) -> Self {
        keys.into_iter().fold(self, |call, key| call.key(key))
    }

    pub(crate) fn args(self, args: impl IntoIterator<Item = u64>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    pub(crate) fn arg(mut self, arg: impl redis::ToSingleRedisArg) -> Self {
        self.invocation.arg(arg);
        self
    }

    pub(crate) async fn run<T: FromRedisValue>(
        self,
        connection: &mut impl ConnectionLike,
    ) -> Result<T, ScriptError> {
        let name = self.name;
        self.invocation
            .invoke_async(connection)
            .await
            .map_err(|error| ScriptError::Store(StoreError::from_redis(name, error)))
    }
}
