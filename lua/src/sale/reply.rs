//! What a stock script answered: a word and what comes with it.

use redis::{FromRedisValue, Value, from_redis_value};

use super::{SaleError, record::Reservation};
use crate::script::Script;

/// An answer other than `closed` and `restarted`, which are errors of every call.
pub(crate) struct Reply<'a> {
    script: &'a Script,
    pub(crate) word: String,
    rest: Vec<Value>,
}

impl<'a> Reply<'a> {
    pub(crate) fn parse(script: &'a Script, value: Value) -> Result<Self, SaleError> {
        let Value::Array(mut rest) = value else {
            return Err(script.unexpected(value).into());
        };
        if rest.is_empty() {
            return Err(script.unexpected("nothing").into());
        }
        let first = rest.remove(0);
        let word: String = from_redis_value(first).map_err(|error| script.unexpected(error))?;
        match word.as_str() {
            "closed" => Err(SaleError::Closed),
            "restarted" => Err(SaleError::Restarted),
            _ => Ok(Self { script, word, rest }),
        }
    }

    /// The `at`-th value after the word.
    pub(crate) fn take<T: FromRedisValue>(&mut self, at: usize) -> Result<T, SaleError> {
        let value = self
            .rest
            .get_mut(at)
            .map_or(Value::Nil, |value| std::mem::replace(value, Value::Nil));
        from_redis_value(value).map_err(|error| self.script.unexpected(error).into())
    }

    /// The `at`-th value after the word, a reservation's record.
    pub(crate) fn record(&mut self, at: usize) -> Result<Reservation, SaleError> {
        let text: String = self.take(at)?;
        Reservation::unpack(&text).ok_or_else(|| self.script.unexpected(text).into())
    }

    /// What comes after `word`: one value for each of so many.
    pub(crate) fn answers(self, word: &str, many: usize) -> Result<Vec<Value>, SaleError> {
        if self.word != word || self.rest.len() != many {
            return Err(self.unknown());
        }
        Ok(self.rest)
    }

    /// A word this door does not know.
    pub(crate) fn unknown(&self) -> SaleError {
        self.script.unexpected(&self.word).into()
    }
}
