//! Kernels that a GPU is given.

#[cfg(feature = "cubecl")]
mod counted {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use burn_cubecl::cubecl::logging::{LaunchObservation, LaunchObserver};

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl LaunchObserver for Counter {
        fn launched(&self, _: &'static str) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts the launches of this process until it is dropped.
    pub(in crate::bench) struct Launches {
        counter: Arc<Counter>,
        _observation: LaunchObservation,
    }

    impl Launches {
        pub(in crate::bench) fn start() -> Self {
            let counter = Arc::new(Counter::default());
            Self {
                _observation: LaunchObservation::new(counter.clone()),
                counter,
            }
        }

        /// The launches so far.
        pub(in crate::bench) fn count(&self) -> usize {
            self.counter.0.load(Ordering::Relaxed)
        }
    }
}

/// The same in a program that was built without a GPU: there are none.
#[cfg(not(feature = "cubecl"))]
mod counted {
    pub(in crate::bench) struct Launches;

    impl Launches {
        pub(in crate::bench) fn start() -> Self {
            Self
        }

        pub(in crate::bench) fn count(&self) -> usize {
            0
        }
    }
}

pub(super) use counted::Launches;
