//! The program: see `lfp-experiments --help`.

use std::process::ExitCode;

use clap::{Parser, error::ErrorKind};
use lfp_experiments::{Allocator, cli::Cli};
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Exit code if a case of `conformance` deviates, or a figure of `reproduce all` fails.
const MISMATCH: u8 = 1;
/// Exit code of errors.
const BAD_INPUT: u8 = 2;

fn main() -> ExitCode {
    // A closed pipe (`| head`) ends the program silently instead of with a panic.
    sigpipe::reset();
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,lfp_experiments=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .init();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match cli.run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(MISMATCH),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(BAD_INPUT)
        }
    }
}

/// Prints help in full, and errors of the arguments in one line.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        error.exit();
    }
    let text = error.to_string();
    let said = text.lines().map(str::trim);
    let facts: Vec<&str> = said
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .filter(|line| !line.is_empty())
        .collect();
    eprintln!("{}", facts.join(" "));
    ExitCode::from(BAD_INPUT)
}
