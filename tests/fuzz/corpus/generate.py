"""Writes the corpus but for `conformance` and `settings`, which are copies. Needs NumPy, and Pillow for the images."""

import gzip
import struct
from pathlib import Path

import numpy as np
from PIL import Image

here = Path(__file__).parent


def write(name, content):
    (here / name).write_bytes(content)


digits = struct.pack(">IIII", 0x803, 2, 16, 16) + bytes(i % 251 for i in range(512))
write("idx/digits", digits)
write("idx/digits.gz", gzip.compress(digits, mtime=0))
write("idx/header", digits[:16])

write("cifar_binary/two", bytes((i % 3074 < 2) * 7 or i % 251 for i in range(2 * 3074)))

for name in ["text-keys-0", "text-keys-2", "bytes-keys-3", "text-keys-5", "labels-numpy-numbers-4"]:
    source = here / "../../pickles" / f"{name}.pickle.gz"
    write(f"pickle/{name}", gzip.decompress(source.read_bytes()))

header = ",".join(["label"] + [f"pixel{i}" for i in range(256)])
rows = [",".join([str(row % 10)] + [str(i % 7) for i in range(256)]) for row in range(4)]
write("table/digits", "\n".join([header, *rows, ""]).encode())
write("table/kaggle", b"id,label\r\n1,frog\r\n2,\"truck\"\r\n")
write("table/isic", b"\xef\xbb\xbfimage;MEL;NV\nISIC_1;1.0;0.0\n\"ISIC_2\";0.0;1.0\n")
write("table/cub", b"1 001.Bird/a.jpg\n2 001.Bird/b.jpg\n3 2\n")

colours = np.arange(16 * 12 * 3).reshape(12, 16, 3) % 251
image = Image.fromarray(colours.astype(np.uint8))
for name, options in [
    ("baseline.jpg", {}),
    ("progressive.jpg", {"progressive": True}),
    ("rgb.png", {}),
    ("image.bmp", {}),
    ("image.ppm", {}),
    ("lossy.webp", {}),
    ("lossless.webp", {"lossless": True}),
]:
    image.save(here / "image" / name, **options)
image.convert("P").save(here / "image/palette.png")
image.convert("P").save(here / "image/palette.gif")
image.convert("L").save(here / "image/grey.jpg")
image.convert("CMYK").save(here / "image/cmyk.jpg")
image.convert("RGBA").save(here / "image/rgba.png", interlace=1)
Image.fromarray((colours[..., 0] * 250).astype(np.uint16)).save(here / "image/sixteen-bits.png")
