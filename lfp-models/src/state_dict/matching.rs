//! Which tensor of a file belongs to which of a model.
//!
//! Names decide first, below whatever prefix finds most of them. If they do not find all, the structure decides: each layer
//! of the model has one partner with tensors of the same names and shapes, and lists of such layers keep their order.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
};

use super::{
    Mismatch,
    file::File,
    names::{self, Parameter},
    neurons,
};

/// The most places in a file that are tried.
const MOST_ROOTS: usize = 64;

/// The tensors of a layer: name within the layer, and shape.
type Layer<'a> = BTreeMap<&'a str, &'a [usize]>;
/// Layers by path.
type Layers<'a> = BTreeMap<&'a str, Layer<'a>>;

/// How a file fits a model.
pub(super) struct Fit {
    /// The prefix of the model's tensors in the file, with the dot.
    pub(super) root: String,
    /// Indices of the model's tensors, with the name in the file.
    pub(super) pairs: Vec<(usize, String)>,
    /// Whether layers were found by their structure because names differ.
    by_structure: bool,
    /// What does not fit.
    pub(super) mismatch: Mismatch,
    /// Whether the model's last layer keeps its weights.
    pub(super) last_layer_kept: bool,
    /// Constants of spiking neurons: names in the file.
    pub(super) constants: Vec<String>,
}

impl Fit {
    /// Fewer are better: tensors that do not load, tensors left over, moving averages, other names.
    fn faults(&self) -> (usize, usize, bool, bool) {
        let Mismatch {
            missing,
            unused,
            shapes,
        } = &self.mismatch;
        let average = is_average(&self.root);
        let differ = missing.len() + shapes.len();
        (differ, unused.len(), average, self.by_structure)
    }
}

/// Whether a part of a checkpoint holds averages of the weights beside the weights themselves.
fn is_average(root: &str) -> bool {
    let mut words = root.split(['.', '_']);
    words.any(|word| matches!(word, "ema" | "swa" | "averaged" | "teacher"))
}

/// A model and a file to match.
pub(super) struct Matching<'a> {
    pub(super) ours: &'a [Parameter],
    /// PyTorch's path of the layer that outputs the classes.
    pub(super) last: &'a str,
    pub(super) file: &'a File,
    /// The prefix of the part that the user has chosen, with the dot; empty for the tensors outside all parts.
    pub(super) part: Option<&'a str>,
    /// Whether another number of classes is a difference.
    pub(super) same_classes: bool,
    /// Whether the last layer may differ in any way.
    pub(super) any_head: bool,
    /// Whether the model spikes, and a file may hold constants of neurons.
    pub(super) spikes: bool,
}

