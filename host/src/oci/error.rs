//! Why an app did not come from a registry, or did not get there.

use std::path::PathBuf;

use super::layout::LayoutError;
use super::reference::Reference;
use crate::app::VersionError;
use crate::app::digest::Digest;
use crate::tls::AuthorityError;

/// What a registry, or what is in it, does not let happen. No variant has a credential in it.
#[derive(Debug, thiserror::Error)]
pub enum OciError {
    /// Nobody answers, or TLS with who does is not to be trusted.
    #[error(
        "{registry}: {cause}; is the registry there, and up? Other machines are asked over TLS only; $SESSILE_CA names the file \
         of a certificate authority of your own"
    )]
    Unreachable {
        /// The registry.
        registry: String,
        /// What the system, TLS or HTTP says.
        cause: String,
    },
    /// It stopped in the middle.
    #[error("{registry}: nothing more came from it for {seconds} s; try again")]
    Stalled {
        /// The registry.
        registry: String,
        /// How long was waited.
        seconds: u64,
    },
    /// It does not let us.
    #[error(
        "{registry} refuses {who} at '{repository}'; `docker login {registry}` (without a credential helper, which is not asked), or \
         $SESSILE_REGISTRY_USER and $SESSILE_REGISTRY_PASSWORD, say who you are"
    )]
    Unauthorized {
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
        /// Who we said that we are.
        who: &'static str,
    },
    /// It wants credentials sent where others could read them.
    #[error("{registry} wants credentials at {realm}, where they could be read on the way; nothing was sent")]
    ClearText {
        /// The registry.
        registry: String,
        /// Where it wants them.
        realm: String,
    },
    /// It is not there.
    #[error("{reference}: {} has no such {what}; look for the tag and the repository's name", .reference.registry)]
    NotFound {
        /// What was asked for.
        reference: Box<Reference>,
        /// Its manifest, or content by its digest.
        what: String,
    },
    /// The registry answers with an error.
    #[error("{reference}: the registry refuses: {words}")]
    Refused {
        /// What was asked for.
        reference: Box<Reference>,
        /// Its status, and its words.
        words: String,
    },
    /// The registry gives something else than was asked for.
    #[error(
        "{reference}: what the registry gives for {wanted} has the digest {found}: altered in it or on the way; push it anew"
    )]
    Altered {
        /// What was asked for.
        reference: Box<Reference>,
        /// The digest that it should have.
        wanted: Digest,
        /// The one that it has.
        found: Digest,
    },
    /// More came than was said.
    #[error("{reference}: {what} has more than the {bytes} bytes that it may have")]
    TooLarge {
        /// What was asked for.
        reference: Box<Reference>,
        /// A digest, or the manifest.
        what: String,
        /// The bound: what its descriptor says, or ours.
        bytes: u64,
    },
    /// What it names is no app, or is one that may not be.
    #[error("{reference}: {cause}")]
    Layout {
        /// The artifact.
        reference: Box<Reference>,
        /// What is wrong.
        cause: LayoutError,
    },
    /// The app to push is no app.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// A digest cannot be pushed to.
    #[error("{reference}: a push goes to a tag, and the digest comes of what is pushed; leave @sha256:... out")]
    Digest {
        /// Where it was to go.
        reference: Box<Reference>,
    },
    /// The folder to pull into has something in it.
    #[error("{}: there already, and not empty; name another folder with --into", .0.display())]
    Occupied(PathBuf),
    /// The disk.
    #[error("{}: {cause}", .path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// Credentials that cannot be read.
    #[error("{place}: {cause}")]
    Credentials {
        /// A file, or variables.
        place: String,
        /// What is wrong; nothing of the text.
        cause: String,
    },
    /// The authority of one's own.
    #[error("$SESSILE_CA: {0}")]
    Authority(#[from] AuthorityError),
}

impl OciError {
    /// What is wrong with an artifact, said of where it is.
    pub(super) fn layout(reference: &Reference) -> impl Fn(LayoutError) -> Self + Copy {
        move |cause| Self::Layout { reference: reference.clone().into(), cause }
    }
}
