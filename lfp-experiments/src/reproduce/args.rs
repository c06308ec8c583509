//! Options that figures share.

use std::path::PathBuf;

use anyhow::Result;
use burn::tensor::Device;
use clap::{Args, ValueEnum};
use strum::Display;

use crate::{
    cli::{DeviceArgs, values},
    device::DeviceNames,
    files,
    plot::{self, Panel},
    study::{
        Analysis, Resources, Results,
        report::{Header, Report},
    },
};

/// Seeds of the figures; more follow by counting from the first.
pub(super) const SEEDS: [u64; 3] = [7240, 5110, 5628];

/// The size of the grid.
#[derive(Clone, Copy, Debug, Display, PartialEq, Eq, ValueEnum)]
#[strum(serialize_all = "lowercase")]
pub enum Profile {
    /// A coarse grid on few data, in minutes.
    Quick,
    /// The paper's grid.
    Paper,
}

/// Options of all figures.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Run")]
pub struct Output {
    /// Folder of the results; the figure gets a subfolder
    #[arg(long, value_name = "FOLDER", default_value = "results")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

/// Options of figures that are made from a study.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Grid")]
pub struct Common {
    /// Size of the grid
    #[arg(long, value_enum, default_value = "quick")]
    profile: Profile,
    /// Number of seeds [default: the profile's]
    #[arg(long, value_parser = values::at_least_one)]
    seeds: Option<usize>,
    #[command(flatten)]
    output: Output,
}

/// Options of figures on images.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Data")]
pub struct DataArgs {
    /// Folder of the data sets; without it MNIST is downloaded into a cache
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

/// Options of figures on photographs.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Data")]
pub struct PretrainedArgs {
    /// Folder of torchvision's ImageNet weights (vgg16-*.pth, resnet18-*.pth, ...), from which transfer starts
    #[arg(long, value_name = "FOLDER")]
    pretrained: Option<PathBuf>,
}

/// All of them.
#[derive(Clone, Debug, Args)]
pub(crate) struct PhotographArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    pretrained: PretrainedArgs,
}

/// Options, folders and device of a figure that is made from a study.
pub(crate) struct Context {
    figure: &'static str,
    /// The profile.
    pub(crate) profile: Profile,
    seeds: Option<usize>,
    out: PathBuf,
    /// Folder of the figure.
    pub(crate) folder: PathBuf,
    /// Device, data and weights.
    pub(crate) resources: Resources,
}

impl Output {
    /// Opens the device.
    pub(super) fn device(&self) -> Result<Device> {
        Ok(self.device.device.open()?)
    }

    /// Creates the folder of `figure`.
    pub(super) fn folder(&self, figure: &str) -> Result<PathBuf> {
        let folder = self.out.join(figure);
        files::create_folder(&folder)?;
        Ok(folder)
    }
}

impl Common {
    /// Opens the device, and creates the folder of `figure`.
    pub(super) fn open(&self, figure: &'static str) -> Result<Context> {
        self.open_with(figure, &DataArgs::default(), &PretrainedArgs::default())
    }

    /// The same for a figure on images.
    pub(super) fn open_with_data(&self, figure: &'static str, data: &DataArgs) -> Result<Context> {
        self.open_with(figure, data, &PretrainedArgs::default())
    }

    fn open_with(
        &self,
        figure: &'static str,
        data: &DataArgs,
        pretrained: &PretrainedArgs,
    ) -> Result<Context> {
        Ok(Context {
            figure,
            profile: self.profile,
            seeds: self.seeds,
            out: self.output.out.clone(),
            folder: self.output.folder(figure)?,
            resources: Resources {
                device: self.output.device()?,
                device_names: DeviceNames::new([self.output.device.device]),
                data_dir: data.data_dir.clone(),
                pretrained: pretrained.pretrained.clone(),
            },
        })
    }
}

impl PhotographArgs {
    /// Opens the device, and creates the folder of `figure`.
    pub(super) fn open(&self, figure: &'static str) -> Result<Context> {
        self.common.open_with(figure, &self.data, &self.pretrained)
    }
}

impl Context {
    /// A value by profile.
    pub(super) fn by_profile<T>(&self, quick: T, paper: T) -> T {
        match self.profile {
            Profile::Quick => quick,
            Profile::Paper => paper,
        }
    }

    /// The folder of a study that several figures share.
    pub(super) fn shared_study(&self, name: &str) -> PathBuf {
        self.out.join(name)
    }

    /// The seeds: as many as `--seeds` says, or `default`.
    pub(super) fn seeds(&self, default: usize) -> Vec<u64> {
        let count = self.seeds.unwrap_or(default);
        let more = (SEEDS[0] + 1)..;
        SEEDS.into_iter().chain(more).take(count).collect()
    }

    /// The beginning of `result.json`.
    pub(super) fn header(&self) -> Header {
        Header::new(self.figure).with_profile(self.profile)
    }

    /// Writes and prints the report of a study.
    pub(super) fn report<A: Analysis>(&self, results: &Results<A>) -> Result<()> {
        let report = Report::new(self.header(), results);
        report.print();
        report.write(&self.folder)
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
        let seeds = match seeds.unwrap_or(0) {
            1 => "1 seed".to_owned(),
            count => format!("{count} seeds"),
        };
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