impl Matching<'_> {
    /// The best fit below the prefix `part` of the file, or the prefixes of all that are equally good.
    pub(super) fn best(&self) -> Result<Fit, Vec<String>> {
        let mut best: Option<Fit> = None;
        let mut others = Vec::new();
        for root in self.roots() {
            let fit = self.at(&root);
            let (order, differs) = match &best {
                None => (Ordering::Less, true),
                Some(best) => (fit.faults().cmp(&best.faults()), fit.pairs != best.pairs),
            };
            match order {
                Ordering::Less => {
                    best = Some(fit);
                    others.clear();
                }
                Ordering::Equal if differs => others.push(root),
                _ => {}
            }
        }
        let Some(best) = best else {
            return Err(Vec::new());
        };
        let is_chosen = self.part == Some(best.root.as_str());
        match others.is_empty() || best.pairs.is_empty() || is_chosen {
            true => Ok(best),
            false => Err([vec![best.root], others].concat()),
        }
    }

    fn part(&self) -> &str {
        self.part.unwrap_or_default()
    }

    /// Prefixes in the file below which most of the model's names are found, and the dictionaries that it nests; in the order
    /// of their names, so that a part comes before what it holds.
    fn roots(&self) -> BTreeSet<String> {
        let part = self.part();
        if self.part == Some("") {
            return BTreeSet::from([String::new()]);
        }
        let roots = self
            .named_roots()
            .into_iter()
            .chain([part])
            .chain(self.file.containers())
            .filter(|root| root.starts_with(part));
        roots.take(MOST_ROOTS).map(str::to_owned).collect()
    }

    /// The prefixes below which most of the model's names are found.
    fn named_roots(&self) -> BTreeSet<&str> {
        let found = self.names_below();
        let most = found.values().copied().max().unwrap_or(0);
        let named = found.into_iter().filter(|(_, count)| *count == most);
        named.map(|(root, _)| root).collect()
    }

    /// How many of the model's names are found below each prefix that has any.
    fn names_below(&self) -> BTreeMap<&str, usize> {
        let ours: HashSet<&str> = self.ours.iter().map(|own| own.name.as_str()).collect();
        let longest = ours.iter().map(|name| name.len()).max().unwrap_or(0);
        let mut found: BTreeMap<&str, usize> = BTreeMap::new();
        for name in self.file.tensors.keys() {
            let dots = name.match_indices('.').map(|(index, _)| index + 1);
            for start in std::iter::once(0).chain(dots) {
                let (root, rest) = name.split_at(start);
                if rest.len() <= longest && root.starts_with(self.part()) && ours.contains(rest) {
                    *found.entry(root).or_default() += 1;
                }
            }
        }
        found
    }

    /// How the tensors below the prefix `root` fit.
    fn at(&self, root: &str) -> Fit {
        // Both are prefixes of `root`, so that the longer is the narrower.
        let scopes = [self.file.container_of(root), self.part()];
        let scope = scopes.into_iter().max_by_key(|scope| scope.len());
        let scope = scope.unwrap_or_default();
        let mut theirs = Layers::new();
        let mut outside = Vec::new();
        let mut constants = Vec::new();
        for (name, tensor) in &self.file.tensors {
            if !name.starts_with(scope) || names::counts(name) {
                continue;
            }
            let Some(rest) = name.strip_prefix(root) else {
                outside.push(name.clone());
                continue;
            };
            let (layer, leaf) = names::split(rest);
            let layer = theirs.entry(layer).or_default();
            layer.insert(leaf, &tensor.shape);
        }
        if self.spikes {
            theirs.retain(|path, layer| {
                let neurons = layer.keys().all(|leaf| neurons::is_constant(leaf));
                if neurons {
                    constants.extend(layer.keys().map(|leaf| full_name(root, path, leaf)));
                }
                !neurons
            });
        }
        let mut fit = self.by_name(root, &theirs);
        if !(fit.mismatch.missing.is_empty() && fit.mismatch.shapes.is_empty())
            && let Some(pairs) = self.by_structure(&theirs)
        {
            fit = self.compared(root, &theirs, &pairs);
            fit.by_structure = true;
        }
        fit.mismatch.unused.extend(outside);
        self.leave_out_other_sets(&mut fit);
        fit.constants = constants;
        fit
    }

    /// Does not count tensors as unused that belong to another set of weights: to a nested dictionary of which nothing is
    /// used, or, if the user has chosen this part, to names of the model below another prefix.
    fn leave_out_other_sets(&self, fit: &mut Fit) {
        let named = match self.part == Some(fit.root.as_str()) {
            true => self.names_below(),
            false => BTreeMap::new(),
        };
        let used: BTreeSet<&str> = fit.pairs.iter().map(|(_, name)| name.as_str()).collect();
        let is_used = |prefix: &str| {
            let first = used.range(prefix..).next();
            first.is_some_and(|name| name.starts_with(prefix))
        };
        let root = fit.root.len();
        fit.mismatch.unused.retain(|name| {
            let dots = name.match_indices('.').map(|(index, _)| index + 1);
            let mut prefixes = dots.filter(|end| *end > root).map(|end| &name[..end]);
            !prefixes.any(|prefix| {
                let is_set = self.file.has_container(prefix) || named.contains_key(prefix);
                is_set && !is_used(prefix)
            })
        });
    }

    fn layers(&self) -> Layers<'_> {
        let mut layers = Layers::new();
        for own in self.ours {
            let (layer, leaf) = names::split(&own.name);
            layers.entry(layer).or_default().insert(leaf, &own.shape);
        }
        layers
    }

    fn by_name(&self, root: &str, theirs: &Layers) -> Fit {
        let layers = self.layers();
        let shared = layers.keys().filter(|path| theirs.contains_key(*path));
        let pairs: BTreeMap<&str, &str> = shared.map(|path| (*path, *path)).collect();
        self.compared(root, theirs, &pairs)
    }

    /// Partners by the tensors that layers have, if there is exactly one way to find them.
    fn by_structure<'a>(&'a self, theirs: &Layers<'a>) -> Option<BTreeMap<&'a str, &'a str>> {
        let ours = self.layers();
        let mut groups: BTreeMap<(&Layer, String), [Vec<&str>; 2]> = BTreeMap::new();
        for (side, layers) in [&ours, theirs].into_iter().enumerate() {
            for (path, layer) in layers {
                let group = groups.entry((layer, names::skeleton(path))).or_default();
                group[side].push(path);
            }
        }
        let mut pairs = BTreeMap::new();
        // What is left of each side, by the tensors of its layers; groups whose names differ keep apart.
        let mut left: BTreeMap<&Layer, [Vec<Vec<&str>>; 2]> = BTreeMap::new();
        for ((layer, _), [a, b]) in groups {
            if a.len() == b.len() {
                pairs.extend(in_order(a).zip(in_order(b)));
                continue;
            }
            let left = left.entry(layer).or_default();
            for (side, group) in [a, b].into_iter().enumerate() {
                if !group.is_empty() {
                    left[side].push(group);
                }
            }
        }
        let (mut ours_left, mut theirs_left) = (Vec::new(), Vec::new());
        for [a, b] in left.into_values() {
            match (a.as_slice(), b.as_slice()) {
                ([a], [b]) if a.len() == b.len() => {
                    pairs.extend(in_order(a.clone()).zip(in_order(b.clone())));
                }
                _ => {
                    ours_left.extend(a.into_iter().flatten());
                    theirs_left.extend(b.into_iter().flatten());
                }
            }
        }
        match (ours_left.as_slice(), theirs_left.as_slice()) {
            ([], []) => Some(pairs),
            ([own], [other])
                if *own == self.last && !self.same_classes && {
                    other_classes(&ours[*own], &theirs[*other])
                } =>
            {
                pairs.insert(*own, *other);
                Some(pairs)
            }
            ([own], _) if *own == self.last && self.any_head => Some(pairs),
            _ => None,
        }
    }

    fn compared(&self, root: &str, theirs: &Layers, pairs: &BTreeMap<&str, &str>) -> Fit {
        let mut mismatch = Mismatch::default();
        let mut loads = Vec::new();
        for (index, own) in self.ours.iter().enumerate() {
            let (layer, leaf) = names::split(&own.name);
            let path = pairs.get(layer).copied();
            let found = path.and_then(|path| Some((path, *theirs.get(path)?.get(leaf)?)));
            match found {
                None => mismatch.missing.push(own.name.clone()),
                Some((path, shape)) if shape == own.shape => {
                    loads.push((index, full_name(root, path, leaf)));
                }
                Some((_, shape)) => {
                    let shapes = (own.name.clone(), own.shape.clone(), shape.to_vec());
                    mismatch.shapes.push(shapes);
                }
            }
        }
        let partner: HashMap<&str, &str> =
            pairs.iter().map(|(own, other)| (*other, *own)).collect();
        let ours = self.layers();
        for (path, layer) in theirs {
            let own = partner.get(path).and_then(|own| ours.get(own));
            let unused = layer
                .keys()
                .filter(|leaf| !own.is_some_and(|own| own.contains_key(*leaf)));
            mismatch
                .unused
                .extend(unused.map(|leaf| full_name(root, path, leaf)));
        }
        let mut fit = Fit {
            root: root.to_owned(),
            pairs: loads,
            by_structure: false,
            mismatch,
            last_layer_kept: false,
            constants: Vec::new(),
        };
        let last = pairs.get(self.last).and_then(|path| theirs.get(path));
        let other_classes = last
            .zip(ours.get(self.last))
            .is_some_and(|(theirs, ours)| other_classes(ours, theirs));
        if (other_classes && !self.same_classes) || self.any_head {
            self.keep_last_layer(&mut fit, root, pairs.get(self.last).copied());
        }
        fit
    }

    /// Excuses all differences of the last layer, if there are any.
    fn keep_last_layer(&self, fit: &mut Fit, root: &str, partner: Option<&str>) {
        let is_last = |name: &str| names::split(name).0 == self.last;
        let Mismatch {
            missing,
            unused,
            shapes,
        } = &mut fit.mismatch;
        let differs = missing.iter().any(|name| is_last(name))
            || shapes.iter().any(|(name, ..)| is_last(name));
        if !differs {
            return;
        }
        missing.retain(|name| !is_last(name));
        shapes.retain(|(name, ..)| !is_last(name));
        fit.pairs.retain(|(index, _)| {
            let own = self.ours.get(*index);
            own.is_none_or(|own| !is_last(&own.name))
        });
        // What the file has in place of the layer: under its name, or under that of its partner.
        let places = [Some(self.last), partner].into_iter().flatten();
        let places: Vec<String> = places.map(|path| format!("{root}{path}.")).collect();
        unused.retain(|name| !places.iter().any(|place| name.starts_with(place)));
        fit.last_layer_kept = true;
    }
}

/// Paths in the order in which people count.
fn in_order(mut paths: Vec<&str>) -> impl Iterator<Item = &str> {
    paths.sort_by_cached_key(|path| names::natural(path));
    paths.into_iter()
}

/// Whether two layers differ in the number of classes, the first axis of weight and bias in PyTorch's layout, and only in it.
fn other_classes(ours: &Layer, theirs: &Layer) -> bool {
    let rest = |shape: &[usize]| shape.get(1..).map(<[usize]>::to_vec);
    let fits = |(leaf, shape): (&&str, &&[usize])| {
        let other = theirs.get(leaf);
        other.is_some_and(|other| rest(other) == rest(shape) && other.first() != shape.first())
    };
    ours.len() == theirs.len() && ours.iter().all(fits)
}

fn full_name(root: &str, layer: &str, leaf: &str) -> String {
    match layer {
        "" => format!("{root}{leaf}"),
        _ => format!("{root}{layer}.{leaf}"),
    }
}
