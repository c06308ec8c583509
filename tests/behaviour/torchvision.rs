//! Our networks and torchvision's: the same weights, the same logits; see `tests/torchvision/generate.py`.

use std::{collections::BTreeMap, path::PathBuf};

use burn::tensor::{Device, Tensor};
use lfp_burn::ActivationFn;
use lfp_models::{
    Classifier, Difference, ResNet, ResNetConfig, StateDict, StateDictError, Vgg, VggConfig, Vit,
    VitConfig,
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use tempfile::TempDir;

use crate::{convolutions, tensor, values};

/// How far a logit may be from torchvision's. With Burn's convolutions: a fraction of itself. With Winograd's algorithm: a
/// fraction of the largest logit, because the rounding errors of a tile are those of its largest pixel.
fn tolerance(logit: f64, largest: f64) -> f64 {
    match convolutions::are_burns() {
        true => 2e-5 * logit.abs().max(1.0),
        false => 5e-6 * largest,
    }
}

fn fixture(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/torchvision");
    PathBuf::from(folder).join(name)
}

/// Torchvision's logits, row by row.
fn expected(name: &str) -> Vec<f64> {
    let json = std::fs::read_to_string(fixture("logits.json")).unwrap();
    let mut all: BTreeMap<String, Vec<Vec<f64>>> = serde_json::from_str(&json).unwrap();
    all.remove(name).expect("a known network").concat()
}

/// Numbers from -1 to 1, by a name: SplitMix64 from the name's FNV-1a.
pub(crate) fn uniform(name: &str, count: usize) -> impl Iterator<Item = f32> {
    let seed = name.bytes().fold(0xCBF2_9CE4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    });
    (1..=count as u64).map(move |index| {
        let mut bits = seed.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        ((bits >> 40) as f64 / f64::from(1u32 << 23) - 1.0) as f32
    })
}

/// The weights of `generate.py`.
fn weight(name: &str, shape: &[usize]) -> Vec<f32> {
    let numbers = uniform(name, shape.iter().product());
    let fan_in: usize = shape[1..].iter().product();
    if name.ends_with("running_var") {
        numbers.map(|number| 1.0 + 0.5 * number).collect()
    } else if shape.len() > 1 {
        let scale = (6.0 / fan_in as f64).sqrt() as f32;
        numbers.map(|number| number * scale).collect()
    } else if name.ends_with("weight") {
        numbers.map(|number| 1.0 + 0.1 * number).collect()
    } else {
        numbers.map(|number| 0.1 * number).collect()
    }
}

/// A model with weights computed from PyTorch's names and shapes, which come to it in a file.
pub(crate) fn with_weights<M: Classifier>(
    model: M,
    weight: impl Fn(&str, &[usize]) -> Vec<f32>,
) -> M {
    let own = model.to_safetensors().unwrap();
    let own = SafeTensors::deserialize(&own).unwrap();
    let computed: Vec<_> = own
        .iter()
        .map(|(name, view)| {
            let numbers = weight(name, view.shape());
            let bytes: Vec<u8> = numbers
                .iter()
                .flat_map(|number| number.to_le_bytes())
                .collect();
            (name.to_owned(), view.shape().to_vec(), bytes)
        })
        .collect();
    let views = computed.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
        (name.as_str(), view)
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    safetensors::serialize_to_file(views, None, &path).unwrap();
    StateDict::open(path).apply_to(model).unwrap().0
}

pub(crate) fn images(size: usize, device: &Device) -> Tensor<4> {
    let shape = [2, 3, size, size];
    let pixels: Vec<f64> = uniform("input", shape.iter().product())
        .map(f64::from)
        .collect();
    tensor(&pixels, shape, device)
}

#[track_caller]
fn assert_logits(name: &str, logits: Tensor<2>) {
    let found = values(logits);
    let expected = expected(name);
    assert_eq!(found.len(), expected.len(), "{name}: number of logits");
    let largest = expected
        .iter()
        .fold(0.0, |most: f64, logit| most.max(logit.abs()));
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs();
        assert!(
            error <= tolerance(expected, largest),
            "{name}: expected {expected}, found {found}"
        );
    }
}

