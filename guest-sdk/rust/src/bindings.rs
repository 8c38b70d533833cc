//! Generated from the WIT: what a guest imports. The exports are in [`crate::export`].

#![allow(missing_docs, unreachable_pub, dead_code, reason = "generated from the WIT, which is documented")]

pub(crate) mod imports {
    wit_bindgen::generate!({ path: "../../wit", world: "imports", async: false });
}

/// The same imports by the async ABI. A component with none of them runs where calls cost half.
pub(crate) mod awaited {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "imports",
        // Two sections of one name would be linked into one that nobody can read.
        type_section_suffix: "-awaited",
        with: { "sessile:handler/types@0.1.0": crate::bindings::imports::sessile::handler::types },
    });

    pub(crate) use sessile::handler as wit;
}

pub(crate) use imports::sessile::handler as wit;
