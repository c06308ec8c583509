"""Writes tables of labelled images as Hugging Face's `datasets` does. Needs PyArrow, NumPy and Pillow."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

here = Path(__file__).parent
image_type = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def png(pixels):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def images(files):
    return pa.array([file and {"bytes": file, "path": None} for file in files], image_type)


def digits(count, side=28):
    row, y, x = np.ogrid[:count, :side, :side]
    return [png(pixels) for pixels in ((37 * row + 5 * y + 3 * x) % 251).astype(np.uint8)]


def colours(count):
    row, y, x, channel = np.ogrid[:count, :32, :32, :3]
    return [png(pixels) for pixels in ((37 * row + 5 * y + 3 * x + 11 * channel) % 251).astype(np.uint8)]


def write(name, columns, **options):
    pq.write_table(pa.table(columns), here / f"{name}.parquet", **options)


labels = pa.array([7, 0, 9, 1])
write("digits", {"image": images(digits(4)), "label": labels})
write("colours", {"img": images(colours(4)), "label": labels, "fine_label": pa.array([99, 0, 50, 1]), "coarse_label": labels})
# Another writer: pages of version 2, rows in several groups, short labels.
plain = {"row_group_size": 3, "data_page_version": "2.0", "use_dictionary": False, "compression": "none"}
write("plain", {"label": labels.cast(pa.int32()), "image": images(digits(4))}, **plain)

# Refused.
write("zstandard", {"image": images(digits(4)), "label": labels}, compression="zstd")
write("missing-image", {"image": images([*digits(3), None]), "label": labels})
write("missing-label", {"image": images(digits(4)), "label": pa.array([7, 0, None, 1])})
write("unlabelled", {"image": images(digits(4)), "label": pa.array([-1, -1, -1, -1])})
write("text-labels", {"image": images(digits(4)), "label": pa.array(["7", "0", "9", "1"])})
write("no-labels", {"image": images(digits(4))})
write("sizes", {"image": images([*digits(3), *digits(1, side=30)]), "label": labels})
# More than 2^30 bytes when decoded.
repeated = {"image": images(digits(1, side=256) * 16385), "label": pa.array([7] * 16385)}
write("repeated", repeated)
write("torn-image", {"image": images([file[:-20] for file in digits(4)]), "label": labels})
