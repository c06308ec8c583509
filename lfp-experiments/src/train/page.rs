//! `report.html`: the page of a finished run, from the files in its folder alone.

mod confusion;
mod mistakes;
mod weights;

use std::path::PathBuf;

use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{
    Analysis, Evaluation, FinishedRun, Outcome, RunFolderError, Settings,
    run_folder::{EVALUATION, METRICS, PAGE},
};
use crate::{
    files,
    objective::Method,
    report::{Axis, Cell, Chart, Look, Page, Section, Series, Table, describe, duration, shell},
    study::report::without_folders,
    text::counted,
};

/// A row of `metrics.csv`.
#[derive(Clone, Debug, Deserialize)]
struct Row {
    epoch: usize,
    lr: f64,
    train_accuracy: f64,
    test_accuracy: f64,
    test_top5: f64,
    test_class_mean: f64,
    seconds: f64,
}

/// What the page shows.
struct Content<'a> {
    settings: &'a Settings,
    outcome: Outcome,
    rows: Vec<Row>,
    analysis: Analysis,
}

/// The classes of the data.
#[derive(Clone, Copy)]
struct Classes<'a> {
    count: usize,
    /// Empty if they have none.
    names: &'a [String],
}

impl Classes<'_> {
    /// Number and name of a class.
    fn label(self, class: usize) -> String {
        match self.names.get(class) {
            Some(name) => format!("{class} {name}"),
            None => class.to_string(),
        }
    }
}

impl FinishedRun {
    /// Writes `report.html` from the other files of the run, and returns its path. The folder needs an
    /// [evaluation](Self::evaluate).
    ///
    /// # Errors
    ///
    /// If a file is missing or malformed, or the page cannot be written.
    pub fn write_page(&self) -> Result<PathBuf, RunFolderError> {
        let content = Content {
            settings: self.settings(),
            outcome: self.outcome()?,
            rows: self.rows()?,
            analysis: self.json(EVALUATION)?,
        };
        let path = self.file(PAGE);
        files::write(&path, content.page().render().as_bytes())?;
        Ok(path)
    }

    fn rows(&self) -> Result<Vec<Row>, RunFolderError> {
        let path = self.file(METRICS);
        let text = files::read(&path)?;
        let rows = csv::Reader::from_reader(text.as_slice()).into_deserialize();
        rows.collect::<Result<_, _>>()
            .map_err(|error| RunFolderError::Torn {
                path,
                reason: format!("not the metrics of a run ({error})"),
            })
    }
}

