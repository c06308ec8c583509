//! `--device`: where to compute.

use std::{fmt, str::FromStr};

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};

/// A device by its canonical name: `flex`, `cuda`, `cuda:1`, `remote:HOST:PORT`, ...
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceName {
    backend: Backend,
    place: Place,
}

/// Where a backend finds its device.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// The device of this machine with this number.
    Index(usize),
    /// The first device of a server, `HOST:PORT`.
    Server(String),
}

/// The devices of a run, which share every batch: names separated by commas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceNames(Vec<DeviceName>);

/// Backends, in the order in which Burn chooses a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, VariantNames)]
#[strum(serialize_all = "lowercase")]
enum Backend {
    Auto,
    Cuda,
    Metal,
    Rocm,
    Vulkan,
    WebGpu,
    Wgpu,
    Cpu,
    Tch,
    Flex,
    Remote,
    NdArray,
}

/// Errors of devices.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The name of no device.
    #[error(
        "unknown device \"{0}\", expected one of {names}; cuda and rocm take an index, as in cuda:N, remote a server, as in remote:HOST:PORT",
        names = Backend::VARIANTS.join(", ")
    )]
    Unknown(String),
    /// The program was built without the backend.
    #[error("device \"{name}\" was not compiled in: build with `--features {feature}`")]
    NotCompiled {
        /// The name.
        name: String,
        /// The missing feature.
        feature: String,
    },
    /// A list has a device twice.
    #[error("--devices names {0} twice")]
    Twice(DeviceName),
    /// The machine has no such device.
    #[error("device \"{name}\" does not work on this machine: {reason}")]
    Unavailable {
        /// The name.
        name: String,
        /// The driver's message.
        reason: String,
    },
}

impl FromStr for DeviceName {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let unknown = || DeviceError::Unknown(text.to_owned());
        let (name, place) = match text.split_once(':') {
            Some((name @ ("cuda" | "rocm"), index)) => {
                let index = index.parse().map_err(|_| unknown())?;
                (name, Place::Index(index))
            }
            Some((name @ "remote", server)) if is_server(server) => {
                (name, Place::Server(server.to_owned()))
            }
            Some(_) => return Err(unknown()),
            None if text == "remote" => return Err(unknown()),
            None => (text, Place::Index(0)),
        };
        let backend = name.parse().map_err(|_| unknown())?;
        Ok(Self { backend, place })
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Index(0) => write!(f, "{}", self.backend),
            Place::Index(index) => write!(f, "{}:{index}", self.backend),
            Place::Server(server) => write!(f, "{}:{server}", self.backend),
        }
    }
}

impl TryFrom<String> for DeviceName {
    type Error = DeviceError;

    fn try_from(text: String) -> Result<Self, DeviceError> {
        text.parse()
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.to_string()
    }
}

impl DeviceName {
    /// The device that `auto` stands for on this machine: `BURN_DEVICE`, or the first backend that was compiled in, in
    /// Burn's order. Other names stay.
    #[must_use]
    pub fn resolved(&self) -> Self {
        if self.backend != Backend::Auto {
            return self.clone();
        }
        let chosen = std::env::var("BURN_DEVICE").ok();
        let chosen = chosen.and_then(|name| name.to_lowercase().parse().ok());
        let compiled = || Backend::COMPILED.first().copied();
        chosen.or_else(compiled).unwrap_or(Backend::Auto).into()
    }

    /// Whether it computes on the CPU of this machine, with threads that it takes from the program.
    pub fn is_cpu(&self) -> bool {
        matches!(self.resolved().backend, Backend::Flex | Backend::NdArray)
    }

    /// Opens the device, and runs a first computation on it.
    ///
    /// # Errors
    ///
    /// If the backend was not compiled in, or the machine has no such device.
    pub fn open(&self) -> Result<Device, DeviceError> {
        // Drivers report a missing device by a panic; its message is returned instead of printed.
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let opened = std::panic::catch_unwind(|| {
            let device = self.resolved().select()?;
            let _ = Tensor::<1>::ones([1], &device).sum().into_scalar::<f32>();
            Ok(device)
        });
        std::panic::set_hook(hook);
        opened.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or(panic.downcast_ref::<&str>().copied());
            let line = text.and_then(|text| text.lines().next());
            Err(DeviceError::Unavailable {
                name: self.to_string(),
                reason: line.unwrap_or("no reason given").to_owned(),
            })
        })
    }

    fn select(&self) -> Result<Device, DeviceError> {
        match (self.backend, &self.place) {
            #[cfg(feature = "flex")]
            (Backend::Flex, _) => Ok(Device::flex()),
            #[cfg(feature = "ndarray")]
            #[expect(deprecated, reason = "it stays a cross-check")]
            (Backend::NdArray, _) => Ok(Device::ndarray()),
            #[cfg(feature = "cuda")]
            (Backend::Cuda, &Place::Index(index)) => Ok(Device::cuda(index)),
            #[cfg(feature = "wgpu")]
            (Backend::Wgpu, _) => Ok(Device::wgpu(Default::default())),
            #[cfg(feature = "vulkan")]
            (Backend::Vulkan, _) => Ok(Device::vulkan(Default::default())),
            #[cfg(feature = "metal")]
            (Backend::Metal, _) => Ok(Device::metal(Default::default())),
            #[cfg(feature = "webgpu")]
            (Backend::WebGpu, _) => Ok(Device::webgpu(Default::default())),
            #[cfg(feature = "rocm")]
            (Backend::Rocm, &Place::Index(index)) => Ok(Device::rocm(index)),
            #[cfg(feature = "cpu")]
            (Backend::Cpu, _) => Ok(Device::cpu()),
            #[cfg(feature = "tch")]
            #[expect(deprecated, reason = "it stays a cross-check")]
            (Backend::Tch, _) => Ok(Device::libtorch()),
            #[cfg(feature = "remote-websocket")]
            (Backend::Remote, Place::Server(server)) => self.connect(server),
            // `BURN_DEVICE` can name the backend, but not its server.
            (Backend::Remote, Place::Index(_)) => Err(DeviceError::Unknown(self.to_string())),
            (backend, _) => Err(DeviceError::NotCompiled {
                name: self.to_string(),
                feature: backend.feature(),
            }),
        }
    }

    #[cfg(feature = "remote-websocket")]
    fn connect(&self, server: &str) -> Result<Device, DeviceError> {
        let host = burn::remote::RemoteHost::websocket(&format!("ws://{server}"));
        let device = Device::remote_options(&host).init();
        device.map_err(|error| DeviceError::Unavailable {
            name: self.to_string(),
            reason: error.to_string(),
        })
    }
}