fn assert_vgg(name: &str, config: &VggConfig, size: usize) {
    let device = Device::default();
    let model = with_weights(config.init(&device), weight);
    assert_logits(name, model.forward(images(size, &device)));
}

fn assert_resnet(name: &str, config: &ResNetConfig, size: usize) {
    let device = Device::default();
    let model = with_weights(config.init(&device), weight);
    assert_logits(name, model.forward(images(size, &device)));
}

fn assert_vit(name: &str, config: &VitConfig) {
    let device = Device::default();
    let model = with_weights(config.init(&device).unwrap(), weight);
    assert_logits(name, model.forward(images(config.image_size[0], &device)));
}

fn narrow_vgg() -> VggConfig {
    VggConfig::new(vec![vec![4], vec![8]], vec![16])
        .with_image_size([16, 16])
        .with_num_classes(5)
}

fn narrow_resnet() -> ResNetConfig {
    ResNetConfig::new(vec![1, 1], vec![4, 8])
        .with_large_images(false)
        .with_num_classes(5)
}

fn narrow_vit() -> VitConfig {
    VitConfig::new(8, 8, 2, 2, 32)
        .with_image_size([16, 16])
        .with_num_classes(5)
}

#[test]
fn vgg_like_networks_say_what_torchvisions_say() {
    assert_vgg("vgg-like", &VggConfig::vgg_like(), 32);
    assert_vgg("vgg-like-bn", &VggConfig::vgg_like_bn(), 32);
}

#[test]
fn vgg_16_says_what_torchvisions_says() {
    // Narrow dense layers: most of the network's weights, and the least to see.
    let narrow = |config: VggConfig| {
        let config = config.with_image_size([64, 64]).with_num_classes(10);
        VggConfig {
            hidden: vec![256, 128],
            ..config
        }
    };
    assert_vgg("vgg16", &narrow(VggConfig::vgg16()), 64);
    assert_vgg("vgg16-bn", &narrow(VggConfig::vgg16_bn()), 64);
}

#[test]
fn resnets_say_what_torchvisions_say() {
    let ten = |config: ResNetConfig| config.with_num_classes(10);
    assert_resnet("resnet18", &ten(ResNetConfig::resnet18()), 64);
    assert_resnet("resnet34", &ten(ResNetConfig::resnet34()), 64);
    assert_resnet("resnet32", &ResNetConfig::resnet32(), 32);
}

#[test]
fn vision_transformers_say_what_torchvisions_say() {
    // A quarter of the width of the base size: its 86 million weights would take most of the time.
    let narrow = |config: VitConfig| VitConfig {
        width: 192,
        mlp_width: 768,
        ..config.with_image_size([64, 64]).with_num_classes(10)
    };
    assert_vit("vit-b-16", &narrow(VitConfig::vit_b_16()));
    assert_vit("vit-b-32", &narrow(VitConfig::vit_b_32()));
    assert_vit("vit-tiny", &VitConfig::vit_tiny([3, 32, 32]));
}

#[test]
fn so_they_do_with_any_activation() {
    for activation in [
        ActivationFn::Relu,
        ActivationFn::Silu,
        ActivationFn::Elu { alpha: 1.0 },
        ActivationFn::Tanh,
        ActivationFn::Sigmoid,
    ] {
        let name = activation.name();
        let vgg = narrow_vgg().with_activation(activation);
        assert_vgg(&format!("narrow-vgg-{name}"), &vgg, 16);
        let resnet = narrow_resnet().with_activation(activation);
        assert_resnet(&format!("narrow-resnet-{name}"), &resnet, 16);
    }
}