impl Content<'_> {
    fn page(&self) -> Page {
        let Settings {
            model,
            dataset,
            method,
            ..
        } = self.settings;
        let Analysis { last, best, .. } = &self.analysis;
        let mut sections = vec![
            section("curves", "Curves", self.curves()),
            section(
                "confusion",
                "Confusion matrix",
                confusion::render(last, self.classes()),
            ),
            section("mistakes", "Worst mistakes", self.mistakes(last)),
        ];
        if let Some(best) = best {
            sections.push(section("best", "The best epoch", self.best(best)));
        }
        if self.settings.model.spikes() {
            sections.push(section("rates", "Firing rates", self.firing_rates()));
        }
        let weights = weights::render(&self.analysis.layers, &self.analysis.initial_layers);
        sections.push(section("weights", "Weights", weights));
        sections.push(section("run", "Run", self.run()));
        Page {
            title: format!("{model} on {dataset} by {}", method_name(*method)),
            introduction: self.introduction(),
            sections,
        }
    }

    fn introduction(&self) -> Markup {
        let Self {
            settings, outcome, ..
        } = self;
        let Evaluation {
            accuracy, samples, ..
        } = &self.analysis.last;
        let epochs = settings.epochs;
        let best = &outcome.test_accuracy;
        let best = best.get(outcome.best_epoch.saturating_sub(1));
        html! {
            p {
                "Test accuracy " strong { (percent(accuracy.top1)) } " after " (counted(epochs, "epoch"))
                " (" (samples) " samples)"
                @if let (Some(best), true) = (best, outcome.best_epoch != epochs) {
                    ", highest " (percent(*best)) " after epoch " (outcome.best_epoch)
                }
                ". Training took " (duration(outcome.seconds)) "; seed " (settings.seed) "."
            }
            @for warning in &outcome.warnings { p.problem { (warning) } }
        }
    }

    fn curves(&self) -> Markup {
        let look = match self.settings.method {
            Method::Lfp => Look::LFP,
            Method::Gradient => Look::GRADIENT,
        };
        let series = |name: &str, look, of: fn(&Row) -> f64| {
            let points = self.rows.iter().map(|row| (row.epoch as f64, of(row), 0.0));
            Series::new(name, look, points)
        };
        let best = Some(self.outcome.best_epoch as f64);
        let mut accuracy = Chart::new("Accuracy", Axis::whole("epoch"), Axis::percent("accuracy"));
        let test = series("test", look, |row| row.test_accuracy);
        accuracy.add(test.with_best(best));
        accuracy.add(series("training", Look::REFERENCE, |row| {
            row.train_accuracy
        }));
        let mut others = Chart::new(
            "Other measures on the test set",
            Axis::whole("epoch"),
            Axis::percent("accuracy"),
        );
        others.add(series("mean over classes", Look::nth(4), |row| {
            row.test_class_mean
        }));
        if self.settings.classes > 5 {
            others.add(series("among the five highest", Look::nth(5), |row| {
                row.test_top5
            }));
        }
        let mut lr = Chart::new(
            "Learning rate after the last step of the epoch",
            Axis::whole("epoch"),
            Axis::linear("learning rate"),
        );
        lr.add(series("learning rate", look, |row| row.lr));
        html! {
            div.charts { (accuracy) (others) (lr) }
            p.soft {
                "The training accuracy counts the outputs before each update, so it belongs to networks that still "
                "learned during the epoch, with dropout and augmentation; the test accuracy is measured after the epoch. "
                "A run records no loss: "
                @match self.settings.method {
                    Method::Lfp => "LFP maximises a reward.",
                    Method::Gradient => "accuracy and learning rate are all it keeps of an epoch.",
                }
            }
            details {
                summary { "Values" }
                (self.values())
            }
        }
    }

    fn values(&self) -> Table {
        let columns = [
            "epoch",
            "learning rate",
            "training",
            "test",
            "mean over classes",
            "five highest",
            "seconds",
        ];
        let mut table = Table::new("", columns);
        for row in &self.rows {
            table.row([
                Cell::number(row.epoch),
                Cell::number(format!("{:.3e}", row.lr)),
                Cell::number(percent(row.train_accuracy)),
                Cell::number(percent(row.test_accuracy)),
                Cell::number(percent(row.test_class_mean)),
                Cell::number(percent(row.test_top5)),
                Cell::number(format!("{:.1}", row.seconds)),
            ]);
        }
        table
    }

    fn classes(&self) -> Classes<'_> {
        Classes {
            count: self.settings.classes,
            names: &self.analysis.class_names,
        }
    }

    fn mistakes(&self, evaluation: &Evaluation) -> Markup {
        let spikes = self.settings.model.spikes();
        mistakes::render(evaluation, &self.analysis.exhibits, self.classes(), spikes)
    }

    fn best(&self, best: &Evaluation) -> Markup {
        let epoch = self.outcome.best_epoch;
        html! {
            p {
                "The weights after epoch " (epoch) ", in " code { "best.safetensors" } ": test accuracy "
                strong { (percent(best.accuracy.top1)) } "."
            }
            details {
                summary { "Confusion matrix and worst mistakes after epoch " (epoch) }
                (confusion::render(best, self.classes()))
                (self.mistakes(best))
            }
        }
    }

    fn firing_rates(&self) -> Markup {
        let mut table = Table::new("Spikes per neuron and time step", ["layer", "firing rate"]);
        for (layer, rate) in &self.outcome.firing_rates {
            table.row([
                Cell::head(layer),
                Cell::number(percent(*rate)).shaded(*rate),
            ]);
        }
        html! {
            p {
                "Mean over the neurons of the layer, the time steps and the samples of the first test batch, after training. "
                "A layer at 0 % is silent: no reward passes it."
            }
            (table)
        }
    }

    fn run(&self) -> Markup {
        let Analysis {
            command,
            date,
            machine,
            shape: [channels, height, width],
            train_samples,
            last,
            ..
        } = &self.analysis;
        let versions = &self.outcome.versions;
        let mut settings: Vec<_> = self.settings.options().into_iter().collect();
        settings.sort_by(|(a, _), (b, _)| a.cmp(b));
        html! {
            dl {
                dt { "Data" }
                dd {
                    (train_samples) " training and " (last.samples) " test samples of " (channels) "×" (height) "×" (width)
                    ", " (counted(self.settings.classes, "class"))
                }
                dt { "Training time" } dd { (duration(self.outcome.seconds)) }
                dt { "Machine" } dd { (describe(machine)) }
                dt { "Versions" } dd { "lfp-experiments " (versions.lfp) ", Burn " (versions.burn) }
                dt { "Seed" } dd { (self.settings.seed) }
                dt { "Evaluated" } dd { (date) }
            }
            p { "The command that finished the run:" }
            pre { (shell(command)) }
            h3 { "Settings" }
            dl {
                @for (name, value) in &settings {
                    dt { (name.replace('_', "-")) }
                    dd { (setting(value)) }
                }
            }
        }
    }
}

fn section(id: &str, title: &str, body: impl Render) -> Section {
    Section {
        id: id.to_owned(),
        title: title.to_owned(),
        body: body.render(),
    }
}

fn method_name(method: Method) -> &'static str {
    match method {
        Method::Lfp => "LFP",
        Method::Gradient => "gradient",
    }
}

/// The exact value of a setting, as `settings.json` has it, without the quotes of texts.
fn setting(value: &serde_json::Value) -> String {
    let text = value.as_str().map(str::to_owned);
    without_folders(text.unwrap_or_else(|| value.to_string()))
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}