impl From<Backend> for DeviceName {
    /// The first device of a backend.
    fn from(backend: Backend) -> Self {
        Self {
            backend,
            place: Place::Index(0),
        }
    }
}

/// Whether the text has the form `HOST:PORT`.
fn is_server(text: &str) -> bool {
    let parts = text.rsplit_once(':');
    parts.is_some_and(|(host, port)| {
        let is_host = !host.is_empty() && !host.contains(['/', ',', ' ']);
        is_host && port.parse::<u16>().is_ok()
    })
}

impl Backend {
    /// The feature that compiles it in.
    fn feature(self) -> String {
        match self {
            Self::Remote => "remote-websocket".to_owned(),
            backend => backend.to_string(),
        }
    }

    /// The backends of this machine that were compiled in, in Burn's order of preference.
    const COMPILED: &'static [Self] = &[
        #[cfg(feature = "cuda")]
        Self::Cuda,
        #[cfg(feature = "metal")]
        Self::Metal,
        #[cfg(feature = "rocm")]
        Self::Rocm,
        #[cfg(feature = "vulkan")]
        Self::Vulkan,
        #[cfg(feature = "webgpu")]
        Self::WebGpu,
        #[cfg(feature = "wgpu")]
        Self::Wgpu,
        #[cfg(feature = "cpu")]
        Self::Cpu,
        #[cfg(feature = "tch")]
        Self::Tch,
        #[cfg(feature = "flex")]
        Self::Flex,
        #[cfg(feature = "ndarray")]
        Self::NdArray,
    ];
}

impl DeviceNames {
    /// The devices by their canonical names; `auto` is resolved.
    ///
    /// # Errors
    ///
    /// If one is there twice.
    pub fn new(names: impl IntoIterator<Item = DeviceName>) -> Result<Self, DeviceError> {
        let mut found = Vec::new();
        for name in names.into_iter().map(|name| name.resolved()) {
            if found.contains(&name) {
                return Err(DeviceError::Twice(name));
            }
            found.push(name);
        }
        Ok(Self(found))
    }

    /// Number of devices, at least one.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Opens all devices.
    ///
    /// # Errors
    ///
    /// The first device that cannot be opened.
    pub fn open(&self) -> Result<Vec<Device>, DeviceError> {
        self.0.iter().map(DeviceName::open).collect()
    }
}

impl Default for DeviceNames {
    /// The device that `auto` stands for.
    fn default() -> Self {
        DeviceName::from(Backend::Auto).into()
    }
}

impl From<DeviceName> for DeviceNames {
    fn from(name: DeviceName) -> Self {
        Self(vec![name.resolved()])
    }
}

impl fmt::Display for DeviceNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&names.join(","))
    }
}

impl TryFrom<String> for DeviceNames {
    type Error = DeviceError;

    fn try_from(text: String) -> Result<Self, DeviceError> {
        let names: Result<Vec<DeviceName>, _> = text.split(',').map(str::parse).collect();
        Self::new(names?)
    }
}

impl From<DeviceNames> for String {
    fn from(names: DeviceNames) -> Self {
        names.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_auto_is_resolved() {
        for text in [
            "flex",
            "cuda",
            "cuda:1",
            "rocm:3",
            "ndarray",
            "webgpu",
            "cpu",
            "tch",
            "remote:gpu:3000",
            "remote:127.0.0.1:3000",
            "remote:[::1]:3000",
        ] {
            let name: DeviceName = text.parse().unwrap();
            assert_eq!(name.to_string(), text);
            assert_eq!(name.resolved(), name);
        }
        let names = DeviceNames::default().to_string();
        assert!(!names.contains("auto"), "{names}");
        let json = serde_json::to_string(&DeviceNames::default()).unwrap();
        assert_eq!(json, format!("\"{names}\""));
        for text in [
            "abacus",
            "flex:1",
            "cuda:x",
            "cuda:",
            "",
            "remote",
            "remote:",
            "remote:gpu",
            "remote:gpu:port",
            "remote::3000",
            "remote:ws://gpu:3000",
        ] {
            assert!(text.parse::<DeviceName>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_device_takes_part_once() {
        let read = |text: &str| DeviceNames::try_from(text.to_owned());
        assert_eq!(read("cuda:1,cuda").unwrap().to_string(), "cuda:1,cuda");
        for (text, name) in [("flex,flex", "flex"), ("cuda,flex,cuda:0", "cuda")] {
            let twice = DeviceError::Twice(name.parse().unwrap());
            assert_eq!(read(text), Err(twice));
        }
    }
}
