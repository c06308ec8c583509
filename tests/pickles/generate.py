"""Writes pickled batches of CIFAR as Python 2 and 3, NumPy 1 and 2, and people's scripts write them.

Two images each, of which byte `i` is `i % 251`, with the labels 3 and 8. The pixels are compressible, so the files are kept
compressed: `python generate.py` needs NumPy.
"""

import gzip
import io
import pickle

import numpy as np

pixels = np.arange(2 * 3072).reshape(2, 3072) % 251
pixels = pixels.astype(np.uint8)
LABELS = {
    "list": [3, 8],
    "tuple": (3, 8),
    "int64": np.array([3, 8]),
    "int32-big-endian": np.array([3, 8], dtype=">i4"),
    "uint8": np.array([3, 8], dtype=np.uint8),
    "numpy-numbers": [np.int64(3), np.uint8(8)],
    "column": np.array([[3], [8]]),
}


def write(name, value, protocol, rename=None):
    content = pickle.dumps(value, protocol=protocol)
    if rename is not None:
        content = content.replace(*rename)
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, filename="") as file:
        file.write(content)
    with open(name + ".pickle.gz", "wb") as file:
        file.write(buffer.getvalue())


def batch(labels=LABELS["list"], data=pixels, key=str):
    entries = {
        "batch_label": "training batch 1 of 5",
        "labels": labels,
        "data": data,
        "filenames": ["a_s_1.png", "b_s_2.png"],
    }
    return {key(name): value for name, value in entries.items()}


def as_bytes(name):
    return name.encode()


for protocol in range(6):
    write(f"text-keys-{protocol}", batch(), protocol)
    write(f"bytes-keys-{protocol}", batch(key=as_bytes), protocol)
    for name in ["int64", "numpy-numbers"]:
        write(f"labels-{name}-{protocol}", batch(LABELS[name]), protocol)
for name, labels in LABELS.items():
    write(f"labels-{name}", batch(labels), 4)
write("images", batch(data=pixels.reshape(2, 3, 32, 32)), 4)
# The modules of NumPy 1 and 2; `pixels` is pickled by the version that is installed.
for old, new in [(b"numpy._core", b"numpy.core"), (b"numpy.core", b"numpy._core")]:
    # Protocol 2 has no lengths before names of modules.
    write(f"module-{new.decode()}", batch(), 2, rename=(old, new))

# What cannot be used, and is refused.
write("refused-float-pixels", batch(data=pixels.astype(np.float32)), 4)
write("refused-column-major", batch(data=np.asfortranarray(pixels)), 4)
write("refused-channels-last", batch(data=pixels.reshape(2, 32, 32, 3)), 4)
write("refused-float-labels", batch(np.array([3.0, 8.0])), 4)
write("refused-strings", batch(["cat", "ship"]), 4)
write("refused-objects", batch(data=np.array([object, object])), 4)
write("refused-list", [batch()], 4)
