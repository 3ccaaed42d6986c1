//! A script and how it is called: EVALSHA, and once more with the text when Redis forgot it.

use redis::{FromRedisValue, Script as RedisScript, aio::ConnectionLike};

use crate::StoreError;

/// What can go wrong with a call to a script.
#[derive(Debug, thiserror::Error)]
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
    script: RedisScript,
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
            script: RedisScript::new(text),
        }
    }

    /// Its hash, as EVALSHA takes it, and its text with the preludes.
    pub(crate) fn hash_and_text(&self) -> (&str, &'static str) {
        (self.script.get_hash(), self.text)
    }

    pub(crate) fn call(&self) -> Call<'_> {
        Call {
            name: self.name,
            invocation: self.script.prepare_invoke(),
        }
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
