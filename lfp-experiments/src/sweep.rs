//! A sweep: a list of independent training runs in a folder, each kept when it is done.
//!
//! ```text
//! runs/NAME.json       what a finished run came to; there in full or not at all
//! runs/NAME.lock       held by the process that is at it; the system lets go of it when that dies
//! ```
//!
//! A sweep that was killed goes on where it was, and several processes can share one: each takes runs
//! that nobody else has taken, and waits for those of the others at the end.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use burn::tensor::Device;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use lfp_models::Network;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    data::Split,
    files::{self, FileError, failed, to_json},
    train::{self, Outcome, Settings, TrainError},
};

const RUNS: &str = "runs";
/// How often a process looks whether the others are done.
const PATIENCE: Duration = Duration::from_millis(500);

/// One run of a sweep.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its name in the sweep, and that of its file.
    pub name: String,
    /// What it is.
    pub settings: Settings,
}

/// What a run came to, and what was made of its network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record<T = ()> {
    /// On how many samples it was trained.
    pub train_samples: usize,
    /// On how many samples it was tested.
    pub test_samples: usize,
    /// What it was.
    pub settings: Settings,
    /// How it ended; nothing where it diverged.
    pub outcome: Option<Outcome>,
    /// What was made of its network; nothing where there is none.
    #[serde(skip_serializing_if = "Option::is_none", default = "Option::default")]
    pub analysis: Option<T>,
}

/// Why nothing could be made of a network.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AnalysisError(Box<dyn std::error::Error + Send + Sync>);

impl AnalysisError {
    /// Any error.
    pub fn new(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }
}

/// Why a sweep ended early. What is done is kept.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A run failed.
    #[error("run {name}: {source}")]
    Run {
        /// Which.
        name: String,
        /// Why.
        source: TrainError,
    },
    /// What a run left could not be made use of.
    #[error("run {name}: {source}")]
    Analysis {
        /// Which.
        name: String,
        /// Why.
        source: AnalysisError,
    },
    /// Not what a sweep writes.
    #[error("{path}: not the result of a run ({source}); move it away to have the run again", path = path.display())]
    Torn {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A result of another sweep.
    #[error(
        "{path}: the result of a run with other settings or data ({difference}); choose another --out, or move it away",
        path = path.display()
    )]
    Other {
        /// The file.
        path: PathBuf,
        /// The first difference.
        difference: String,
    },
}

impl<T> Record<T> {
    /// The test accuracy at the end; of a run that diverged that of guessing.
    pub fn accuracy(&self, num_classes: usize) -> f64 {
        self.at_the_end(|outcome| &outcome.test_accuracy, num_classes)
    }

    /// The test accuracy at the end, averaged over the classes; likewise.
    pub fn class_mean(&self, num_classes: usize) -> f64 {
        self.at_the_end(|outcome| &outcome.test_class_mean, num_classes)
    }

    fn at_the_end(&self, measure: fn(&Outcome) -> &Vec<f64>, num_classes: usize) -> f64 {
        let measured = self.outcome.as_ref().map(measure);
        let last = measured.and_then(|epochs| epochs.last().copied());
        last.unwrap_or(1.0 / num_classes as f64)
    }
}

/// Runs all `jobs` that are not done yet, in the folder of the sweep, and returns the records of all, in order.
///
/// # Errors
///
/// See [`SweepError`].
pub fn run(
    folder: &Path,
    jobs: &[Job],
    data: &Split,
    device: &Device,
) -> Result<Vec<Record>, SweepError> {
    run_and_analyse(folder, jobs, data, device, |_| Ok(()))
}

