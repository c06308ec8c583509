//! Weights as people have them; see `tests/weights/generate.py`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use burn::tensor::{Device, Tensor};
use lfp_burn::spiking::LifConfig;
use lfp_models::{
    Applied, Classifier, Difference, MlpConfig, ResNet, ResNetConfig, SpikingMlp, SpikingMlpConfig,
    StateDict, StateDictError, VitConfig,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use tempfile::TempDir;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/weights");

fn fixture(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

fn network() -> ResNet {
    ResNetConfig::new(vec![1], vec![2])
        .with_large_images(false)
        .with_num_classes(3)
        .init(&Device::default())
}

fn spiking(beta: f64, threshold: f64) -> SpikingMlp {
    let lif = LifConfig::new().with_beta(beta).with_threshold(threshold);
    let config = SpikingMlpConfig::new()
        .with_widths(vec![4, 5, 3])
        .with_lif(lif);
    config.init(&Device::default()).unwrap()
}

/// Names, shapes and numbers of the weights that a file holds.
fn tensors(file: &[u8]) -> BTreeMap<String, (Vec<usize>, Vec<u8>)> {
    let file = SafeTensors::deserialize(file).unwrap();
    let tensors = file.iter().map(|(name, view)| {
        assert_eq!(view.dtype(), Dtype::F32, "{name}");
        let tensor = (view.shape().to_vec(), view.data().to_vec());
        (name.to_owned(), tensor)
    });
    tensors.collect()
}

fn original(name: &str) -> BTreeMap<String, (Vec<usize>, Vec<u8>)> {
    tensors(&fs::read(fixture(name)).unwrap())
}

#[track_caller]
fn assert_loads(file: StateDict) -> Applied {
    let (loaded, applied) = file.apply_to(network()).unwrap();
    let found = tensors(&loaded.to_safetensors().unwrap());
    assert_eq!(found, original("plain.safetensors"), "{file:?}");
    assert!(!applied.last_layer_kept, "{file:?}");
    // In the model's type, or computing would panic.
    let logits = loaded.forward(Tensor::ones([2, 3, 8, 8], &Device::default()));
    assert_eq!(logits.dims(), [2, 3]);
    applied
}

/// The error, which must be one short line.
#[track_caller]
fn refusal<M: Classifier>(file: &StateDict, model: M) -> StateDictError {
    let error = file.apply_to(model).map(|_| ()).unwrap_err();
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.len() < 1000, "{text}");
    error
}

#[track_caller]
fn assert_refused(path: impl Into<PathBuf>, words: &[&str]) {
    let text = refusal(&StateDict::open(path), network()).to_string();
    for word in words {
        assert!(text.contains(word), "expected \"{word}\" in: {text}");
    }
}

#[test]
fn every_format_of_pytorch_is_recognised_by_its_content() {
    for name in [
        "plain.safetensors",
        "plain.pth",
        "legacy.pth",
        "first.pth",
        "repacked.PTH",
        "strided.pt",
    ] {
        assert_loads(StateDict::open(fixture(name)));
        // The same under a name that says nothing.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        fs::copy(fixture(name), &path).unwrap();
        assert_loads(StateDict::open(path));
    }
}

#[test]
fn other_floating_point_types_are_converted() {
    for name in ["half.bin", "double.pth", "bfloat.safetensors"] {
        assert_loads(StateDict::open(fixture(name)));
    }
}

#[test]
fn prefixes_and_checkpoints_are_recognised() {
    for (name, part) in [
        ("plain.pth", ""),
        ("checkpoint.pth.tar", "state_dict.module"),
        ("lightning.ckpt", "state_dict.model._orig_mod"),
        ("averaged.pth", "model"),
        ("rooted.pth", ""),
    ] {
        let applied = assert_loads(StateDict::open(fixture(name)));
        assert_eq!(applied.part, part, "{name}");
    }
}

#[test]
fn of_two_sets_of_weights_one_must_be_chosen() {
    let two = || StateDict::open(fixture("two.pth"));
    let text = refusal(&two(), network()).to_string();
    assert!(text.contains("choose one: first, second"), "{text}");
    for part in ["first", "second", "second."] {
        let (_, applied) = two().part(part).apply_to(network()).unwrap();
        assert_eq!(applied.part, part.trim_end_matches('.'));
    }
    assert_loads(two().part("second"));
    let text = refusal(&two().part("third"), network()).to_string();
    assert!(
        text.contains("no part \"third\"; it has first, second"),
        "{text}"
    );

    // The moving average is loaded only on request.
    for (name, part) in [("averaged.pth", "model_ema"), ("rooted.pth", "ema")] {
        let averaged = StateDict::open(fixture(name)).part(part);
        let (averaged, applied) = averaged.apply_to(network()).unwrap();
        let found = tensors(&averaged.to_safetensors().unwrap());
        assert_ne!(found, original("plain.safetensors"), "{name}");
        assert_eq!(applied.part, part);
    }
}

/// The network's tensors below each prefix; those of the first are the fixture's, all others are zero.
fn sets(prefixes: &[&str]) -> BTreeMap<String, (Vec<usize>, Vec<u8>)> {
    let mut file = BTreeMap::new();
    for (index, prefix) in prefixes.iter().enumerate() {
        for (name, (shape, bytes)) in original("plain.safetensors") {
            let bytes = match index {
                0 => bytes,
                _ => vec![0; bytes.len()],
            };
            file.insert(format!("{prefix}{name}"), (shape, bytes));
        }
    }
    file
}

#[test]
fn a_part_is_chosen_by_the_names_of_its_tensors_where_nothing_is_nested() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two.safetensors");
    for (prefixes, parts) in [
        (["second.", "first."], "choose one: first, second"),
        (
            ["net.second.", "net.first."],
            "choose one: net.first, net.second",
        ),
        (["", "second."], "choose one: ., second"),
        (["net.", "net.second."], "choose one: net, net.second"),
    ] {
        write(&path, &sets(&prefixes));
        let file = || StateDict::open(&path);
        let text = refusal(&file(), network()).to_string();
        assert!(text.ends_with(parts), "expected \"{parts}\" in: {text}");
        let chosen = match prefixes[0] {
            "" => ".",
            prefix => prefix,
        };
        let applied = assert_loads(file().part(chosen));
        assert_eq!(applied.part, prefixes[0].trim_end_matches('.'));
        assert_eq!(applied.mismatch, Default::default(), "{chosen}");
        // The other one, too.
        let (_, applied) = file().part(prefixes[1]).apply_to(network()).unwrap();
        assert_eq!(applied.part, prefixes[1].trim_end_matches('.'));
    }
    // A set beside it that lacks a tensor is a set all the same.
    for [chosen, other] in [["", "ema."], ["net.", "net.ema."]] {
        let mut file = sets(&[chosen, other]);
        file.remove(&format!("{other}fc.bias")).unwrap();
        write(&path, &file);
        let part = if chosen.is_empty() { "." } else { chosen };
        let applied = assert_loads(StateDict::open(&path).part(part));
        assert_eq!(applied.mismatch, Default::default(), "{chosen}");
    }
    // A part may lack what the file has elsewhere, but what it has itself must fit.
    let mut file = sets(&["net.", "other."]);
    file.insert("net.projection.weight".to_owned(), (vec![1], vec![0; 4]));
    write(&path, &file);
    let text = refusal(&StateDict::open(&path).part("net"), network()).to_string();
    assert!(text.ends_with("unused: net.projection.weight"), "{text}");

    write(
        &path,
        &BTreeMap::from([("w".to_owned(), (vec![1], vec![0; 4]))]),
    );
    let text = refusal(&StateDict::open(&path).part("net"), network()).to_string();
    assert!(text.ends_with("no part \"net\"; it has no parts"), "{text}");
}

