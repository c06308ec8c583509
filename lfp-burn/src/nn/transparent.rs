//! Wrappers that are invisible to Burn's module system.

/// Implements Burn's `Module` for a wrapper `W<M>` with a field `layer: M`: parameters, their paths and records are those of
/// the layer inside. The wrapper provides `replace`, which changes the layer, and `annotate`, which adds its own settings to
/// the printed layer.
macro_rules! transparent_module {
    ($wrapper:ident) => {
        impl<M: Module> Module for $wrapper<M> {
            fn collect_devices(&self, devices: Vec<Device>) -> Vec<Device> {
                self.layer.collect_devices(devices)
            }

            fn fork(self, device: &Device) -> Self {
                self.replace(|layer| layer.fork(device))
            }

            fn to_device(self, device: &Device) -> Self {
                self.replace(|layer| layer.to_device(device))
            }

            fn train(self) -> Self {
                self.replace(M::train)
            }

            fn valid(&self) -> Self {
                self.clone().replace(|layer| layer.valid())
            }

            fn materialize(self) -> Self {
                self.replace(M::materialize)
            }

            fn visit<V: burn::module::ModuleVisitor>(&self, visitor: &mut V) {
                self.layer.visit(visitor);
            }

            fn map<P: burn::module::ModuleMapper>(self, mapper: &mut P) -> Self {
                self.replace(|layer| layer.map(mapper))
            }
        }

        impl<M: ModuleDisplay> ModuleDisplayDefault for $wrapper<M> {
            fn content(&self, content: Content) -> Option<Content> {
                self.layer.content(content)
            }

            fn num_params(&self) -> usize {
                ModuleDisplayDefault::num_params(&self.layer)
            }
        }

        impl<M: ModuleDisplay> ModuleDisplay for $wrapper<M> {
            fn custom_settings(&self) -> Option<DisplaySettings> {
                self.layer.custom_settings()
            }

            fn custom_content(&self, content: Content) -> Option<Content> {
                let content = self.layer.custom_content(content)?;
                self.annotate(content).optional()
            }
        }

        impl<M: ModuleDisplay> core::fmt::Display for $wrapper<M> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(
                    f,
                    "{}",
                    ModuleDisplay::format(self, DisplaySettings::default())
                )
            }
        }
    };
}

pub(crate) use transparent_module;
