//! Apps in OCI registries: references, the layout of an artifact, and the talk with a registry.
//!
//! Owns how an app becomes an artifact and an artifact an app ([`layout`]: pure), and that nothing of a registry is believed
//! (`registry`): all content has the digest that it is asked for by, and a size within its bound. Knows no running host: what is
//! pulled is a [`Bundle`](crate::app::Bundle), as one that was read from a folder.

mod credentials;
mod error;
pub mod folder;
pub mod layout;
mod pull;
mod push;
mod reference;
mod registry;

pub use self::error::OciError;
pub use self::pull::Pulled;
pub use self::push::Pushed;
pub use self::reference::{NotAReference, Reference};

use self::credentials::Credentials;
