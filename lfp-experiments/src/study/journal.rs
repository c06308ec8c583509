//! The journal of a study: one file per run.
//!
//! ```text
//! runs/NAME.json       the record of a finished run; complete, or absent
//! runs/NAME.lock       locked by the process that trains the run; the system unlocks it when the process ends
//! ```
//!
//! A study that was killed continues with the runs that have no record. Several processes can share a folder: each
//! trains runs that no other process has locked.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::{Result, anyhow, bail};
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};

use crate::{
    files,
    train::{Outcome, Settings},
};

const RUNS: &str = "runs";

/// One run of a study.
#[derive(Clone, Debug)]
pub struct Job {
    /// Name in the study, and of the record's file.
    pub name: String,
    /// Settings of the run.
    pub settings: Settings,
    /// Number of training and test samples.
    pub samples: [usize; 2],
}

/// The result of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record<A = ()> {
    /// Number of training samples.
    pub train_samples: usize,
    /// Number of test samples.
    pub test_samples: usize,
    /// Settings of the run.
    pub settings: Settings,
    /// Accuracies; `None` if the run diverged.
    pub outcome: Option<Outcome>,
    /// The analysis of the trained network; `None` if the run diverged.
    #[serde(skip_serializing_if = "Option::is_none", default = "Option::default")]
    pub analysis: Option<A>,
}

/// The folder with the records.
#[derive(Clone, Debug)]
pub struct Journal {
    runs: PathBuf,
}

/// The state of a run when a process turns to it.
#[derive(Debug)]
pub enum Claim<A> {
    /// Finished.
    Done(Box<Record<A>>),
    /// Another process is training it.
    Busy,
    /// This process may train it, and holds the lock until it drops or [finishes](Journal::finish) the claim.
    Free(Lock),
}

/// The lock of a run.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    _file: File,
}

impl Journal {
    /// Opens the journal of a study, and creates its folder.
    ///
    /// # Errors
    ///
    /// If the folder cannot be created.
    pub fn open(study: &Path) -> Result<Self> {
        let journal = Self::at(study);
        files::create_folder(&journal.runs)?;
        Ok(journal)
    }

    /// The journal of a study, to be read; its folder may be absent.
    pub fn at(study: &Path) -> Self {
        Self {
            runs: study.join(RUNS),
        }
    }

    /// The file of the record of a run.
    pub fn record(&self, job: &Job) -> PathBuf {
        self.path(job, "json")
    }

    /// Whether a run is finished.
    ///
    /// # Errors
    ///
    /// As those of [`claim`](Self::claim).
    pub fn has(&self, job: &Job) -> Result<bool> {
        Ok(self.read::<IgnoredAny>(job)?.is_some())
    }

    /// Reads the record of a run, or locks the run.
    ///
    /// # Errors
    ///
    /// If the record is incomplete, or that of a run with other settings or data.
    pub fn claim<A: DeserializeOwned>(&self, job: &Job) -> Result<Claim<A>> {
        if let Some(record) = self.read(job)? {
            return Ok(Claim::Done(Box::new(record)));
        }
        let path = self.path(job, "lock");
        let Some(file) = files::lock(&path)? else {
            return Ok(Claim::Busy);
        };
        // The process that held the lock may have finished the run since we looked.
        match self.read(job)? {
            Some(record) => Ok(Claim::Done(Box::new(record))),
            None => Ok(Claim::Free(Lock { path, _file: file })),
        }
    }

    /// Writes the record of a run, and unlocks it.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn finish<A: Serialize>(&self, job: &Job, record: &Record<A>, lock: Lock) -> Result<()> {
        let json = serde_json::to_vec(record)?;
        files::write(&self.record(job), &json)?;
        // A lock file that stays has no effect.
        let _ = std::fs::remove_file(&lock.path);
        Ok(())
    }

    fn path(&self, job: &Job, extension: &str) -> PathBuf {
        self.runs.join(format!("{}.{extension}", job.name))
    }

    fn read<A: DeserializeOwned>(&self, job: &Job) -> Result<Option<Record<A>>> {
        let path = self.record(job);
        if !path.exists() {
            return Ok(None);
        }
        let content = files::read(&path)?;
        let path = path.display();
        let record: Record<A> = serde_json::from_slice(&content).map_err(|error| {
            anyhow!("{path}: not the record of a run ({error}); move it away to repeat the run")
        })?;
        match difference(job, &record) {
            Some(difference) => bail!(
                "{path}: the record of a run with other settings or data ({difference}); choose another --out, or \
                 move it away"
            ),
            None => Ok(Some(record)),
        }
    }
}

/// The first difference between a run and a record.
fn difference<A>(job: &Job, record: &Record<A>) -> Option<String> {
    let [train, test] = job.samples;
    let found = (record.train_samples, record.test_samples);
    if found != (train, test) {
        return Some(format!(
            "{} and {} samples, now {train} and {test}",
            found.0, found.1
        ));
    }
    let difference = job.settings.difference(&record.settings);
    difference.map(|difference| difference.to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use lfp_models::Model;

    use super::*;
    use crate::{data::DataSet, objective::Method};

    fn job() -> Job {
        Job {
            name: "run".to_owned(),
            settings: Settings::new(Model::LENET, DataSet::MNIST, Method::Lfp, 10),
            samples: [64, 20],
        }
    }

    fn record(job: &Job) -> Record {
        Record {
            train_samples: job.samples[0],
            test_samples: job.samples[1],
            settings: job.settings.clone(),
            outcome: None,
            analysis: None,
        }
    }

    #[test]
    fn a_run_is_free_then_busy_then_done() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let job = job();
        let Claim::Free(lock) = journal.claim::<()>(&job).unwrap() else {
            panic!("nobody has it");
        };
        assert!(matches!(journal.claim::<()>(&job).unwrap(), Claim::Busy));
        journal.finish(&job, &record(&job), lock).unwrap();
        assert!(matches!(journal.claim::<()>(&job).unwrap(), Claim::Done(_)));
        let files: Vec<_> = fs::read_dir(folder.path().join(RUNS)).unwrap().collect();
        assert_eq!(files.len(), 1, "the record alone");
    }

    #[test]
    fn a_run_whose_process_has_died_is_free_again() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        drop(journal.claim::<()>(&job()).unwrap());
        assert!(folder.path().join("runs/run.lock").is_file());
        let again = journal.claim::<()>(&job()).unwrap();
        assert!(matches!(again, Claim::Free(_)));
    }

    #[test]
    fn the_record_of_another_run_is_refused_by_the_name_of_the_difference() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let Claim::Free(lock) = journal.claim::<()>(&job()).unwrap() else {
            panic!("nobody has it");
        };
        journal.finish(&job(), &record(&job()), lock).unwrap();
        let refused = |change: fn(&mut Job), expected: &str| {
            let mut job = job();
            change(&mut job);
            let error = journal.claim::<()>(&job).unwrap_err().to_string();
            assert!(
                error.contains("run.json") && error.contains(expected),
                "{error}"
            );
        };
        refused(|job| job.settings.epochs = 9, "--epochs 3, now --epochs 9");
        refused(
            |job| job.samples = [64, 21],
            "64 and 20 samples, now 64 and 21",
        );
    }

    #[test]
    fn a_torn_record_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let path = folder.path().join("runs/run.json");
        fs::write(&path, "{").unwrap();
        let error = journal.claim::<()>(&job()).unwrap_err().to_string();
        assert!(error.contains("move it away"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "{");
    }
}
