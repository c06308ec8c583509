//! A round of verdicts, which can be left and taken up again.

use std::path::{Path, PathBuf};

use anyhow::Result;
use burn::tensor::Device;

use super::{
    Answer, Images, Judge, Learner, MEASURED, ROUND, Verdict, Way, order, say_accuracy,
    state::{self, Settings, State},
};

pub(super) struct Round<'a> {
    path: PathBuf,
    seed: u64,
    images: &'a Images,
    order: Vec<usize>,
    learner: Learner,
    settings: Settings,
    answers: Vec<Answer>,
    /// How often the network has learned.
    learned: usize,
    accuracies: Vec<f64>,
}

impl<'a> Round<'a> {
    /// The round of a seed in `folder`: where it was left, or a new one.
    pub(super) fn open(
        folder: &Path,
        seed: u64,
        error_rate: Option<f64>,
        images: &'a Images,
        device: &Device,
    ) -> Result<Self> {
        let path = folder.join(format!("round-{seed}.state"));
        let mut round = Self {
            seed,
            images,
            order: order(seed, images.train.len()),
            learner: Learner::new(Way::Verdicts, seed, images.train.shape, device)?,
            settings: Settings {
                error_rate,
                data: images.digest.clone(),
            },
            answers: Vec::new(),
            learned: 0,
            accuracies: Vec::new(),
            path,
        };
        if let Some((state, records)) = state::read(&round.path, &round.settings, &round.order)? {
            round.learner.restore(records)?;
            (round.answers, round.learned) = (state.answers, state.learned);
            round.accuracies = state.accuracies;
        }
        Ok(round)
    }

    /// Asks until there are so many verdicts. Returns whether there are.
    pub(super) fn go_on(&mut self, verdicts: usize, judge: &mut dyn Judge) -> Result<bool> {
        loop {
            while self.learned < self.answers.len() / ROUND {
                self.learn()?;
            }
            if self.answers.len() >= verdicts {
                return Ok(true);
            }
            let stayed = self.ask(verdicts, judge);
            self.save()?;
            if !stayed? {
                return Ok(false);
            }
        }
    }

    /// Asks until the network is to learn, or there are so many verdicts. Returns whether nobody left.
    fn ask(&mut self, verdicts: usize, judge: &mut dyn Judge) -> Result<bool> {
        let start = self.learned * ROUND;
        let images = &self.order[start..self.order.len().min(start + ROUND)];
        let guesses = self.learner.guess(&self.images.train, images)?;
        let asked = images.iter().zip(guesses).take(verdicts - start);
        let asked: Vec<(usize, usize)> = asked.map(|(&image, guess)| (image, guess)).collect();
        for &(image, guess) in asked.iter().skip(self.answers.len() - start) {
            let Some(verdict) = judge.judge(&self.images.train, image, guess)? else {
                return Ok(false);
            };
            self.answers.push(Answer {
                image,
                guess,
                verdict,
            });
            if judge.is_dear() {
                self.save()?;
            }
        }
        Ok(true)
    }

    fn learn(&mut self) -> Result<()> {
        let answers = (self.learned + 1) * ROUND;
        self.learner
            .learn(&self.images.train, &self.answers[..answers])?;
        self.learned += 1;
        if answers.is_multiple_of(MEASURED) {
            self.accuracies
                .push(self.learner.accuracy(&self.images.test)?);
            self.save()?;
            return say_accuracy(Way::Verdicts, self.seed, &self.accuracies);
        }
        self.save()
    }

    fn save(&self) -> Result<()> {
        let state = State {
            settings: self.settings.clone(),
            answers: self.answers.clone(),
            learned: self.learned,
            accuracies: self.accuracies.clone(),
        };
        state::write(&self.path, &state, self.learner.records()?)
    }

    /// All verdicts, and those that called the guess right.
    pub(super) fn said(&self) -> (usize, usize) {
        let of = |wanted: Verdict| {
            let answers = self.answers.iter();
            answers.filter(|answer| answer.verdict == wanted).count()
        };
        (of(Verdict::Up) + of(Verdict::Down), of(Verdict::Up))
    }

    /// The accuracies up to so many verdicts.
    pub(super) fn accuracies(&self, verdicts: usize) -> Vec<f64> {
        let measured = self.accuracies.iter().take(verdicts / MEASURED);
        measured.copied().collect()
    }
}
