//! The program: see `lfp-experiments --help`.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use clap::{Parser, error::ErrorKind};
use lfp_experiments::{Allocator, cli::Cli, interrupt, output::say, panics};
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Exit code if a case of `conformance` deviates, or a figure of `reproduce all` fails.
const MISMATCH: u8 = 1;
/// Exit code of errors.
const BAD_INPUT: u8 = 2;
/// Exit code of faults of the program.
const FAULT: u8 = 101;

fn main() -> ExitCode {
    panics::install_hook();
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,lfp_experiments=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        // Standard error may be closed.
        .log_internal_errors(false)
        .init();
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(ExitCode::from(FAULT))
}

fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    #[cfg(feature = "flex")]
    if let Err(error) = lfp_burn::check_convolution() {
        return refuse(&error.to_string());
    }
    if let Err(error) = interrupt::install_handler() {
        return refuse(&format!("cannot handle Ctrl-C: {error}"));
    }
    // Later, a thread that cannot be started is a panic.
    if let Err(error) = rayon::ThreadPoolBuilder::new().build_global() {
        return refuse(&format!(
            "cannot start the threads of the computation: {error}"
        ));
    }
    let result = cli.run();
    match result {
        // It was said already, with how to go on.
        _ if interrupt::is_requested() => ExitCode::from(interrupt::INTERRUPTED),
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(MISMATCH),
        Err(error) => refuse(&error.to_string()),
    }
}

/// Says in one line what is wrong.
fn refuse(error: &str) -> ExitCode {
    say(&format!("error: {error}"));
    ExitCode::from(BAD_INPUT)
}

/// Prints help in full, and errors of the arguments in one line.
fn usage(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => match error.print() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse(&format!("cannot write to standard output: {error}")),
        },
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // It goes to standard error, which may be closed.
            let _ = error.print();
            ExitCode::from(BAD_INPUT)
        }
        _ => {
            let text = error.to_string();
            let said = text.lines().map(str::trim);
            let facts: Vec<&str> = said
                .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
                .filter(|line| !line.is_empty())
                .collect();
            say(&facts.join(" "));
            ExitCode::from(BAD_INPUT)
        }
    }
}
