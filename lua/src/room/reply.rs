//! A script's reply: one word, then what belongs to it.

use redis::{FromRedisValue, Value};

use super::WaitlistError;
use crate::{ScriptError, script::Script};

/// A script's reply, read from the front.
pub(super) struct Reply<'a> {
    script: &'a Script,
    values: std::vec::IntoIter<Value>,
}

impl<'a> Reply<'a> {
    /// A reply whose only good word is `ok`.
    pub(super) fn new(script: &'a Script, values: Vec<Value>) -> Result<Self, WaitlistError> {
        let (word, reply) = Self::with_word(script, values)?;
        if word == "ok" {
            Ok(reply)
        } else {
            Err(script.unexpected(word).into())
        }
    }

    /// The reply's word, refusals sorted out, and what follows it.
    pub(super) fn with_word(
        script: &'a Script,
        values: Vec<Value>,
    ) -> Result<(String, Self), WaitlistError> {
        let mut reply = Self {
            script,
            values: values.into_iter(),
        };
        let word = reply.text()?;
        match word.as_str() {
            "lost" => Err(WaitlistError::Lost),
            "restarted" => Err(WaitlistError::Restarted),
            "ceiling" => Err(WaitlistError::Ceiling),
            "malformed" => Err(script.unexpected("malformed").into()),
            _ => Ok((word, reply)),
        }
    }

    fn next<T: FromRedisValue>(&mut self) -> Result<T, ScriptError> {
        let value = self
            .values
            .next()
            .ok_or_else(|| self.script.unexpected("too short"))?;
        T::from_redis_value(value).map_err(|error| self.script.unexpected(error))
    }

    pub(super) fn text(&mut self) -> Result<String, ScriptError> {
        self.next()
    }

    pub(super) fn number(&mut self) -> Result<u64, ScriptError> {
        self.next()
    }

    /// An empty string stands for "not known".
    pub(super) fn optional_number(&mut self) -> Result<Option<u64>, ScriptError> {
        let text: String = self.next()?;
        if text.is_empty() {
            return Ok(None);
        }
        // A sold-out sale under repair may be told as a negative figure: nothing can be sold.
        text.parse::<i64>()
            .map(|number| Some(number.max(0).cast_unsigned()))
            .map_err(|_| self.script.unexpected(text))
    }

    pub(super) fn rest<T>(self, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, ScriptError> {
        let script = self.script;
        self.values
            .map(|value| {
                let text = String::from_redis_value(value).map_err(|e| script.unexpected(e))?;
                parse(&text).ok_or_else(|| script.unexpected(text))
            })
            .collect()
    }
}