/// The small networks with the weights that torch drew and saved.
fn loaded(ending: &str) -> (Vgg, ResNet, Vit) {
    let device = Device::default();
    let open = |name: &str| StateDict::open(fixture(&format!("{name}.{ending}")));
    let vgg = open("narrow-vgg")
        .apply_to(narrow_vgg().init(&device))
        .unwrap();
    let resnet = open("narrow-resnet")
        .apply_to(narrow_resnet().init(&device))
        .unwrap();
    let vit = narrow_vit().init(&device).unwrap();
    let vit = open("narrow-vit").apply_to(vit).unwrap();
    assert!(!vgg.1.last_layer_kept && !resnet.1.last_layer_kept && !vit.1.last_layer_kept);
    (vgg.0, resnet.0, vit.0)
}

#[test]
fn files_of_pytorch_and_of_safetensors_are_read() {
    for ending in ["pth", "safetensors"] {
        let (vgg, resnet, vit) = loaded(ending);
        let images = images(16, &Device::default());
        assert_logits("narrow-vgg-file", vgg.forward(images.clone()));
        assert_logits("narrow-resnet-file", resnet.forward(images.clone()));
        assert_logits("narrow-vit-file", vit.forward(images));
    }
}

#[test]
fn vision_transformers_of_hugging_face_are_read() {
    let device = Device::default();
    let model = narrow_vit().init(&device).unwrap();
    let file = StateDict::open(fixture("hugging-face-vit.safetensors"));
    let (model, applied) = file.apply_to(model).unwrap();
    assert!(!applied.last_layer_kept && applied.mismatch == Default::default());
    assert_logits("hugging-face-vit", model.forward(images(16, &device)));
}

