use super::*;

fn picture(size: usize) -> Picture {
    let value = |index: usize| ((index * 7919) % 256) as f32 / 255.0;
    Picture {
        size,
        values: (0..3 * size * size).map(value).collect(),
    }
}
