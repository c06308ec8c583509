//! File formats that no maintained crate reads the way these data sets need it.
//!
//! A number in a file reserves no memory before it is compared with a stated limit.

#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        reason = "content comes from files"
    )
)]

use std::{io::Read, path::Path};

use super::DataError;
use crate::files::{self, failed};

pub(super) mod idx;
pub(super) mod jpeg;
pub(super) mod parquet;
pub(super) mod photograph;
pub(super) mod pickle;
pub(super) mod table;
mod whole;

/// Reads a regular file of at most `limit` bytes.
pub(super) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, DataError> {
    let file = files::open(path)?;
    let length = file.metadata().map_err(failed("read", path))?.len();
    if length > limit {
        return Err(DataError::too_large(path, limit, length));
    }
    let mut content = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    // The file may grow meanwhile.
    let mut limited = file.take(limit);
    limited
        .read_to_end(&mut content)
        .map_err(failed("read", path))?;
    Ok(content)
}
