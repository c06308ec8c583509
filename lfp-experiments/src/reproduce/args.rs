//! Options that figures share.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use strum::Display;

use super::Entry;
use crate::{
    cli::{DeviceArgs, values},
    destination, limits,
    output::OutputError,
    plot::{self, Panel},
    study::{
        Analysis, Cell, Condition, MethodVariant, NotRun, Progress, Resources, Results, Study,
        report::{Header, Report},
    },
    text,
};

/// Seeds of the figures; more follow by counting from the first.
pub(super) const SEEDS: [u64; 3] = [7240, 5110, 5628];

/// The size of the grid.
#[derive(Clone, Copy, Debug, Display, PartialEq, Eq, ValueEnum)]
#[strum(serialize_all = "lowercase")]
pub(crate) enum Profile {
    /// A coarse grid on few data, in minutes.
    Quick,
    /// The paper's grid.
    Paper,
}

impl Profile {
    /// A value by profile.
    pub(super) fn choose<T>(self, quick: T, paper: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Paper => paper,
        }
    }
}

/// Options of all figures.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Run")]
pub(crate) struct Output {
    /// Folder of the results; the figure gets a subfolder
    #[arg(long, value_name = "FOLDER", default_value = "results")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

/// Options of figures that are made from a study.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Grid")]
pub(crate) struct Common {
    /// Size of the grid
    #[arg(long, value_enum, default_value_t = Profile::Quick)]
    profile: Profile,
    /// Number of seeds [default: the profile's]
    #[arg(long, value_parser = values::whole(limits::SEEDS))]
    seeds: Option<usize>,
    /// Replace results that were made from more runs or by a larger profile
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    output: Output,
}

/// The options of [`Common`] that act on grids alone.
pub(super) const OF_GRIDS: [&str; 3] = ["profile", "seeds", "overwrite"];

impl Common {
    /// Whether fuller results may be replaced.
    pub(super) fn overwrites(&self) -> bool {
        self.overwrite
    }

    /// See [`Output::context`].
    pub(super) fn context(&self, figure: &'static str, data_dir: Option<&Path>) -> Result<Context> {
        Ok(Context {
            profile: self.profile,
            seeds: self.seeds,
            overwrite: self.overwrite,
            ..self.output.context(figure, data_dir)?
        })
    }
}

/// The folder of the data sets.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Data")]
pub(crate) struct DataArgs {
    /// Folder of the data sets; without it MNIST is downloaded into a cache
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

/// The folder of the data sets, for commands that download none.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Data")]
pub(crate) struct DataAtHandArgs {
    /// Folder of the data sets; without it MNIST is taken from the cache if it is there. Nothing is downloaded
    #[arg(long, value_name = "FOLDER")]
    pub(super) data_dir: Option<PathBuf>,
}

/// The folder of ImageNet weights.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Data")]
pub(crate) struct PretrainedArgs {
    /// Folder of torchvision's ImageNet weights (vgg16-*.pth, resnet18-*.pth, ...), from which transfer starts
    #[arg(long, value_name = "FOLDER")]
    pub(super) pretrained: Option<PathBuf>,
}

impl PretrainedArgs {
    /// The folder, which must be there: without weights, what starts from them is not run.
    ///
    /// # Errors
    ///
    /// If it is not.
    pub(super) fn existing(&self) -> Result<Option<PathBuf>> {
        values::existing("pretrained", self.pretrained.as_deref())
    }
}

/// Options of figures on images.
#[derive(Clone, Debug, Args)]
pub(crate) struct ImageArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    data: DataArgs,
}

/// Options of figures on photographs.
#[derive(Clone, Debug, Args)]
pub(crate) struct PhotographArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    pretrained: PretrainedArgs,
}

/// The options of a subcommand.
pub(crate) trait Options: Args {
    /// Opens the device for `figure`. Creates no folder.
    fn open(&self, figure: &'static str) -> Result<Context>;
}

/// Options, folders and device of a figure.
#[derive(Clone)]
pub(crate) struct Context {
    figure: &'static str,
    /// The profile.
    pub(crate) profile: Profile,
    seeds: Option<usize>,
    /// Whether fuller results may be replaced.
    pub(super) overwrite: bool,
    selected: Arc<Selected>,
    out: PathBuf,
    /// Folder of the figure.
    pub(crate) folder: PathBuf,
    /// Device, data and weights.
    pub(crate) resources: Resources,
}

/// Whether a method is to be run in a condition.
type Selected = dyn Fn(&Condition, MethodVariant) -> bool;

/// A figure or table of runs is made of at least one that is selected.
///
/// # Errors
///
/// If none was run: what is missing.
pub(super) fn check_any_run<A>(context: &Context, results: &Results<A>) -> Result<()> {
    let is_selected = |cell: &&Cell<A>| (context.selected)(&cell.condition, cell.method);
    let mut missing = BTreeSet::new();
    for cell in results.cells.iter().filter(is_selected) {
        let settings = &cell.condition.settings;
        match cell.outcome {
            Ok(_) => return Ok(()),
            Err(NotRun::NoData) => missing.insert(format!("{} (--data-dir)", settings.dataset)),
            Err(NotRun::NoWeights) => missing.insert(format!(
                "ImageNet weights of {} (--pretrained)",
                settings.model
            )),
            Err(NotRun::NotSelected | NotRun::Deferred) => false,
        };
    }
    let missing = Vec::from_iter(missing).join(", ");
    bail!("nothing was run; missing: {missing}")
}

impl Output {
    /// Opens the device for `figure`, whose data lie in `data_dir`. Creates no folder.
    ///
    /// # Errors
    ///
    /// If that folder is not there, or results cannot be written.
    fn context(&self, figure: &'static str, data_dir: Option<&Path>) -> Result<Context> {
        let data_dir = values::existing("data-dir", data_dir)?;
        destination::check(&self.out, data_dir.as_deref())?;
        let device = &self.device.device;
        Ok(Context {
            figure,
            // Without `--profile`, a figure has the paper's settings.
            profile: Profile::Paper,
            seeds: None,
            overwrite: false,
            selected: Arc::new(|_, _| true),
            out: self.out.clone(),
            folder: self.out.join(figure),
            resources: Resources {
                device: device.open()?,
                device_names: device.clone().into(),
                data_dir,
                download: true,
                pretrained: None,
                progress: None,
            },
        })
    }
}

impl Options for Output {
    fn open(&self, figure: &'static str) -> Result<Context> {
        self.context(figure, None)
    }
}

impl Options for Common {
    fn open(&self, figure: &'static str) -> Result<Context> {
        self.context(figure, None)
    }
}

impl Options for ImageArgs {
    fn open(&self, figure: &'static str) -> Result<Context> {
        self.common.context(figure, self.data.data_dir.as_deref())
    }
}

impl Options for PhotographArgs {
    fn open(&self, figure: &'static str) -> Result<Context> {
        let data_dir = self.data.data_dir.as_deref();
        let mut context = self.common.context(figure, data_dir)?;
        context.resources.pretrained = self.pretrained.existing()?;
        Ok(context)
    }
}

impl Context {
    /// A value by profile.
    pub(super) fn by_profile<T>(&self, quick: T, paper: T) -> T {
        self.profile.choose(quick, paper)
    }

