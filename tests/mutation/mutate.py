#!/usr/bin/env python3
"""Runs the program on files and arguments that are changed at random, and counts what it may never do.

    tests/mutation/mutate.py target/debug/lfp-experiments [--inputs 1000] [--seed 1] [--timeout 20]

Counted are panics (exit code 101), aborts (death by a signal), hangs (longer than --timeout seconds) and refusals of more
than three lines. The same seed makes the same inputs. Each finding is printed with its input; --keep FOLDER keeps the
changed files. Exit code 1 if there is any. Needs Python and Linux, no data and no packages.
"""

import argparse
import json
import pathlib
import random
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib

HERE = pathlib.Path(__file__).resolve().parent.parent
# Bytes of address space of the program.
MEMORY = 8 << 30
NUMBERS = ["0", "-1", "-0", "1", "2", "3", "0.5", "1e-300", "1e300", "1e999", "nan", "inf", "-inf", "18446744073709551615",
           "18446744073709551616", "4294967295", "9223372036854775807", "0x10", "1_000", " 1", "", "1e3", "١"]
WORDS = ["", "x", "-", "--", "/", ".", "..", "/dev/null", "/dev/zero", "/nonexistent", "/proc/self/mem", "\x1b[31m", "a\nb", "\u202e",
         "'", '"', ",", ",,", "a,b", "a=b", "mlp-toy,mlp-toy", "é" * 300, "x" * 5000, "%s%n", "$HOME", "0..1", "1..0", "0.5,0.5", "none",
         "relu:1,2,3", "leaky_relu:nan", "elu:1e999", "hardtanh:2,1", "fast-sigmoid:0", "fast-sigmoid:nan", "cuda:99", "flex:1", "auto,auto"]
# Values that --help describes in words.
EXAMPLES = {
    "--activation": ["relu", "sigmoid", "leaky_relu:0.2", "softplus", "gelu"],
    "--device": ["flex", "auto"],
    "--devices": ["flex", "flex,flex"],
    "--freeze": ["conv1", ".*", "head("],
    "--surrogate": ["fast-sigmoid", "fast-sigmoid:10", "none"],
}
# A step of these takes longer than the limit of time.
SLOW = ["vgg16", "vgg16-bn", "resnet34", "vit-b-16", "vit-b-32"]
# They start another program.
LEFT_OUT = ["--vs", "--python"]
# What makes a command short or fail at once, by its first words, unless it is given. RUNS, MNIST and OUT are folders.
COMPLETIONS = {
    "train": {"--epochs": "1", "--model": "mlp-toy", "--dataset": "blobs", "--out": "OUT"},
    "bench step": {"--steps": "1", "--batch": "2", "--model": "mlp"},
    "bench scaling": {"--steps": "1", "--rounds": "1", "--values": "1", "--model": "mlp", "--out": "OUT"},
    "demo cartpole": {"--seeds": "0", "--out": "OUT"},
    "demo acrobot": {"--seeds": "0", "--out": "OUT"},
    "demo": {"--data-dir": "/nonexistent", "--out": "OUT"},
    "prune": {"--checkpoint": "RUNS", "--data-dir": "MNIST", "--out": "OUT"},
    "explain": {"--checkpoint": "RUNS", "--data-dir": "MNIST", "--out": "OUT"},
    "reproduce": {"--data-dir": "/nonexistent", "--seeds": "0", "--out": "OUT"},
    "report": {"--out": "OUT"},
}


def options(text):
    """The options of a help page: lists of possible values, which may be empty; None for flags."""
    found, values = {}, None
    for line in text.splitlines():
        if option := re.match(r" {2,6}(?:-\w, )?(--[a-z0-9-]+)(.*)", line):
            values = [] if "<" in option[2] else None
            found[option[1]] = values
        if values is not None:
            for listed in re.findall(r"\[possible values: (.*?)\]", line):
                values += listed.split(", ")
            if listed := re.match(r" {8,}- ([^\s:]+)", line):
                values.append(listed[1])
    return {name: values for name, values in found.items() if name not in LEFT_OUT}


