//! `conformance`, `explain`, `prune` and `report`.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use burn::tensor::Device;
use clap::Args;
use lfp_burn::prune::LayerFilter;
use lfp_models::{Classifier, Network};
use strum::VariantNames;

use super::{DeviceArgs, values};
use crate::{
    conformance,
    data::Split,
    destination,
    device::DeviceName,
    explain::explain,
    files, output,
    prune::{Criterion, Curve, Report, Subject},
    report,
    study::Measure,
    train::{Computing, FinishedRun, Settings},
};

#[derive(Debug, Args)]
pub(super) struct ConformanceArgs {
    /// Reference cases (.safetensors), or folders of them
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
}

impl ConformanceArgs {
    pub(super) fn run(self) -> Result<bool> {
        let device = self.device.device.open()?;
        let mut files = Vec::new();
        for path in &self.paths {
            files.extend(conformance::find(path)?);
        }
        Ok(conformance::run(&files, &device)?)
    }
}

/// A finished run.
#[derive(Debug, Args)]
struct FinishedArgs {
    /// Folder of a finished run
    #[arg(long, value_name = "FOLDER")]
    checkpoint: PathBuf,
    /// Folder of its data set [default: that of the run]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
}

impl FinishedArgs {
    /// The run, its network in inference mode with batch normalisation merged, its data, and the device. `check` looks at
    /// the settings before anything else is read. Results go to `out`.
    fn open(
        &self,
        out: &Path,
        check: impl FnOnce(&Settings) -> Result<()>,
    ) -> Result<(FinishedRun, Network, Split, Device)> {
        let run = FinishedRun::open(&self.checkpoint)?;
        destination::check(out, run.data_dir(self.data_dir.as_deref()))?;
        check(run.settings())?;
        let device = self.device.device.open()?.autodiff();
        let data = run.load(self.data_dir.as_deref())?;
        let network = run.network(data.test.as_ref(), &device)?;
        Ok((run, network.merge_batch_norm()?, data, device))
    }
}

#[derive(Debug, Args)]
pub(super) struct PruneArgs {
    #[command(flatten)]
    run: FinishedArgs,
    /// Ranking criteria, separated by commas
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "local,global,relevance"
    )]
    criteria: Vec<Criterion>,
    /// Pruning rates, separated by commas, or FROM..TO in steps of 0.05
    #[arg(long, default_value = "0..1", value_parser = values::rates)]
    rates: values::Rates,
    /// Layers to prune
    #[arg(long, default_value_t = LayerFilter::Convolutions, value_parser = values::one_of::<LayerFilter>(LayerFilter::VARIANTS))]
    layers: LayerFilter,
    /// Number of test samples; all if there are fewer [default: all]
    #[arg(long, value_parser = values::at_least_one)]
    samples: Option<usize>,
    /// Folder of the results
    #[arg(long, value_name = "FOLDER", default_value = "results/prune")]
    out: PathBuf,
}

impl PruneArgs {
    pub(super) fn run(self) -> Result<bool> {
        values::distinct("criteria", &self.criteria)?;
        let needs_logits = self.criteria.contains(&Criterion::Relevance);
        let (run, network, data, device) = self.run.open(&self.out, |settings| {
            if needs_logits && settings.model.spikes() {
                let model = settings.model;
                bail!("--criteria relevance needs logits, and {model} emits spikes; use --criteria local,global");
            }
            Ok(())
        })?;
        let data = data.subset(usize::MAX, self.samples.unwrap_or(usize::MAX));
        let subject = Subject {
            network: &network,
            data: &data.test,
            layers: self.layers,
            measure: Measure::Top1,
            device,
        };
        subject.check()?;
        let curves = self.criteria.iter();
        let curves = curves.map(|&of| subject.curve(of, &self.rates.0));
        let curves: Vec<Curve> = curves.collect::<Result<_, _>>()?;
        let report = Report::new(run.settings(), data.test.len(), &curves);
        output::lines(report.write(&self.out)?)?;
        Ok(true)
    }
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    run: FinishedArgs,
    /// Number of test images; all if there are fewer
    #[arg(long, default_value_t = 10, value_parser = values::at_least_one)]
    count: usize,
    /// Folder of the pictures
    #[arg(long, value_name = "FOLDER", default_value = "results/explain")]
    out: PathBuf,
}

impl ExplainArgs {
    pub(super) fn run(self) -> Result<bool> {
        let (run, network, data, device) = self.run.open(&self.out, |settings| {
            let Settings { model, dataset, .. } = settings;
            if model.spikes() {
                bail!("explain needs logits, and {model} emits spikes");
            }
            if dataset.is_generated() {
                bail!("explain draws images, and the samples of {dataset} are none");
            }
            Ok(())
        })?;
        let Settings {
            model,
            dataset,
            method,
            ..
        } = run.settings();
        let origin = format!("{model} on {dataset} by {method}");
        let (data, out) = (&data.test, &self.out);
        let written = explain(&network, data, self.count, &origin, &device, out)?;
        output::line(format_args!(
            "{} heat maps written to {}",
            written.len(),
            self.out.display()
        ))?;
        Ok(true)
    }
}

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Folder with the results of `reproduce` and `prune` [default: results]
    #[arg(long, value_name = "FOLDER")]
    results: Option<PathBuf>,
    /// Folder with the runs of `train` [default: runs]
    #[arg(long, value_name = "FOLDER")]
    runs: Option<PathBuf>,
    /// Folder of the page
    #[arg(long, value_name = "FOLDER", default_value = "report")]
    out: PathBuf,
    /// Folder of a finished run of `train`: write the page of this run, into its folder
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["results", "runs", "out"])]
    run: Option<PathBuf>,
    /// With --run: evaluate its networks again, on its data set in this folder
    #[arg(long, value_name = "FOLDER", requires = "run")]
    data_dir: Option<PathBuf>,
    /// With --run: evaluate its networks again, on this device [default: that of the run]
    #[arg(long, requires = "run")]
    device: Option<DeviceName>,
}

impl ReportArgs {
    pub(super) fn run(self) -> Result<bool> {
        if let Some(folder) = &self.run {
            let page = self.page_of_run(folder)?;
            output::line(format_args!("written to {}", page.display()))?;
            return Ok(true);
        }
        // What is named must be there; the default folders need not.
        let results = values::existing("results", self.results.as_deref())?;
        let results = results.unwrap_or("results".into());
        let runs = values::existing("runs", self.runs.as_deref())?;
        let runs = runs.unwrap_or("runs".into());
        destination::check(&self.out, None)?;
        files::create_folder(&self.out)?;
        if let Some(problem) = files::not_a_folder(&results) {
            let results = results.display();
            tracing::warn!("{results}: {problem}; the page shows the figures as not run");
        }
        report::write(&results, &runs, &self.out)?;
        let page = self.out.join("index.html");
        output::line(format_args!("written to {}", page.display()))?;
        Ok(true)
    }

    /// Runs of earlier versions have no evaluation, which needs their data.
    fn page_of_run(&self, folder: &Path) -> Result<PathBuf> {
        let run = FinishedRun::open(folder)?;
        if !run.is_evaluated() || self.data_dir.is_some() || self.device.is_some() {
            let data = run.load(self.data_dir.as_deref())?;
            let devices = match &self.device {
                Some(device) => vec![device.open()?],
                None => run.settings().device.open()?,
            };
            let computing = Computing {
                devices,
                workers: 0,
            };
            run.evaluate(&data, &computing)?;
        }
        Ok(run.write_page()?)
    }
}
