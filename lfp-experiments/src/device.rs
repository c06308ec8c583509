//! `--device`: where to compute.

use std::{fmt, str::FromStr};

use burn::tensor::{Device, Tensor};

/// A device by the name that `--device` takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceName {
    backend: Backend,
    index: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Backend {
    Auto,
    Flex,
    NdArray,
    Cuda,
    Wgpu,
    Vulkan,
    Metal,
    WebGpu,
    Rocm,
}

const BACKENDS: [(&str, Backend); 9] = [
    ("auto", Backend::Auto),
    ("flex", Backend::Flex),
    ("ndarray", Backend::NdArray),
    ("cuda", Backend::Cuda),
    ("wgpu", Backend::Wgpu),
    ("vulkan", Backend::Vulkan),
    ("metal", Backend::Metal),
    ("webgpu", Backend::WebGpu),
    ("rocm", Backend::Rocm),
];

/// Why there is no such device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Not a device's name.
    #[error(
        "unknown device \"{0}\", expected auto, flex, ndarray, cuda, cuda:N, wgpu, vulkan, metal, \
         webgpu or rocm"
    )]
    Unknown(String),
    /// The program was built without it.
    #[error("device \"{0}\" was not compiled in: build with `--features {0}`")]
    NotCompiled(String),
    /// It is compiled in, and the machine has none.
    #[error("device \"{name}\" does not work on this machine: {reason}")]
    Unavailable {
        /// Its name.
        name: String,
        /// What its driver said.
        reason: String,
    },
}

impl FromStr for DeviceName {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let unknown = || DeviceError::Unknown(text.to_owned());
        let (name, index) = match text.split_once(':') {
            Some((name @ ("cuda" | "rocm"), index)) => {
                (name, index.parse().map_err(|_| unknown())?)
            }
            Some(_) => return Err(unknown()),
            None => (text, 0),
        };
        let known = BACKENDS.iter().find(|(known, _)| *known == name);
        let &(_, backend) = known.ok_or_else(unknown)?;
        Ok(Self { backend, index })
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = BACKENDS.iter().find(|(_, known)| *known == self.backend);
        let (name, _) = known.expect("every backend has a name");
        match self.index {
            0 => write!(f, "{name}"),
            index => write!(f, "{name}:{index}"),
        }
    }
}

impl DeviceName {
    /// The device, after a first computation on it.
    ///
    /// # Errors
    ///
    /// If it was not compiled in, or the machine has none.
    pub fn open(&self) -> Result<Device, DeviceError> {
        // Drivers report a missing device by a panic, on whose message the user need not look twice.
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let opened = std::panic::catch_unwind(|| {
            let device = self.select()?;
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
        match self.backend {
            Backend::Auto => Ok(Device::default()),
            #[cfg(feature = "flex")]
            Backend::Flex => Ok(Device::flex()),
            #[cfg(feature = "ndarray")]
            #[expect(deprecated, reason = "it stays a cross-check")]
            Backend::NdArray => Ok(Device::ndarray()),
            #[cfg(feature = "cuda")]
            Backend::Cuda => Ok(Device::cuda(self.index)),
            #[cfg(feature = "wgpu")]
            Backend::Wgpu => Ok(Device::wgpu(Default::default())),
            #[cfg(feature = "vulkan")]
            Backend::Vulkan => Ok(Device::vulkan(Default::default())),
            #[cfg(feature = "metal")]
            Backend::Metal => Ok(Device::metal(Default::default())),
            #[cfg(feature = "webgpu")]
            Backend::WebGpu => Ok(Device::webgpu(Default::default())),
            #[cfg(feature = "rocm")]
            Backend::Rocm => Ok(Device::rocm(self.index)),
            #[allow(
                unreachable_patterns,
                reason = "no backend is missing with every feature"
            )]
            _ => Err(DeviceError::NotCompiled(self.without_index())),
        }
    }

    fn without_index(&self) -> String {
        Self {
            index: 0,
            ..self.clone()
        }
        .to_string()
    }
}
