"""Writes the corpus but for `conformance`, `parquet`, `settings` and `state_dict`, which are copies. Needs NumPy, and Pillow for the images."""

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
rows = [",".join([str(row % 2)] + [str(i % 7) for i in range(256)]) for row in range(4)]
write("table/digits", "\n".join([header, *rows, ""]).encode())
write("table/kaggle", b"id,label\r\n1,frog\r\n2,\"truck\"\r\n3,frog\r\n")
lesions = [f"\"ISIC_{1 + i}\";{(i + 1) % 2}.0;{i % 2}.0\n" for i in range(4)]
write("table/isic", b"\xef\xbb\xbfimage;MEL;NV\n" + "".join(lesions).encode())
write("table/cub-images", b"1 1.A/1.jpg\n2 1.A/2.jpg\n3 2.B/1.jpg\n4 2.B/2.jpg\n")
write("table/cub-labels", b"1 1\r\n2 1\r\n3 2\r\n4 2\r\n")
write("table/cub-split", b"1\t1\n2\t0\n3\t1\n4\t0\n")

colours = np.arange(16 * 12 * 3).reshape(12, 16, 3) % 251
image = Image.fromarray(colours.astype(np.uint8))
for name, options in [
    ("baseline.jpg", {}),
    ("progressive.jpg", {"progressive": True}),
    ("rgb.png", {}),
    ("image.bmp", {}),
    ("image.ppm", {}),
    ("image.tif", {}),
    ("lzw.tif", {"compression": "tiff_lzw"}),
    ("deflate.tif", {"compression": "tiff_adobe_deflate"}),
    ("jpeg.tif", {"compression": "jpeg"}),
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
