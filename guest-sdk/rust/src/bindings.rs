//! Generated from the WIT: what a guest imports. The exports are in [`crate::export`].

#![allow(missing_docs, unreachable_pub, dead_code, reason = "generated from the WIT, which is documented")]

pub(crate) mod imports {
    wit_bindgen::generate!({ path: "../../wit", world: "imports" });
}

pub(crate) use imports::sessile::handler as wit;