/// The tensors with a prefix before their names.
fn below(
    file: &BTreeMap<String, (Vec<usize>, Vec<u8>)>,
    prefix: &str,
) -> BTreeMap<String, (Vec<usize>, Vec<u8>)> {
    let file = file.iter();
    file.map(|(name, tensor)| (format!("{prefix}{name}"), tensor.clone()))
        .collect()
}

#[test]
fn two_names_of_one_tensor_are_an_error_that_has_both() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twice.safetensors");
    let device = Device::default();
    let config = VitConfig {
        depth: 1,
        ..VitConfig::vit_tiny([1, 14, 14])
    };
    let model = || config.init(&device).unwrap();
    let whole = tensors(&model().to_safetensors().unwrap());
    let names = ["classifier.weight", "heads.head.weight"];
    let attention = "encoder.layers.encoder_layer_0.self_attention.";
    for (other, of) in [
        (names[0].to_owned(), names[1].to_owned()),
        (
            "vit.layernorm.bias".to_owned(),
            "encoder.ln.bias".to_owned(),
        ),
    ] {
        let mut file = whole.clone();
        file.insert(other.clone(), file[&of].clone());
        write(&path, &file);
        let text = refusal(&StateDict::open(&path), model()).to_string();
        for name in [&other, &of] {
            assert!(text.contains(name), "expected {name} in: {text}");
        }
        assert!(text.contains("only one of them"), "{text}");
    }
    // Beside the part that is loaded, two names do not matter.
    let mut file = below(&whole, "chosen.");
    file.extend(below(&whole, "other."));
    file.insert(
        "other.classifier.bias".to_owned(),
        whole["heads.head.bias"].clone(),
    );
    write(&path, &file);
    let part = |part: &str| StateDict::open(&path).part(part);
    part("chosen").apply_to(model()).unwrap();
    let text = refusal(&part("other"), model()).to_string();
    assert!(text.contains("other.classifier.bias"), "{text}");
    // The tensor of the three projections beside its parts.
    let mut file = whole.clone();
    for part in ["query", "key", "value"] {
        let (shape, bytes) = &whole[&format!("{attention}in_proj_bias")];
        let third = (vec![shape[0] / 3], bytes[..bytes.len() / 3].to_vec());
        file.insert(format!("{attention}{part}.bias"), third);
    }
    write(&path, &file);
    let text = refusal(&StateDict::open(&path), model()).to_string();
    assert!(
        text.contains("self_attention.query.bias") && text.contains("in_proj_bias"),
        "{text}"
    );
    // A nested dictionary beside a dotted name. Two numbers of one name do not matter, wherever they come.
    for _ in 0..10 {
        let text = refusal(&StateDict::open(fixture("twice.pth")), network()).to_string();
        assert!(text.contains("two entries have the name fc.bias"), "{text}");
    }
}

