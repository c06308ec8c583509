//! The instruction set that kernels run with.

#[cfg(target_arch = "x86_64")]
use pulp::Simd;
use pulp::{Arch, WithSimd};

/// Vectors of an instruction set of the processor.
#[derive(Clone, Copy, Debug)]
enum Vectors {
    /// AVX-512.
    #[cfg(target_arch = "x86_64")]
    V4(pulp::x86::V4),
    /// AVX2 with FMA.
    #[cfg(target_arch = "x86_64")]
    V3(pulp::x86::V3),
    /// The best that `pulp` has for other processors.
    Other,
    /// None.
    #[cfg(test)]
    Scalar,
}

impl Vectors {
    /// The widest of this processor.
    fn widest() -> Self {
        #[cfg(test)]
        if let Some(vectors) = forced::vectors() {
            return vectors;
        }
        #[cfg(target_arch = "x86_64")]
        {
            let wide = pulp::x86::V4::try_new().map(Self::V4);
            if let Some(vectors) = wide.or_else(|| pulp::x86::V3::try_new().map(Self::V3)) {
                return vectors;
            }
        }
        Self::Other
    }
}

/// Runs an operation with the widest vectors of this processor.
pub(super) fn with_widest_vectors<Op: WithSimd>(operation: Op) -> Op::Output {
    match Vectors::widest() {
        #[cfg(target_arch = "x86_64")]
        Vectors::V4(simd) => Simd::vectorize(simd, operation),
        #[cfg(target_arch = "x86_64")]
        Vectors::V3(simd) => Simd::vectorize(simd, operation),
        Vectors::Other => Arch::new().dispatch(operation),
        #[cfg(test)]
        Vectors::Scalar => operation.with_simd(pulp::Scalar),
    }
}

/// Narrower vectors than the processor has, for tests.
#[cfg(test)]
pub(super) mod forced {
    use std::cell::Cell;

    use super::Vectors;

    thread_local! {
        static FORCED: Cell<Option<Vectors>> = const { Cell::new(None) };
    }

    pub(super) fn vectors() -> Option<Vectors> {
        FORCED.get()
    }

    /// Calls `run` once with the vectors of each instruction set of this processor, and once without vectors.
    pub fn for_each_instruction_set(run: impl Fn()) {
        #[cfg(target_arch = "x86_64")]
        let wide = {
            let [v4, v3] = [
                pulp::x86::V4::try_new().map(Vectors::V4),
                pulp::x86::V3::try_new().map(Vectors::V3),
            ];
            [v4, v3].into_iter().flatten()
        };
        #[cfg(not(target_arch = "x86_64"))]
        let wide = [];
        for vectors in wide.into_iter().chain([Vectors::Scalar]) {
            FORCED.set(Some(vectors));
            run();
            FORCED.set(None);
        }
    }
}
