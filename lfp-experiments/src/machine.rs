//! The machine that computes a result.

use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// What a reader must know of a machine to judge a time. Members that are unknown are empty or 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// Operating system and architecture.
    pub system: String,
    /// Name of the processor.
    pub processor: String,
    /// Number of threads that the program may use.
    pub cores: usize,
    /// Memory in GiB.
    pub memory_gib: f64,
    /// The device, such as `flex` or `cuda:0`.
    pub device: String,
}

impl Machine {
    /// This machine, with the device that computes.
    pub fn this(device: impl ToString) -> Self {
        let facts = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        let system = System::new_with_specifics(facts);
        let processor = system.cpus().first().map(|cpu| cpu.brand().trim());
        let gib = system.total_memory() as f64 / f64::from(1 << 30);
        Self {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            processor: processor.unwrap_or_default().to_owned(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: (gib * 10.0).round() / 10.0,
            device: device.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_cores_and_is_read_back() {
        let machine = Machine::this("flex");
        assert!(machine.cores > 0 && machine.system.contains(std::env::consts::ARCH));
        let json = serde_json::to_string(&machine).unwrap();
        assert_eq!(serde_json::from_str::<Machine>(&json).unwrap(), machine);
        assert_eq!(
            serde_json::from_str::<Machine>("{}").unwrap(),
            Machine::default()
        );
    }
}
