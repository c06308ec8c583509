//! The command line.

mod bench;
mod commands;
mod demo;
pub(crate) mod given;
mod lfp;
#[cfg(feature = "remote-server")]
mod serve;
mod train;
pub(crate) mod values;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::{device::DeviceName, reproduce};

const EXIT_CODES: &str = "Exit codes: 0 done; 1 a check failed (conformance, reproduce all); 2 bad input, or out of memory; 101 a \
                          fault of the program; 130 interrupted (Ctrl-C)";

/// Layer-wise feedback propagation: train networks, reproduce the paper, check against its reference results
#[derive(Debug, Parser)]
#[command(name = "lfp-experiments", version, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure the cost of training
    Bench {
        #[command(subcommand)]
        what: bench::BenchCommand,
    },
    /// Compare with reference results of the authors' package
    Conformance(commands::ConformanceArgs),
    /// Train by objectives that have no derivative
    Demo {
        #[command(subcommand)]
        what: demo::DemoCommand,
    },
    /// Draw heat maps of relevance for test images of a finished run
    Explain(commands::ExplainArgs),
    /// Prune the network of a finished run, and measure its accuracy
    Prune(commands::PruneArgs),
    /// Write one page with all results beside the paper's
    Report(commands::ReportArgs),
    /// Reproduce a figure or table of the paper
    Reproduce {
        #[command(subcommand)]
        what: reproduce::Command,
    },
    /// Lend a device to other machines, whose programs name it by --device remote:HOST:PORT
    #[cfg(feature = "remote-server")]
    Serve(serve::ServeArgs),
    /// Train a network
    Train(Box<train::TrainArgs>),
}

/// The device of a command.
#[derive(Clone, Debug, Args)]
pub(crate) struct DeviceArgs {
    /// Device: auto, flex, ndarray, cuda, cuda:N, rocm, wgpu, vulkan, metal, webgpu, cpu, tch or remote:HOST:PORT
    #[arg(long, default_value = "auto")]
    pub(crate) device: DeviceName,
}

impl Cli {
    /// Runs the command. Returns whether everything that it checked agrees.
    ///
    /// # Errors
    ///
    /// One line with the cause and what to do.
    pub fn run(self) -> Result<bool> {
        match self.command {
            Command::Bench { what } => what.run(),
            Command::Conformance(args) => args.run(),
            Command::Demo { what } => what.run(),
            Command::Explain(args) => args.run(),
            Command::Prune(args) => args.run(),
            Command::Report(args) => args.run(),
            Command::Reproduce { what } => what.run(),
            #[cfg(feature = "remote-server")]
            Command::Serve(args) => args.run(),
            Command::Train(args) => args.run(),
        }
    }
}
