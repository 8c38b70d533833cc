//! `sessile completions`: what a shell runs to complete our commands and options.

use clap::{Args, CommandFactory as _, ValueEnum};

use super::{Cli, Done, print};

const INSTALL: &str = "Install:
  bash   sessile completions bash > ~/.local/share/bash-completion/completions/sessile
  zsh    sessile completions zsh > \"${fpath[1]}/_sessile\"
  fish   sessile completions fish > ~/.config/fish/completions/sessile.fish
then start a new shell. For this shell alone, in bash: source <(sessile completions bash)";

#[derive(Args)]
#[command(after_help = INSTALL)]
pub(super) struct Completions {
    /// The shell that shall complete
    shell: Shell,
}

#[derive(Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl From<Shell> for clap_complete::Shell {
    fn from(shell: Shell) -> Self {
        match shell {
            Shell::Bash => Self::Bash,
            Shell::Zsh => Self::Zsh,
            Shell::Fish => Self::Fish,
        }
    }
}

pub(super) fn run(completions: &Completions) -> Done {
    // Into memory first: the generator panics where stdout is closed.
    let mut script = Vec::new();
    clap_complete::generate(clap_complete::Shell::from(completions.shell), &mut Cli::command(), "sessile", &mut script);
    print(&script);
    Done::Well
}