/// The same, and keeps with each run what `analyse` makes of its network.
///
/// # Errors
///
/// See [`SweepError`].
pub fn run_and_analyse<T: Clone + Serialize + DeserializeOwned>(
    folder: &Path,
    jobs: &[Job],
    data: &Split,
    device: &Device,
    analyse: impl Fn(Network) -> Result<T, AnalysisError>,
) -> Result<Vec<Record<T>>, SweepError> {
    let sweep = Sweep {
        runs: folder.join(RUNS),
        data,
        device,
        analyse,
        bars: MultiProgress::new(),
    };
    files::create_folder(&sweep.runs)?;
    let style = ProgressStyle::with_template("[{bar:30}] {pos}/{len} runs, {eta} left: {msg}")
        .expect("a valid template");
    let bar = ProgressBar::new(jobs.len() as u64).with_style(style.progress_chars("=> "));
    let bar = sweep.bars.add(bar);
    let mut records: Vec<Option<Record<T>>> = vec![None; jobs.len()];
    while records.iter().any(Option::is_none) {
        let mut advanced = false;
        for (job, record) in jobs.iter().zip(&mut records) {
            if record.is_none() {
                bar.set_message(job.name.clone());
                *record = sweep.advance(job)?;
                advanced |= record.is_some();
                bar.inc(u64::from(record.is_some()));
            }
        }
        if !advanced {
            bar.set_message("waiting for other processes");
            std::thread::sleep(PATIENCE);
        }
    }
    bar.finish_and_clear();
    Ok(records.into_iter().flatten().collect())
}

struct Sweep<'a, F> {
    runs: PathBuf,
    data: &'a Split,
    device: &'a Device,
    analyse: F,
    bars: MultiProgress,
}

impl<T, F> Sweep<'_, F>
where
    T: Clone + Serialize + DeserializeOwned,
    F: Fn(Network) -> Result<T, AnalysisError>,
{
    /// The record of a run: read, or made now; nothing if another process is at it.
    fn advance(&self, job: &Job) -> Result<Option<Record<T>>, SweepError> {
        let path = self.runs.join(format!("{}.json", job.name));
        if let Some(record) = self.read(&path, job)? {
            return Ok(Some(record));
        }
        let lock_path = self.runs.join(format!("{}.lock", job.name));
        let lock = File::create(&lock_path).map_err(failed("create", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(failed("lock", &lock_path)(error).into()),
        }
        // Whoever had the lock may have finished since we looked.
        if let Some(record) = self.read(&path, job)? {
            return Ok(Some(record));
        }
        let record = self.train(job)?;
        files::write(&path, &to_json(&record))?;
        // Nobody needs it any more, and nobody minds if it stays.
        let _ = std::fs::remove_file(&lock_path);
        Ok(Some(record))
    }

    fn train(&self, job: &Job) -> Result<Record<T>, SweepError> {
        let Job { name, settings } = job;
        tracing::debug!("training {name}");
        let ran = train::run_in_memory(settings, self.data, self.device, &self.bars);
        let (outcome, network) = match ran {
            Ok((outcome, network)) => (Some(outcome), Some(network)),
            // Too high a learning rate is a result, too.
            Err(TrainError::Diverged { .. }) => (None, None),
            Err(source) => {
                return Err(SweepError::Run {
                    name: name.clone(),
                    source,
                });
            }
        };
        let analysis = network.map(&self.analyse);
        let analysis = analysis
            .transpose()
            .map_err(|source| SweepError::Analysis {
                name: name.clone(),
                source,
            })?;
        Ok(Record {
            train_samples: self.data.train.len(),
            test_samples: self.data.test.len(),
            settings: settings.clone(),
            outcome,
            analysis,
        })
    }

    fn read(&self, path: &Path, job: &Job) -> Result<Option<Record<T>>, SweepError> {
        if !path.exists() {
            return Ok(None);
        }
        let content = files::read(path)?;
        let record: Record<T> =
            serde_json::from_slice(&content).map_err(|source| SweepError::Torn {
                path: path.to_owned(),
                source,
            })?;
        let difference = if (record.train_samples, record.test_samples)
            != (self.data.train.len(), self.data.test.len())
        {
            Some(format!(
                "{} and {} samples, now {} and {}",
                record.train_samples,
                record.test_samples,
                self.data.train.len(),
                self.data.test.len()
            ))
        } else {
            let difference = job.settings.difference(&record.settings);
            difference.map(|difference| difference.to_string())
        };
        match difference {
            Some(difference) => Err(SweepError::Other {
                path: path.to_owned(),
                difference,
            }),
            None => Ok(Some(record)),
        }
    }
}
