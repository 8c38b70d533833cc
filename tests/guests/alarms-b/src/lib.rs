//! The next version of `alarms`.

include!("../../alarms/src/lib.rs");