#[test]
fn a_head_in_a_wrapper_loads_and_another_head_needs_one_option() {
    assert_loads(StateDict::open(fixture("wrapped-head.pth")));

    let deeper = || StateDict::open(fixture("deeper-head.pth"));
    let error = refusal(&deeper(), network());
    let StateDictError::Mismatch { allow, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(*allow, [Difference::Head]);
    let drawn = network();
    let before = tensors(&drawn.to_safetensors().unwrap());
    let (model, applied) = deeper().allow([Difference::Head]).apply_to(drawn).unwrap();
    assert!(applied.last_layer_kept);
    let after = tensors(&model.to_safetensors().unwrap());
    for (name, tensor) in original("plain.safetensors") {
        let expected = match name.starts_with("fc.") {
            true => &before[&name],
            false => &tensor,
        };
        assert_eq!(after[&name], *expected, "{name}");
    }
}

#[test]
fn tensors_beside_the_network_need_one_option() {
    let extra = || StateDict::open(fixture("extra.pth"));
    let error = refusal(&extra(), network());
    let text = error.to_string();
    assert!(text.ends_with("unused: projection.weight"), "{text}");
    let StateDictError::Mismatch { allow, .. } = error else {
        panic!("{text}");
    };
    assert_eq!(allow, [Difference::Unused]);
    let file = extra().allow([Difference::Unused]);
    let applied = assert_loads(file);
    assert_eq!(applied.mismatch.unused, ["projection.weight"]);
}

#[test]
fn a_file_of_which_nothing_fits_is_refused_whatever_is_allowed() {
    let everything = [
        Difference::Head,
        Difference::Missing,
        Difference::Unused,
        Difference::Shapes,
    ];
    let file = StateDict::open(fixture("spiking.safetensors")).allow(everything);
    let error = refusal(&file, network());
    assert!(matches!(error, StateDictError::Mismatch { allow, .. } if allow.is_empty()));
    // Both sides of the difference are named.
    let file = StateDict::open(fixture("plain.pth"));
    let text = refusal(&file, spiking(0.75, 1.0)).to_string();
    assert!(
        text.contains("missing: classifier.0.weight") && text.contains("unused: bn1.bias"),
        "{text}"
    );
}

#[test]
fn weights_load_whatever_the_dropout() {
    let mlp = |dropout| {
        // Two layers of the same shape, which only their order tells apart.
        let config = MlpConfig::new(vec![4, 5, 5, 5, 3]).with_dropout(dropout);
        config.init(&Device::default())
    };
    let saved = mlp(0.5);
    let content = saved.to_safetensors().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    fs::write(&path, &content).unwrap();
    let (loaded, _) = StateDict::open(&path).apply_to(mlp(0.0)).unwrap();
    assert_eq!(
        tensors(&loaded.to_safetensors().unwrap()),
        tensors(&content)
    );

    // A network in PyTorch without dropout numbers its layers 0, 2, 4, 6; older runs of ours did, too.
    let all = tensors(&content);
    let renumbered: BTreeMap<String, (Vec<usize>, Vec<u8>)> = all
        .iter()
        .map(|(name, tensor)| {
            let parts: Vec<&str> = name.split('.').collect();
            let index: usize = parts[1].parse().unwrap();
            let name = format!("classifier.{}.{}", index / 3 * 2, parts[2]);
            (name, tensor.clone())
        })
        .collect();
    write(&path, &renumbered);
    let (loaded, _) = StateDict::open(&path).apply_to(mlp(0.5)).unwrap();
    assert_eq!(tensors(&loaded.to_safetensors().unwrap()), all);

    // Also if the last layer has other classes.
    let config = MlpConfig::new(vec![4, 5, 5, 5, 7]);
    let (_, applied) = StateDict::open(&path)
        .apply_to(config.init(&Device::default()))
        .unwrap();
    assert!(applied.last_layer_kept);
}

fn write(path: &Path, tensors: &BTreeMap<String, (Vec<usize>, Vec<u8>)>) {
    let views = tensors.iter().map(|(name, (shape, bytes))| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
        (name.as_str(), view)
    });
    safetensors::serialize_to_file(views, None, path).unwrap();
}