/// Torchvision's published files have the names of its first version.
#[test]
fn files_of_torchvisions_first_vision_transformers_are_read() {
    let file = std::fs::read(fixture("narrow-vit.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&file).unwrap();
    let first = |name: &str| {
        let name = name.replace("mlp.0.", "mlp.linear_1.");
        name.replace("mlp.3.", "mlp.linear_2.")
    };
    let tensors = file.iter().map(|(name, view)| (first(name), view));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("first.safetensors");
    safetensors::serialize_to_file(tensors, None, &path).unwrap();
    let device = Device::default();
    let model = narrow_vit().init(&device).unwrap();
    let (model, _) = StateDict::open(path).apply_to(model).unwrap();
    assert_logits("narrow-vit-file", model.forward(images(16, &device)));
}

#[test]
fn differences_in_stacked_tensors_are_named_as_in_the_file() {
    let wider = VitConfig {
        width: 12,
        ..narrow_vit()
    };
    let model = wider.init(&Device::default()).unwrap();
    let file = StateDict::open(fixture("narrow-vit.safetensors"));
    let error = file.apply_to(model).unwrap_err();
    let StateDictError::Mismatch { mismatch, .. } = &error else {
        panic!("{error}");
    };
    let name = "encoder.layers.encoder_layer_0.self_attention.in_proj_weight";
    let shape = (name.to_owned(), vec![36, 12], vec![24, 8]);
    assert!(mismatch.shapes.contains(&shape), "{error}");
    assert!(
        mismatch.missing.is_empty() && mismatch.unused.is_empty(),
        "{error}"
    );

    let deeper = VitConfig {
        depth: 3,
        ..narrow_vit()
    };
    let model = deeper.init(&Device::default()).unwrap();
    let error = file.apply_to(model).unwrap_err();
    let StateDictError::Mismatch { mismatch, .. } = &error else {
        panic!("{error}");
    };
    let name = "encoder.layers.encoder_layer_2.self_attention.in_proj_bias";
    assert!(mismatch.missing.contains(&name.to_owned()), "{error}");
    assert_eq!(mismatch.missing.len(), 12, "{error}");
}

#[test]
fn what_is_written_is_what_torch_wrote() {
    let (vgg, resnet, vit) = loaded("pth");
    let written = [
        ("narrow-vgg", vgg.to_safetensors().unwrap()),
        ("narrow-resnet", resnet.to_safetensors().unwrap()),
        ("narrow-vit", vit.to_safetensors().unwrap()),
    ];
    for (name, written) in written {
        let original = std::fs::read(fixture(&format!("{name}.safetensors"))).unwrap();
        let tensors = |file: &[u8]| {
            let file = SafeTensors::deserialize(file).unwrap();
            let tensors = file
                .iter()
                .filter(|(name, _)| !name.ends_with("num_batches_tracked"));
            let tensors = tensors.map(|(name, view)| {
                (
                    name.to_owned(),
                    (view.shape().to_vec(), view.data().to_vec()),
                )
            });
            tensors.collect::<BTreeMap<_, _>>()
        };
        assert_eq!(tensors(&written), tensors(&original), "{name}");
    }
}

#[test]
fn another_number_of_classes_leaves_the_last_layer_drawn() {
    let device = Device::default();
    let model = narrow_resnet().with_num_classes(7).init(&device);
    let drawn = model.to_safetensors().unwrap();
    let file = StateDict::open(fixture("narrow-resnet.pth"));
    let (model, applied) = file.apply_to(model).unwrap();
    assert!(applied.last_layer_kept);
    let (before, after) = (drawn, model.to_safetensors().unwrap());
    let (before, after) = (
        SafeTensors::deserialize(&before).unwrap(),
        SafeTensors::deserialize(&after).unwrap(),
    );
    let same = |name| before.tensor(name).unwrap().data() == after.tensor(name).unwrap().data();
    assert!(same("fc.weight") && same("fc.bias"));
    assert!(!same("conv1.weight") && !same("layer2.0.bn2.running_var"));
    assert_eq!(model.forward(images(16, &device)).dims(), [2, 7]);
}

#[test]
fn every_difference_is_named_unless_it_is_allowed() {
    let device = Device::default();
    // A block more than the file, and a stage that is wider.
    let other = || {
        ResNetConfig::new(vec![2, 1], vec![4, 6])
            .with_large_images(false)
            .with_num_classes(5)
            .init(&device)
    };
    let file = || StateDict::open(fixture("narrow-resnet.pth"));
    let error = file().apply_to(other()).unwrap_err();
    let StateDictError::Mismatch { mismatch, .. } = &error else {
        panic!("{error}");
    };
    assert!(
        mismatch
            .missing
            .contains(&"layer1.1.conv1.weight".to_owned())
    );
    assert!(mismatch.unused.is_empty());
    let shape = ("layer2.0.bn1.weight".to_owned(), vec![6], vec![8]);
    assert!(mismatch.shapes.contains(&shape), "{error}");
    let text = error.to_string();
    assert!(text.contains("narrow-resnet.pth") && text.contains("layer1.1.conv1.weight"));
    assert!(
        text.contains("layer2.0.bn1.weight (expected [6], found [8])"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1);

    let lenient = file().allow([Difference::Missing, Difference::Shapes]);
    let (_, applied) = lenient.apply_to(other()).unwrap();
    assert_eq!(applied.mismatch, **mismatch);

    let error = file().apply_to(narrow_vgg().init(&device)).unwrap_err();
    assert!(error.to_string().contains("unused: "), "{error}");
}

#[test]
fn a_file_that_is_none_is_named() {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let whole = std::fs::read(fixture("narrow-vgg.pth")).unwrap();
    let cases = [
        ("torn.pth", &whole[..whole.len() / 2]),
        ("text.safetensors", b"not a tensor".as_slice()),
        ("weights.onnx", b"".as_slice()),
    ];
    for (name, content) in cases {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let model = narrow_vgg().init(&Device::default());
        let error = StateDict::open(&path)
            .apply_to(model)
            .unwrap_err()
            .to_string();
        assert!(error.contains(name), "{error}");
    }
    let model = narrow_vgg().init(&Device::default());
    let error = StateDict::open("nowhere.pth").apply_to(model).unwrap_err();
    assert!(error.to_string().contains("nowhere.pth"), "{error}");
}
