//! The stock scripts, each with the preludes it needs.

use std::sync::LazyLock;

use crate::script::Script;

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $file:literal $(with $prelude:literal)*;)*) => {
        $($(#[$doc])* pub(crate) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(
                concat!("sale/", $file),
                concat!($(include_str!(concat!("../../sale/", $prelude)), "\n",)*
                    include_str!(concat!("../../sale/", $file))),
            )
        });)*
    };
}

scripts! {
    RESERVE = "reserve.lua" with "fence.lua";
    CONFIRM = "confirm.lua" with "fence.lua" with "record.lua";
    CANCEL = "cancel.lua" with "fence.lua" with "record.lua";
    REFUND = "refund.lua" with "fence.lua" with "record.lua";
    EXPIRE = "expire.lua" with "fence.lua" with "record.lua";
    LOOK = "look.lua" with "fence.lua" with "record.lua";
    SUPPLY = "supply.lua" with "fence.lua";
    FEED = "feed.lua" with "fence.lua";
    REOPEN = "reopen.lua" with "fence.lua" with "lead.lua";
    MARK = "mark.lua" with "fence.lua";
    LEASE = "lease.lua" with "fence.lua";
    REBUILD = "rebuild.lua" with "fence.lua" with "lead.lua";
}
