//! A round of verdicts, which can be left and taken up again.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
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
    /// Whether the file has all this.
    saved: bool,
}

impl<'a> Round<'a> {
    /// The round of a seed in `folder`: where it was left, or a new one.
    pub(super) fn open(
        folder: &Path,
        seed: u64,
        settings: Settings,
        images: &'a Images,
        device: &Device,
    ) -> Result<Self> {
        let path = folder.join(format!("round-{seed}.state"));
        let mut round = Self {
            seed,
            images,
            order: order(seed, images.train.len()),
            learner: Learner::new(Way::Verdicts, seed, images.train.shape, device)?,
            settings,
            answers: Vec::new(),
            learned: 0,
            accuracies: Vec::new(),
            path,
            saved: false,
        };
        if let Some((state, records)) = state::read(&round.path, &round.settings, &round.order)? {
            round.learner.restore(records)?;
            (round.answers, round.learned) = (state.answers, state.learned);
            round.accuracies = state.accuracies;
            round.saved = true;
        }
        Ok(round)
    }

    /// Asks until there are so many verdicts; what was skipped is none. Returns whether there are.
    pub(super) fn go_on(&mut self, verdicts: usize, judge: &mut dyn Judge) -> Result<bool> {
        let found = state::judged(&self.answers);
        ensure!(
            found <= verdicts,
            "--verdicts {verdicts}: {} has {found} already; name more, or another folder by --out",
            self.path.display()
        );
        loop {
            let found = state::judged(&self.answers);
            if self.learned < found / ROUND {
                self.learn()?;
            } else if found == verdicts {
                self.save()?;
                return Ok(true);
            } else {
                let asked = self.ask(verdicts, judge);
                // What is learned from next is saved then.
                if state::judged(&self.answers) / ROUND == self.learned {
                    self.save()?;
                }
                if !asked? {
                    return Ok(false);
                }
            }
        }
    }

    /// Shows ten images at most, until the network is to learn or there are so many verdicts. Returns whether nobody left.
    fn ask(&mut self, verdicts: usize, judge: &mut dyn Judge) -> Result<bool> {
        let shown = self.answers.len();
        let since_learning = shown - state::answers_with(&self.answers, self.learned * ROUND);
        // The same ten are guessed together before and after a break.
        let start = shown - since_learning % ROUND;
        let images = &self.order[start..self.order.len().min(start + ROUND)];
        let guesses = self.learner.guess(&self.images.train, images)?;
        let asked = images.iter().copied().zip(guesses).skip(shown - start);
        let asked: Vec<(usize, usize)> = asked.collect();
        if asked.is_empty() {
            bail!(
                "all {shown} images were shown, {} of them judged; of --verdicts {verdicts} no more can be had",
                state::judged(&self.answers)
            );
        }
        let enough = verdicts.min((self.learned + 1) * ROUND);
        let mut missing = enough - state::judged(&self.answers);
        for (image, guess) in asked {
            if missing == 0 {
                break;
            }
            let Some(verdict) = judge.judge(&self.images.train, image, guess)? else {
                return Ok(false);
            };
            missing -= usize::from(verdict != Verdict::Skip);
            self.answers.push(Answer {
                image,
                guess,
                verdict,
            });
            self.saved = false;
            if judge.is_dear() {
                self.save()?;
            }
        }
        Ok(true)
    }

    fn learn(&mut self) -> Result<()> {
        let verdicts = (self.learned + 1) * ROUND;
        let answers = state::answers_with(&self.answers, verdicts);
        self.learner
            .learn(&self.images.train, &self.answers[..answers])?;
        self.learned += 1;
        self.saved = false;
        if verdicts.is_multiple_of(MEASURED) {
            self.accuracies
                .push(self.learner.accuracy(&self.images.test)?);
            self.save()?;
            return say_accuracy(Way::Verdicts, self.seed, &self.accuracies);
        }
        self.save()
    }

    /// Writes the file, unless it has all already.
    fn save(&mut self) -> Result<()> {
        if self.saved {
            return Ok(());
        }
        let state = State {
            settings: self.settings.clone(),
            answers: self.answers.clone(),
            learned: self.learned,
            accuracies: self.accuracies.clone(),
        };
        state::write(&self.path, &state, self.learner.records()?)?;
        self.saved = true;
        Ok(())
    }

    /// All verdicts, and those that called the guess right.
    pub(super) fn said(&self) -> (usize, usize) {
        let answers = self.answers.iter();
        let right = answers.filter(|answer| answer.verdict == Verdict::Up);
        (state::judged(&self.answers), right.count())
    }

    /// The accuracies after every hundred verdicts, and after the last of a complete round.
    pub(super) fn accuracies(&self) -> Result<Vec<f64>> {
        let mut accuracies = self.accuracies.clone();
        if !state::judged(&self.answers).is_multiple_of(MEASURED) {
            accuracies.push(self.learner.accuracy(&self.images.test)?);
        }
        Ok(accuracies)
    }
}