#[test]
fn layers_without_a_single_order_are_not_guessed() {
    let layer = |seed: f32| (vec![5, 5], [seed.to_le_bytes(); 25].concat());
    let bias = || (vec![5], vec![0; 20]);
    let mut file = BTreeMap::new();
    for (index, name) in ["first", "second", "third"].into_iter().enumerate() {
        file.insert(format!("{name}.weight"), layer(index as f32));
        file.insert(format!("{name}.bias"), bias());
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("named.safetensors");
    write(&path, &file);
    let model = || MlpConfig::new(vec![5, 5, 5, 5]).init(&Device::default());
    let error = refusal(&StateDict::open(&path), model());
    assert!(error.to_string().contains("missing: "), "{error}");
}

#[test]
fn numbers_that_no_weight_can_have_are_refused_with_the_tensor() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    for (tensor, number, words) in [
        ("layer1.0.conv1.weight", f32::NAN, "holds NaN"),
        ("fc.bias", f32::INFINITY, "holds an infinite number"),
        ("bn1.running_var", -1.0, "no variance is negative"),
    ] {
        let mut file = original("plain.safetensors");
        let (_, bytes) = file.get_mut(tensor).unwrap();
        bytes[4..8].copy_from_slice(&number.to_le_bytes());
        write(&path, &file);
        assert_refused(&path, &[&format!("{tensor} holds"), words]);
    }
}

#[test]
fn weights_of_snntorch_and_spikingjelly_load_and_their_neurons_are_compared() {
    let expected = original("spiking.safetensors");
    for name in [
        "snntorch.pth",
        "spikingjelly.pth",
        "spikingjelly-learned.pth",
    ] {
        let file = StateDict::open(fixture(name));
        let (model, applied) = file.apply_to(spiking(0.75, 1.0)).unwrap();
        assert_eq!(applied.mismatch, Default::default(), "{name}");
        let found = tensors(&model.to_safetensors().unwrap());
        assert_eq!(found, expected, "{name}");
    }
    for (name, beta, threshold, words) in [
        (
            "snntorch.pth",
            0.9,
            1.0,
            "lif1.beta means beta 0.75, the settings say 0.9",
        ),
        (
            "snntorch.pth",
            0.75,
            0.5,
            "lif1.threshold means threshold 1, the settings say 0.5",
        ),
        (
            "snntorch-zero.pth",
            0.75,
            1.0,
            "lif1.reset_mechanism_val means the reset mechanism (0: subtraction) 1",
        ),
        (
            "snntorch-synaptic.pth",
            0.75,
            1.0,
            "lif1.alpha means the decay of a synaptic current 0.5, the settings say 0",
        ),
        (
            "spikingjelly-learned.pth",
            0.9,
            1.0,
            "2.w means beta 0.75, the settings say 0.9",
        ),
    ] {
        let error = refusal(&StateDict::open(fixture(name)), spiking(beta, threshold));
        let text = error.to_string();
        assert!(text.contains(words), "expected \"{words}\" in: {text}");
    }
}

