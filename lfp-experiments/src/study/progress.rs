//! Progress bars of studies.

use std::{
    collections::HashMap,
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::text::duration;

/// How often the time left is drawn anew.
const TICK: Duration = Duration::from_secs(1);

/// The bar of one study, or one bar for the runs of several studies.
#[derive(Clone, Debug)]
pub struct Progress {
    bars: MultiProgress,
    bar: ProgressBar,
    /// What several studies have to do together; `None` for the bar of one study.
    pending: Option<Arc<Mutex<Pending>>>,
}

/// Runs that are not finished.
#[derive(Debug)]
struct Pending {
    /// What is being made.
    name: String,
    /// Estimated seconds of each run, by the file of its record.
    runs: HashMap<PathBuf, f64>,
    /// Estimated seconds of the finished runs.
    done: f64,
    start: Instant,
    /// When the last run was finished.
    last: Instant,
}

impl Default for Progress {
    /// The bar of one study.
    fn default() -> Self {
        let style = ProgressStyle::with_template("[{bar:30}] {pos}/{len} runs, {eta} left: {msg}");
        Self::new(style.expect("a valid template"), None)
    }
}

impl Progress {
    /// One bar for several studies: the number of `finished` runs, and the others by the files of their records with
    /// their estimated seconds.
    pub fn of_all(finished: usize, runs: HashMap<PathBuf, f64>) -> Self {
        let length = finished + runs.len();
        let pending = Arc::new(Mutex::new(Pending {
            name: String::new(),
            runs,
            done: 0.0,
            start: Instant::now(),
            last: Instant::now(),
        }));
        let of_bar = pending.clone();
        let left = move |_: &ProgressState, out: &mut dyn fmt::Write| {
            // A bar that cannot be written is not drawn.
            let _ = out.write_str(&duration(lock(&of_bar).seconds_left()));
        };
        let template = "[{bar:30}] {pos}/{len} runs, {left} left: {msg}";
        let style = ProgressStyle::with_template(template).expect("a valid template");
        let progress = Self::new(style.with_key("left", left), Some(pending));
        progress.bar.set_length(length as u64);
        progress.bar.set_position(finished as u64);
        if let Err(error) = draw_every(TICK, &progress.bar) {
            tracing::debug!("the time left is drawn between runs only: {error}");
        }
        progress
    }

    fn new(style: ProgressStyle, pending: Option<Arc<Mutex<Pending>>>) -> Self {
        let bars = MultiProgress::new();
        let bar = ProgressBar::new(0).with_style(style.progress_chars("=> "));
        Self {
            bar: bars.add(bar),
            bars,
            pending,
        }
    }

    /// Says what is being made.
    pub fn begin(&self, name: &str) {
        if let Some(pending) = &self.pending {
            name.clone_into(&mut lock(pending).name);
        }
        self.bar.set_message(name.to_owned());
    }

    /// Writes to standard output while the bars are hidden.
    pub fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bars.suspend(write)
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// A study has `runs` runs.
    pub(super) fn expect(&self, runs: usize) {
        if self.pending.is_none() {
            self.bar.inc_length(runs as u64);
        }
    }

    /// A run begins.
    pub(super) fn run_begins(&self, name: &str) {
        let message = match &self.pending {
            Some(pending) => format!("{}, {name}", lock(pending).name),
            None => name.to_owned(),
        };
        self.bar.set_message(message);
    }

    /// A run has a record, in this file.
    pub(super) fn run_is_finished(&self, record: &Path) {
        match &self.pending {
            Some(pending) => {
                if lock(pending).finish(record) {
                    self.bar.inc(1);
                }
            }
            None => self.bar.inc(1),
        }
    }

    /// A study has ended.
    pub(super) fn study_ends(&self) {
        if self.pending.is_none() {
            self.finish();
        }
    }

    /// Where runs add their own bars. Hidden for many runs at once, and below the bar of several studies.
    pub(super) fn bars_of_runs(&self, in_parallel: bool) -> MultiProgress {
        match in_parallel || self.pending.is_some() {
            true => MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
            false => self.bars.clone(),
        }
    }
}

impl Pending {
    /// Removes a finished run. Whether it was pending: figures share runs.
    fn finish(&mut self, record: &Path) -> bool {
        let Some(seconds) = self.runs.remove(record) else {
            return false;
        };
        self.done += seconds;
        self.last = Instant::now();
        true
    }

    /// The estimates, corrected by the time that the finished runs took.
    fn seconds_left(&self) -> f64 {
        /// Estimated seconds of finished runs from which the correction can be trusted.
        const ENOUGH: f64 = 10.0;
        let correction = match self.done > ENOUGH {
            true => self.last.duration_since(self.start).as_secs_f64() / self.done,
            false => 1.0,
        };
        let left = correction * self.runs.values().sum::<f64>();
        (left - self.last.elapsed().as_secs_f64()).max(0.0)
    }
}

/// Draws a bar at this interval, until it is finished or dropped. (`enable_steady_tick` panics where no thread can be started.)
///
/// # Errors
///
/// If the thread that draws it cannot be started.
fn draw_every(interval: Duration, bar: &ProgressBar) -> io::Result<()> {
    let bar = bar.downgrade();
    let present = move || bar.upgrade().filter(|bar| !bar.is_finished());
    let draw = move || {
        while let Some(bar) = present() {
            bar.tick();
            drop(bar);
            thread::sleep(interval);
        }
    };
    thread::Builder::new().spawn(draw).map(drop)
}

fn lock(pending: &Mutex<Pending>) -> MutexGuard<'_, Pending> {
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_several_figures_share_counts_once_and_a_foreign_one_not_at_all() {
        let runs = [("a.json", 3.0), ("b.json", 4.0)];
        let runs = runs.map(|(name, seconds)| (PathBuf::from(name), seconds));
        let progress = Progress::of_all(5, runs.into());
        for name in ["a.json", "a.json", "c.json"] {
            progress.run_is_finished(Path::new(name));
        }
        assert_eq!(progress.bar.position(), 6);
        assert_eq!(progress.bar.length(), Some(7));
        let pending = progress.pending.as_ref().unwrap();
        let left = lock(pending).seconds_left();
        assert!((3.0..=4.0).contains(&left), "{left}");
    }

    #[test]
    fn the_time_left_is_corrected_by_the_time_that_runs_took() {
        let start = Instant::now();
        let pending = Pending {
            name: String::new(),
            runs: [(PathBuf::from("next"), 30.0)].into(),
            done: 20.0,
            start,
            last: start + Duration::from_secs(40),
        };
        // 40 seconds for an estimate of 20, so 60 for one of 30.
        let left = pending.seconds_left();
        assert!((59.0..=60.0).contains(&left), "{left}");
    }
}