    /// The same for another figure.
    pub(super) fn of(&self, entry: Entry) -> Self {
        let mut context = Self {
            figure: entry.name,
            folder: self.out.join(entry.name),
            ..self.clone()
        };
        if (entry.studies)(&context).is_empty() {
            // What is made without a study has no grid, and the paper's settings.
            context.profile = Profile::Paper;
        }
        context
    }

    /// The same with a progress bar that several figures share.
    pub(super) fn with_progress(mut self, progress: Progress) -> Self {
        self.resources.progress = Some(progress);
        self
    }

    /// Prints without disturbing the progress bar.
    pub(super) fn print(&self, print: impl FnOnce() -> Result<(), OutputError>) -> Result<()> {
        Ok(match &self.resources.progress {
            Some(progress) => progress.suspend(print),
            None => print(),
        }?)
    }

    /// The folder of all results.
    pub(super) fn results(&self) -> &Path {
        &self.out
    }

    /// The same with a selection of what to run.
    pub(super) fn only(
        self,
        selected: impl Fn(&Condition, MethodVariant) -> bool + 'static,
    ) -> Self {
        Self {
            selected: Arc::new(selected),
            ..self
        }
    }

    /// A study of `conditions` in the folder of the figure.
    pub(super) fn study(&self, conditions: Vec<Condition>) -> Study {
        self.shared_study(self.figure, conditions)
    }

    /// A study in the folder `name`, which several figures share.
    pub(super) fn shared_study(&self, name: &str, conditions: Vec<Condition>) -> Study {
        let selected = self.selected.clone();
        Study::new(self.out.join(name), conditions)
            .only(move |condition, method| selected(condition, method))
    }

    /// The seeds: as many as `--seeds` says, or `default`.
    pub(super) fn seeds(&self, default: usize) -> Vec<u64> {
        let count = self.seeds.unwrap_or(default);
        let more = (SEEDS[0] + 1)..;
        SEEDS.into_iter().chain(more).take(count).collect()
    }

    /// The beginning of `result.json`.
    pub(super) fn header(&self) -> Header {
        Header::new(self.figure, &self.resources.device_names).with_profile(self.profile)
    }

    /// Writes and prints the report of a study.
    pub(super) fn report<A: Analysis>(&self, results: &Results<A>) -> Result<()> {
        let report = Report::new(self.header(), results);
        report.write(&self.folder)?;
        self.print(|| report.print())
    }

    /// Draws panels under the name of the figure. The corner says what they show.
    pub(super) fn draw<A>(&self, results: &Results<A>, layout: Layout) -> Result<()> {
        self.draw_as(self.figure, results, layout)
    }

    /// Draws panels under another name.
    pub(super) fn draw_as<A>(
        &self,
        name: &str,
        results: &Results<A>,
        layout: Layout,
    ) -> Result<()> {
        let figure = layout.with_corner(self.corner(results));
        figure.write(&self.folder, name)
    }

    /// Profile, data sets and number of seeds, such as `quick profile; mnist; 3 seeds`.
    fn corner<A>(&self, results: &Results<A>) -> String {
        let conditions = || results.cells.iter().map(|cell| &cell.condition);
        let mut data: Vec<&str> = conditions()
            .map(|condition| condition.settings.dataset.name())
            .collect();
        data.dedup();
        let seeds = conditions().map(|condition| condition.seeds.len()).max();
        let seeds = text::counted(seeds.unwrap_or(0), "seed");
        format!("{} profile; {}; {seeds}", self.profile, data.join(", "))
    }
}

/// Panels, and how they are laid out.
#[derive(Default)]
pub(crate) struct Layout {
    /// Panels per row.
    pub(crate) columns: usize,
    /// Width and height of a panel.
    pub(crate) panel_size: (u32, u32),
    /// Panels, row by row.
    pub(crate) panels: Vec<Panel>,
    /// What the reader must know to judge the figure, in one line; none if empty.
    pub(crate) note: String,
}

impl Layout {
    /// The figure, with a text in its corner.
    pub(super) fn with_corner(self, corner: String) -> plot::Figure {
        plot::Figure {
            columns: self.columns,
            panel_size: self.panel_size,
            panels: self.panels,
            corner,
            note: self.note,
        }
    }
}
