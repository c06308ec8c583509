//! Numbers in tensors of a file: converted to the model's type, and refused where no weight can have them.

use burn::{
    store::burn_pack::Tensor as StoredTensor,
    tensor::{DType, TensorData, bf16, f16},
};

use super::{error::one_line, names};

/// The tensor's numbers in the type `dtype`. `name` is PyTorch's.
///
/// # Errors
///
/// What is wrong with the numbers, or with the file at their place.
pub(super) fn converted(
    name: &str,
    tensor: &StoredTensor,
    dtype: DType,
) -> Result<TensorData, String> {
    let bytes = tensor
        .to_bytes()
        .map_err(|error| one_line(&format!("cannot be read: {error}")))?;
    let variance = names::split(name).1 == "running_var";
    let data = match dtype {
        DType::F64 => TensorData::new(
            checked(&bytes, tensor.dtype, variance, |number| number)?,
            tensor.shape.clone(),
        ),
        _ => TensorData::new(
            checked(&bytes, tensor.dtype, variance, |number| number as f32)?,
            tensor.shape.clone(),
        ),
    };
    data.try_cast(dtype).map_err(|error| error.to_string())
}

/// The numbers of a small tensor, such as a constant of spiking neurons.
pub(super) fn numbers(tensor: &StoredTensor) -> Result<Vec<f64>, String> {
    let bytes = tensor
        .to_bytes()
        .map_err(|error| one_line(&format!("cannot be read: {error}")))?;
    match tensor.dtype {
        DType::I64 => Ok(each(&bytes, |bytes| i64::from_le_bytes(bytes) as f64)),
        dtype => checked(&bytes, dtype, false, |number| number),
    }
}

fn checked<T>(
    bytes: &[u8],
    dtype: DType,
    variance: bool,
    convert: impl Fn(f64) -> T,
) -> Result<Vec<T>, String>
where
    T: Copy + Into<f64>,
{
    let mut fault = None;
    let mut check = |number: f64| {
        let converted = convert(number);
        let refused = match number {
            number if number.is_nan() => Some("holds NaN".to_owned()),
            number if number.is_infinite() => Some("holds an infinite number".to_owned()),
            _ if !converted.into().is_finite() => {
                Some(format!("holds {number:e}, which is too large"))
            }
            number if variance && number < 0.0 => {
                Some(format!("holds {number}, and no variance is negative"))
            }
            _ => None,
        };
        if fault.is_none() {
            fault = refused;
        }
        converted
    };
    let numbers = match dtype {
        DType::F64 => each(bytes, |bytes| check(f64::from_le_bytes(bytes))),
        DType::F32 => each(bytes, |bytes| check(f32::from_le_bytes(bytes).into())),
        DType::F16 => each(bytes, |bytes| check(f16::from_le_bytes(bytes).into())),
        DType::BF16 => each(bytes, |bytes| check(bf16::from_le_bytes(bytes).into())),
        other => return Err(format!("holds {other:?}, no floating-point numbers")),
    };
    match fault {
        Some(fault) => Err(fault),
        None => Ok(numbers),
    }
}

fn each<const N: usize, T>(bytes: &[u8], mut number: impl FnMut([u8; N]) -> T) -> Vec<T> {
    let (numbers, _) = bytes.as_chunks::<N>();
    numbers.iter().map(|bytes| number(*bytes)).collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Bytes;

    use super::*;

    fn stored(bytes: Vec<u8>, dtype: DType) -> StoredTensor {
        let shape = vec![bytes.len() / dtype.size()];
        let bytes = Bytes::from_bytes_vec(bytes);
        StoredTensor::new("t".to_owned(), dtype, shape, None, bytes)
    }

    #[test]
    fn every_float_becomes_the_number_that_it_is() {
        let expected = [1.5_f32, -0.25, 0.0];
        let of = |bytes: Vec<u8>, dtype| {
            let data = converted("a.weight", &stored(bytes, dtype), DType::F32).unwrap();
            data.try_to_vec::<f32>().unwrap()
        };
        let numbers = expected.map(f64::from);
        let f64s = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        assert_eq!(of(f64s, DType::F64), expected);
        let f16s = expected
            .iter()
            .flat_map(|n| f16::from_f32(*n).to_le_bytes());
        assert_eq!(of(f16s.collect(), DType::F16), expected);
        let bf16s = expected
            .iter()
            .flat_map(|n| bf16::from_f32(*n).to_le_bytes());
        assert_eq!(of(bf16s.collect(), DType::BF16), expected);
    }

    #[test]
    fn numbers_that_no_weight_can_have_are_refused() {
        let refusal = |name: &str, number: f64| {
            let tensor = stored(number.to_le_bytes().to_vec(), DType::F64);
            converted(name, &tensor, DType::F32).unwrap_err()
        };
        assert_eq!(refusal("a.weight", f64::NAN), "holds NaN");
        assert!(refusal("a.weight", f64::NEG_INFINITY).contains("infinite"));
        assert!(refusal("a.weight", 1e300).contains("1e300, which is too large"));
        assert!(refusal("bn.running_var", -0.5).contains("-0.5, and no variance is negative"));
        let tensor = stored(vec![0; 8], DType::I64);
        let error = converted("a.weight", &tensor, DType::F32).unwrap_err();
        assert!(error.contains("I64, no floating-point"), "{error}");
    }
}
