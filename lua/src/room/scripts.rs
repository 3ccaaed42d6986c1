//! The room's scripts, each behind the same opening lines.

use crate::script::Script;

macro_rules! scripts {
    ($($name:ident),*) => {
        pub(super) struct Scripts { $(pub(super) $name: Script,)* }

        impl Scripts {
            pub(super) fn new() -> Self {
                Self { $($name: Script::new(
                    stringify!($name),
                    concat!(
                        include_str!("../../room/preamble.lua"),
                        include_str!(concat!("../../room/", stringify!($name), ".lua")),
                    ),
                ),)* }
            }
        }
    };
}

scripts!(
    join, release, claim, leave, touch, stock, snapshot, open, close, durable
);
