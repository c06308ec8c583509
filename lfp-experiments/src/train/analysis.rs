//! `evaluation.json`: what the page of a finished run shows and `result.json` does not hold.

use std::{collections::BTreeMap, time::SystemTime};

use base64::{Engine, prelude::BASE64_STANDARD};
use burn::tensor::Device;
use chrono::{DateTime, Utc};
use image::{ImageFormat, RgbImage, imageops::FilterType};
use lfp_models::Network;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{
    Computing, Evaluation, FinishedRun, TrainError, initial_network,
    layers::{Bins, LayerSummary},
    run_folder::{BEST, EVALUATION, WEIGHTS},
};
use crate::{
    data::{Batches, DataError, Order, Samples, Split},
    files::{self, to_json},
    machine::Machine,
    study::report::command,
};

/// Largest height or width of a picture in the file; larger images are scaled down.
const LARGEST_PICTURE: u32 = 128;
/// Most values of a sample that is no image; of longer ones the file holds nothing.
const MOST_VALUES: usize = 16;

/// Evaluation of a finished run: `evaluation.json` in its folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// Arguments of the program that wrote the file; of absolute paths only the last part.
    pub command: Vec<String>,
    /// When the file was written, in UTC, such as `2026-01-31T12:00:00Z`.
    pub date: String,
    /// The machine that wrote the file.
    pub machine: Machine,
    /// Number of training samples.
    pub train_samples: usize,
    /// Shape of a sample, `[channels, height, width]`.
    pub shape: [usize; 3],
    /// Names of the classes; empty if they have none.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub class_names: Vec<String>,
    /// The network after the last epoch, on the test set.
    pub last: Evaluation,
    /// The network after the best epoch, unless that is the last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub best: Option<Evaluation>,
    /// The samples of all mistakes, by their index in the test set.
    pub exhibits: BTreeMap<usize, Exhibit>,
    /// Weights of the network after the last epoch.
    pub layers: Vec<LayerSummary>,
    /// Weights before the first epoch; empty if the pretrained weights are gone.
    pub initial_layers: Vec<LayerSummary>,
}

/// A sample to look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Exhibit {
    /// A PNG picture, in base64.
    Png(#[serde(serialize_with = "to_base64", deserialize_with = "from_base64")] Vec<u8>),
    /// The values of a sample that is no image.
    Values(Vec<f32>),
    /// Neither an image nor a few values.
    Nothing,
}

impl FinishedRun {
    /// Whether the folder has an `evaluation.json`. What is no file under that name is refused when it is read.
    pub fn is_evaluated(&self) -> bool {
        self.file(EVALUATION).exists()
    }

    /// Writes `evaluation.json`: evaluates the final and the best network on the test set of `data`, each in one pass.
    ///
    /// # Errors
    ///
    /// If the data do not fit the run or cannot be read, or the file cannot be written.
    pub fn evaluate(&self, data: &Split, computing: &Computing) -> Result<(), TrainError> {
        let analysis = self.analyse(data, computing)?;
        Ok(files::write(&self.file(EVALUATION), &to_json(&analysis))?)
    }

    fn analyse(&self, data: &Split, computing: &Computing) -> Result<Analysis, TrainError> {
        let outcome = self.outcome()?;
        let device = &computing.devices[0];
        let batches = Batches {
            data: &data.test,
            size: self.settings().batch,
            order: Order::Given,
            workers: computing.workers,
        };
        let evaluate = |network: &Network| Evaluation::of(network, &batches, device);
        let network = |file| self.network_of(file, data.test.as_ref(), device);
        let trained = network(WEIGHTS)?;
        let last = evaluate(&trained)?;
        let best = match outcome.best_epoch == outcome.test_accuracy.len() {
            true => None,
            false => Some(evaluate(&network(BEST)?)?),
        };
        let mistakes = [Some(&last), best.as_ref()].into_iter().flatten();
        let indices = mistakes.flat_map(|of| of.mistakes.iter().map(|mistake| mistake.index));
        let exhibit = |index| Ok((index, Exhibit::of(data.test.as_ref(), index)?));
        let exhibits: Result<_, DataError> = indices.map(exhibit).collect();
        Ok(Analysis {
            command: command(),
            date: DateTime::<Utc>::from(SystemTime::now())
                .format("%Y-%m-%dT%H:%M:%SZ")
                .to_string(),
            machine: Machine::this(&self.settings().device),
            train_samples: data.train.len(),
            shape: data.test.shape(),
            class_names: class_names(data.test.as_ref()),
            exhibits: exhibits?,
            last,
            best,
            layers: LayerSummary::all(&trained, Bins::Coarse),
            initial_layers: self.initial_layers(data, device)?,
        })
    }

    /// Empty if the pretrained weights are gone.
    fn initial_layers(
        &self,
        data: &Split,
        device: &Device,
    ) -> Result<Vec<LayerSummary>, TrainError> {
        match initial_network(self.settings(), data.train.as_ref(), device) {
            Ok(network) => Ok(LayerSummary::all(&network, Bins::Coarse)),
            Err(error @ (TrainError::Pretrained(_) | TrainError::PretrainedFile(_))) => {
                tracing::warn!("no weights before training: {error}");
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }
}

impl Exhibit {
    fn of(data: &dyn Samples, index: usize) -> Result<Self, DataError> {
        if let Some(picture) = data.picture(index)? {
            return Ok(Self::Png(png(&scaled_down(picture))));
        }
        let values = data.read(index, 0)?.values;
        Ok(match values.len() <= MOST_VALUES {
            true => Self::Values(values),
            false => Self::Nothing,
        })
    }
}

/// Empty if a class has no name.
fn class_names(data: &dyn Samples) -> Vec<String> {
    let names = (0..data.num_classes()).map(|class| data.class_name(class).map(str::to_owned));
    names.collect::<Option<_>>().unwrap_or_default()
}

fn scaled_down(picture: RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let longest = width.max(height);
    if longest <= LARGEST_PICTURE {
        return picture;
    }
    let scaled = |side: u32| (side * LARGEST_PICTURE / longest).max(1);
    image::imageops::resize(
        &picture,
        scaled(width),
        scaled(height),
        FilterType::Triangle,
    )
}

fn png(picture: &RgbImage) -> Vec<u8> {
    let mut content = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut content, ImageFormat::Png)
        .expect("writing to memory does not fail");
    content.into_inner()
}

fn to_base64<S: Serializer>(png: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64_STANDARD.encode(png))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    BASE64_STANDARD.decode(text).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pictures_are_scaled_down_and_small_ones_keep_their_pixels() {
        let size = |width, height| scaled_down(RgbImage::new(width, height)).dimensions();
        assert_eq!(size(224, 224), (128, 128));
        assert_eq!(size(1_000, 2), (128, 1));
        assert_eq!(size(28, 28), (28, 28));
    }

    #[test]
    fn a_picture_is_read_back_from_json() {
        let picture = RgbImage::from_fn(3, 2, |x, y| image::Rgb([x as u8, y as u8, 7]));
        for exhibit in [
            Exhibit::Png(png(&picture)),
            Exhibit::Values(vec![0.5, -1.0]),
            Exhibit::Nothing,
        ] {
            let json = serde_json::to_string(&exhibit).unwrap();
            assert_eq!(serde_json::from_str::<Exhibit>(&json).unwrap(), exhibit);
        }
    }
}