#[test]
fn what_is_no_file_of_weights_is_named() {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let cases: [(&str, &[u8], &str); 6] = [
        ("empty.pth", b"", "an empty file"),
        (
            "pointer.pth",
            b"version https://git-lfs.github.com/spec/v1\n",
            "git lfs pull",
        ),
        ("page.pth", b"<!DOCTYPE html>", "a web page"),
        ("packed.pth", b"\x1f\x8b\x08\x00", "gzip"),
        ("text.safetensors", b"not a tensor", "another format"),
        ("number.pth", b"\x80\x02K\x01.", "Expected a dictionary"),
    ];
    for (name, content, words) in cases {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        assert_refused(path, &[name, words]);
    }
    assert_refused(folder.path(), &["found a folder"]);
    assert_refused(folder.path().join("none.pth"), &["none.pth"]);
}

#[test]
fn an_entry_is_read_as_far_as_it_claims_and_no_further() {
    assert_refused(
        fixture("inflating.pth"),
        &["conv1.weight", "larger than its declared"],
    );
}

/// Damaged files: cut, with flipped bits, with bytes of another place.
fn damaged(original: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut file = original.to_vec();
    let place = |random: &mut StdRng| random.random_range(0..original.len());
    match random.random_range(0..4) {
        0 => file.truncate(place(random)),
        1 => {
            let at = place(random);
            file[at] ^= 1 << random.random_range(0..8);
        }
        2 => {
            let at = place(random);
            let end = (at + 8).min(file.len());
            random.fill(&mut file[at..end]);
        }
        _ => {
            let (from, to) = (place(random), place(random));
            let length = 16.min(file.len() - from.max(to));
            file.copy_within(from..from + length, to);
        }
    }
    file
}

/// Whether a file holds weights of the spiking network.
fn is_spiking(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    name.starts_with("spiking") || name.starts_with("snntorch")
}

/// Fixtures that are refused whatever differences are allowed.
const REFUSED: [&str; 5] = [
    "inflating.pth",
    "snntorch-synaptic.pth",
    "snntorch-zero.pth",
    "twice.pth",
    "two.pth",
];

/// Loads damaged files. Each loads or is refused in a line.
#[test]
#[ignore = "run by damaged_files_cost_neither_the_program_nor_its_memory, in little memory"]
fn damaged_files_are_refused() {
    let mut random = StdRng::seed_from_u64(13);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged");
    let mut names: Vec<PathBuf> = fs::read_dir(FOLDER)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none_or(|ending| ending != "py"))
        .collect();
    names.sort();
    let (network, spiking) = (network(), spiking(0.75, 1.0));
    let mut refused = 0;
    for name in &names {
        // Undamaged, each loads, or could with differences allowed, or is refused as it was made to be.
        let error = match is_spiking(name) {
            true => StateDict::open(name).apply_to(spiking.clone()).err(),
            false => StateDict::open(name).apply_to(network.clone()).err(),
        };
        let could_load = match &error {
            None => true,
            Some(StateDictError::Mismatch { allow, .. }) => !allow.is_empty(),
            Some(_) => false,
        };
        let is_refused = REFUSED.iter().any(|refused| name.ends_with(refused));
        assert_ne!(could_load, is_refused, "{}: {error:?}", name.display());
        let original = fs::read(name).unwrap();
        for number in 0..60 {
            fs::write(&path, damaged(&original, &mut random)).unwrap();
            let file = StateDict::open(&path);
            let error = match is_spiking(name) {
                true => file.apply_to(spiking.clone()).err(),
                false => file.apply_to(network.clone()).err(),
            };
            if let Some(error) = error {
                refused += 1;
                let text = error.to_string();
                let short = text.lines().count() == 1 && text.chars().count() < 1000;
                assert!(short, "{}, {number}: {text}", name.display());
            }
        }
    }
    let all = 60 * names.len();
    println!("{all} damaged files, {refused} refused");
    assert!(all >= 1000 && refused > all / 4);
}

#[cfg(target_os = "linux")]
#[test]
fn damaged_files_cost_neither_the_program_nor_its_memory() {
    let program = std::env::current_exe().unwrap();
    let test = "weights::damaged_files_are_refused";
    // Less than 256 MB of address space beside what the program itself takes.
    let script = format!(
        "ulimit -v 320000; exec \"$0\" --exact {test} --ignored --nocapture --test-threads 1"
    );
    let mut limited = Command::new("sh");
    limited
        .args(["-c", &script])
        .arg(program)
        .env("RAYON_NUM_THREADS", "1")
        .env("MALLOC_ARENA_MAX", "1");
    let output = limited.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}