def commands(program, words=()):
    """Every command that has no further ones, with its options, from the help pages of the program."""
    text = subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True).stdout
    section = re.search(r"^Commands:\n((?: .*\n)+)", text, re.MULTILINE)
    if section is None:
        return [(words, options(text))]
    names = [name for name in re.findall(r"^  (\S+)", section[1], re.MULTILINE) if name != "help"]
    return [found for name in names for found in commands(program, (*words, name))]


def idx(shape, content):
    return struct.pack(">BBBB", 0, 0, 8, len(shape)) + b"".join(struct.pack(">I", of) for of in shape) + content


def png(width, height, seed):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    noise = random.Random(seed)
    rows = b"".join(b"\0" + noise.randbytes(3 * width) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


class Fixtures:
    """Small valid inputs, from which every changed one is made."""

    def __init__(self, program, root):
        self.root = root
        self.commands = commands(program)
        noise = random.Random(0)
        for part, count in [("train", 40), ("t10k", 20)]:
            write(root / "mnist" / f"{part}-images-idx3-ubyte", idx([count, 28, 28], noise.randbytes(count * 784)))
            write(root / "mnist" / f"{part}-labels-idx1-ubyte", idx([count], bytes(i % 10 for i in range(count))))
        for part in ["train", "test"]:
            for label in range(2):
                for number in range(3):
                    write(root / "folder" / part / f"class{label}" / f"{number}.png", png(36, 34, number))
        for case in ["mlp_relu", "conv_max_pool", "spiking_mlp_beta0.3", "attention"]:
            write(root / "cases" / f"{case}.safetensors", (HERE / "cases" / f"{case}.safetensors").read_bytes())
        run = ["train", "--epochs", "2", "--batch", "16", "--device", "flex"]
        for name, options in {
            "lenet": ["--model", "lenet", "--dataset", "mnist", "--data-dir", str(root / "mnist")],
            "snn": ["--model", "snn-mlp", "--steps", "2", "--dataset", "mnist", "--data-dir", str(root / "mnist")],
        }.items():
            ended = subprocess.run([program, *run, *options, "--out", str(root / "runs" / name)], capture_output=True)
            if ended.returncode != 0:
                sys.exit(f"the fixtures cannot be made: {ended.stderr.decode()}")


def change_bytes(random, content):
    content = bytearray(content)
    for _ in range(random.choice([1, 1, 2, 8])):
        at = random.randrange(len(content)) if content else 0
        # The beginning of most files says what is in the rest.
        if random.random() < 0.5:
            at = min(at, random.randrange(200))
        end = min(len(content), at + random.choice([1, 4, 8, 100]))
        kind = random.randrange(8)
        if kind == 0 and content:
            content[at] ^= 1 << random.randrange(8)
        elif kind == 1:
            content[at:end] = b"\xff" * (end - at)
        elif kind == 2:
            content[at:end] = b"\0" * (end - at)
        elif kind == 3:
            del content[at:]
        elif kind == 4:
            del content[at:end]
        elif kind == 5:
            content[at:at] = random.randbytes(random.choice([1, 7, 300]))
        elif kind == 6:
            content[at:at] = content[at:end] * random.choice([1, 50])
        else:
            number = random.choice(NUMBERS).encode()
            content[at:end] = number
    return bytes(content)


def places(value):
    """All members of a JSON value, as pairs of container and key."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    for key, member in list(members):
        yield value, key
        yield from places(member)


def change_json(random, content):
    try:
        value = json.loads(content)
    except ValueError:
        return change_bytes(random, content)
    found = list(places(value))
    for container, key in random.sample(found, min(len(found), random.choice([1, 1, 2, 5]))):
        try:
            kind = random.randrange(4)
            if kind == 0:
                del container[key]
            elif kind == 1 and isinstance(container, dict):
                container[str(key) + random.choice(["x", "s", "_"])] = container.pop(key)
            else:
                container[key] = random.choice([None, -1, 0, 1, 0.5, 1e308, -1e308, 2**64 - 1, 2**63, 10**400, True, "", "x\n\x1b[0m", [], {},
                                                [1] * 1000, {"a": {"a": {}}}, float("nan"), float("inf"), "lenet", "1"])
        except (KeyError, IndexError):
            pass
    return json.dumps(value).encode()


KINDS = ["arguments", "arguments", "arguments", "run_folder", "run_folder", "digits", "photographs", "case", "weights"]


class Inputs:
    """Command lines on changed files."""

    def __init__(self, fixtures, seed, kinds):
        self.fixtures = fixtures
        self.random = random.Random(seed)
        self.kinds = kinds

    def make(self, folder):
        return getattr(self, self.random.choice(self.kinds))(folder)

    def value(self, option, listed):
        if option == "--out":
            # Nothing is written outside the folder of the test.
            return self.random.choice([word for word in WORDS if not word.startswith("/")])
        known = [value for value in [*listed, *EXAMPLES.get(option, [])] if value not in SLOW]
        if known and self.random.random() < 0.7:
            value = self.random.choice(known)
            return value if self.random.random() < 0.9 else f"{value},{self.random.choice(known)}"
        value = self.random.choice(NUMBERS if self.random.random() < 0.6 else WORDS)
        # Figures train for minutes.
        return "0" if option == "--seeds" and value.strip() in ["1", "2", "3"] else value

    def arguments(self, folder):
        words, known = self.random.choice(self.fixtures.commands)
        line, given = list(words), set()
        for option in self.random.sample(sorted(known), min(len(known), self.random.choice([1, 1, 2, 3]))):
            given.add(option)
            if known[option] is None:
                line.append(option)
            else:
                value = self.value(option, known[option])
                line += [f"{option}={value}"] if self.random.random() < 0.8 else [option, value]
        root = self.fixtures.root
        places = {"OUT": folder / "out", "MNIST": root / "mnist", "RUNS": root / "runs" / self.random.choice(["lenet", "snn"])}
        name = " ".join(words)
        completion = next((of for start, of in COMPLETIONS.items() if name.startswith(start)), {})
        for option, value in completion.items():
            if option in known and option not in given and not (option == "--out" and "--run" in given):
                line += [option, str(places.get(value, value))]
        if name == "train" and "--dataset" in given and "--data-dir" not in given:
            # Without a folder the program would download.
            line += ["--data-dir", str(places["MNIST"])]
        if name == "conformance":
            line.append(self.random.choice(WORDS) or "x")
        return line

    def run_folder(self, folder):
        name = self.random.choice(["lenet", "lenet", "snn"])
        run = folder / "runs" / name
        shutil.copytree(self.fixtures.root / "runs" / name, run)
        for file in self.random.sample(["result.json", "final.safetensors", "metrics.csv", "report.html"], self.random.randrange(3)):
            (run / file).unlink(missing_ok=True)
        files = sorted(file for file in run.rglob("*") if file.is_file())
        file = self.random.choice([*files, run / "settings.json", run / "settings.json", run / "result.json"])
        if file.exists():
            change = change_json if file.suffix == ".json" and self.random.random() < 0.8 else change_bytes
            file.write_bytes(change(self.random, file.read_bytes()))
        if self.random.random() < 0.1 and file.exists():
            file.rename(file.with_name(self.random.choice(["x", "checkpoint-9999", "a\nb", "settings.json.1.tmp", "é"])))
        data = ["--data-dir", str(self.fixtures.root / "mnist")]
        out = ["--out", str(folder / "out")]
        return self.random.choice([
            ["train", "--resume", "--out", str(run)],
            ["train", "--resume", "--out", str(run), *data],
            ["prune", "--checkpoint", str(run), "--rates", "0.5", "--samples", "5", *data, *out],
            ["explain", "--checkpoint", str(run), "--count", "1", *data, *out],
            ["report", "--run", str(run)],
            ["report", "--run", str(run), *data],
            ["report", "--runs", str(folder / "runs"), "--results", str(folder), *out],
        ])

    def changed_tree(self, name, folder):
        shutil.copytree(self.fixtures.root / name, folder / name)
        files = sorted(file for file in (folder / name).rglob("*") if file.is_file())
        file = self.random.choice(files)
        file.write_bytes(change_bytes(self.random, file.read_bytes()))
        return folder / name, file

    def digits(self, folder):
        data, _ = self.changed_tree("mnist", folder)
        return ["train", "--model", "mlp", "--epochs", "1", "--data-dir", str(data), "--out", str(folder / "out")]

    def photographs(self, folder):
        data, _ = self.changed_tree("folder", folder)
        options = ["--model", "mlp", "--dataset", "folder", "--image-size", "32", "--epochs", "1", "--batch", "4"]
        return ["train", *options, "--data-dir", str(data), "--out", str(folder / "out")]

    def case(self, folder):
        _, file = self.changed_tree("cases", folder)
        return ["conformance", str(file)]

    def weights(self, folder):
        choices = [self.fixtures.root / "runs" / "lenet" / "final.safetensors",
                   *sorted((HERE / "torchvision").glob("narrow-*.pth")), *sorted((HERE / "torchvision").glob("narrow-*.safetensors"))]
        source = self.random.choice(choices)
        file = folder / source.name
        file.write_bytes(change_bytes(self.random, source.read_bytes()))
        options = ["--model", "lenet", "--epochs", "1", "--batch", "16", "--data-dir", str(self.fixtures.root / "mnist")]
        return ["train", *options, "--pretrained", str(file), "--out", str(folder / "out")]


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def finding(program, line, folder, timeout):
    """What the program did that it may never do; None if nothing."""
    try:
        ended = subprocess.run([program, *line], capture_output=True, timeout=timeout, cwd=folder, preexec_fn=limit, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return "hang", ""
    except ValueError:
        # A zero byte, which no command line can have.
        return None, ""
    said = ended.stderr.decode(errors="replace").strip()
    if ended.returncode == 101:
        return "panic", said
    if ended.returncode < 0:
        return "abort", f"signal {-ended.returncode}: {said}"
    if ended.returncode == 2 and len(said.splitlines()) > 3 and "Usage" not in said:
        return "long message", said
    return None, said


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=20)
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--kinds", default=",".join(KINDS), help="what is changed, by commas; more often what is named more often")
    options = parser.parse_args()
    program = str(pathlib.Path(options.program).resolve())
    counts = {"panic": 0, "abort": 0, "hang": 0, "long message": 0}
    start = time.time()
    with tempfile.TemporaryDirectory() as root:
        root = pathlib.Path(root)
        fixtures = Fixtures(program, root / "valid")
        done = 0
        try:
            for done in range(1, options.inputs + 1):
                folder = root / "changed"
                folder.mkdir()
                line = Inputs(fixtures, f"{options.seed}-{done}", options.kinds.split(",")).make(folder)
                what, said = finding(program, line, folder, options.timeout)
                if what:
                    counts[what] += 1
                    print(f"{done}: {what}: {line}\n    {said[:400]}", flush=True)
                    if options.keep:
                        shutil.copytree(folder, options.keep / str(done), dirs_exist_ok=True)
                shutil.rmtree(folder)
        except KeyboardInterrupt:
            print("interrupted; so far:")
    found = ", ".join(f"{count} x {what}" for what, count in counts.items())
    print(f"{done} inputs in {time.time() - start:.0f} s: {found}")
    sys.exit(1 if any(counts.values()) else 0)


if __name__ == "__main__":
    main()
