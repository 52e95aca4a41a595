"""Builds every receiver into tools/bench/.build, installing what is missing from Debian where that is allowed."""

import glob
import os
import shutil
import subprocess
import sys
import sysconfig

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(os.path.dirname(HERE))
OUTPUT = os.path.join(HERE, ".build")
DEBIAN_CRATES = "/usr/share/cargo/registry"
UVLOOP_VERSION = "0.22.1"

C_SOURCES = {
    "c-recvmmsg": "recvmmsg.c",
    "c-recvfrom": "recvfrom.c",
    "c-epoll": "epoll.c",
    "c-poll": "epoll.c",
    "c-gro": "gro.c",
    "c-uring": "uring.c",
    "c-uring-sqe": "uring.c",
}
C_FLAGS = ("-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror")


class Unavailable(Exception):
    """A receiver or an instrument cannot be had; the message says why in a few words."""


def present(tool):
    return bool(glob.glob(tool)) if tool.startswith("/") else shutil.which(tool) is not None


class Builder:
    """Builds each thing once and remembers its command, or why there is none."""

    def __init__(self, install_allowed, volley, say):
        self.install_allowed = install_allowed
        self.volley = volley  # --volley PATH, or None to build it
        self.say = say
        self.log_path = os.path.join(OUTPUT, "build.log")
        self._commands = {}
        self._updated = False
        os.makedirs(os.path.join(OUTPUT, "c"), exist_ok=True)
        open(self.log_path, "w", encoding="utf-8").close()

    def command(self, peer):
        """The receiver's command up to its mode; raises Unavailable."""
        key = peer.name if peer.build == "c" else peer.build
        if key not in self._commands:
            try:
                self._commands[key] = self._build(peer.build, peer.name)
            except Unavailable as reason:
                self._commands[key] = reason
        command = self._commands[key]
        if isinstance(command, Unavailable):
            raise command
        return command

    def driver(self):
        """The load generator and the allocation counter; nothing can be measured without them."""
        self.need("gcc", "gcc", "libc6-dev")
        self._compile("malloc_count.so", ["malloc_count.c"], flags=("-shared", "-fPIC"))
        return self._compile("driver", [f"driver{part}.c" for part in ("", "_flood", "_paced", "_closed", "_rate")])

    def need(self, tool, *packages):
        """Makes sure that a program is there; `tool` may also be a pattern of absolute paths."""
        if present(tool):
            return
        if not packages:
            raise Unavailable(f"{tool} is missing, and Debian does not package it")
        hint = f"apt-get install {' '.join(packages)}"
        if not self.install_allowed:
            raise Unavailable(f"{os.path.basename(tool)} is missing ({hint}), and --no-install was given")
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise Unavailable(f"{os.path.basename(tool)} is missing ({hint} as root)")
        self.say(f"installing {' '.join(packages)} (apt-get)")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        if not self._updated:
            self._run(["apt-get", "update", "-qq"], environment=environment)
            self._updated = True
        self._run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], environment=environment)
        if not present(tool):
            raise Unavailable(f"{os.path.basename(tool)} is still missing after {hint}")

    def versions(self):
        """The first line that each tool in use says of its version."""
        asked = {"gcc": "--version", "swift": "--version", "rustc": "--version", "go": "version",
                 "valgrind": "--version", "strace": "--version"}
        found = {"python": sys.version.split()[0], "uvloop": UVLOOP_VERSION}
        for tool, argument in asked.items():
            if shutil.which(tool):
                output = subprocess.run([tool, argument], capture_output=True, text=True, check=False).stdout
                found[tool] = output.partition("\n")[0].strip()
        return found

    def _build(self, kind, name):
        builders = {
            "volley": self._volley,
            "c": lambda: [self._compile(name, [C_SOURCES[name], "peer.c"])],
            "libuv": self._libuv,
            "nio": self._nio,
            "go": self._go,
            "rust-std": lambda: self._cargo("std", ()),
            "tokio": self._tokio,
            "asyncio": lambda: [sys.executable, self._python_program()],
            "uvloop": self._uvloop,
        }
        return builders[kind]()

    def _volley(self):
        if self.volley is None:
            self.need("swift")
            self.say("building volley (swift build -c release)")
            build = ["swift", "build", "--package-path", ROOT, "-c", "release"]
            self._run([*build, "--product", "volley"])
            bin_path = self._run([*build, "--show-bin-path"]).strip().splitlines()[-1]
            self.volley = os.path.join(bin_path, "volley")
        if not os.access(self.volley, os.X_OK):
            raise Unavailable(f"{self.volley} is not a program")
        probe = subprocess.run(
            [self.volley, "serve", "--help"], capture_output=True, stdin=subprocess.DEVNULL, timeout=30, check=False
        )
        if probe.returncode != 0:
            raise Unavailable("this volley has no `serve`")
        return [self.volley, "serve"]

    def _compile(self, output, sources, flags=(), libraries=()):
        path = os.path.join(OUTPUT, "c", output)
        files = [os.path.join(HERE, "c", source) for source in sources]
        self._run(["gcc", *C_FLAGS, *flags, *files, *libraries, "-o", path])
        return path

    def _libuv(self):
        self.need("/usr/include/uv.h", "libuv1-dev")
        return [self._compile("libuv", ["libuv.c", "peer.c"], libraries=("-luv",))]

    def _nio(self):
        self.need("swift")
        self.say("building the SwiftNIO receiver (about two minutes the first time)")
        build = ["swift", "build", "--package-path", os.path.join(HERE, "nio"), "-c", "release"]
        build += ["--scratch-path", os.path.join(OUTPUT, "nio")]
        self._run(build)
        return [os.path.join(self._run([*build, "--show-bin-path"]).strip().splitlines()[-1], "nio-peer")]

    def _go(self):
        self.need("go", "golang-go")
        self.say("building the Go receiver")
        output = os.path.join(OUTPUT, "go-peer")
        environment = {**os.environ, "GOCACHE": os.path.join(OUTPUT, "go-cache"), "GOTOOLCHAIN": "local"}
        self._run(["go", "build", "-o", output, "."], environment=environment, folder=os.path.join(HERE, "go"))
        return [output]

    def _cargo(self, package, options):
        self.need("cargo", "cargo")
        self.need("rustc", "rustc")
        self.say(f"building the Rust receiver ({package})")
        target = os.path.join(OUTPUT, f"rust-{package}")
        manifest = os.path.join(HERE, "rust", package, "Cargo.toml")
        command = ["cargo", "build", "--release", "--offline", "--manifest-path", manifest, "--target-dir", target]
        self._run([*command, *options])
        return [os.path.join(target, "release", f"{package}-peer")]

    def _tokio(self):
        """tokio comes as source from Debian, so that no crate registry is needed."""
        self.need(os.path.join(DEBIAN_CRATES, "tokio-1.*"), "librust-tokio-dev")
        source = ("source.crates-io.replace-with='debian'", f"source.debian.directory='{DEBIAN_CRATES}'")
        return self._cargo("tokio", [word for setting in source for word in ("--config", setting)])

    def _uvloop(self):
        folder = os.path.join(OUTPUT, "venv")
        python = os.path.join(folder, "bin", "python3")
        have = [python, "-c", f"import uvloop; assert uvloop.__version__ == '{UVLOOP_VERSION}'"]
        if not os.path.exists(python) or subprocess.run(have, capture_output=True, check=False).returncode != 0:
            if not self.install_allowed:
                raise Unavailable(f"uvloop {UVLOOP_VERSION} is not in .build/venv, and --no-install was given")
            self.need(os.path.join(sysconfig.get_path("stdlib"), "ensurepip", "__init__.py"), "python3-venv")
            self.say(f"installing uvloop {UVLOOP_VERSION} (pip, into .build/venv)")
            self._run([sys.executable, "-m", "venv", "--clear", folder])
            self._run([python, "-m", "pip", "install", "--quiet", f"uvloop=={UVLOOP_VERSION}"])
        return [python, self._python_program()]

    def _python_program(self):
        return os.path.join(HERE, "python", "datagram_peer.py")

    def _run(self, command, environment=None, folder=None):
        """Runs one build step; its output goes to .build/build.log, and the error into the exception."""
        result = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment, cwd=folder, check=False
        )
        with open(self.log_path, "a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(command)}\n{result.stdout}{result.stderr}\n")
        if result.returncode != 0:
            raise Unavailable(f"{os.path.basename(command[0])} failed: {first_error(result.stderr, result.stdout)}")
        return result.stdout


def first_error(*outputs):
    """The line of a failed build that says why; warnings often mention errors, too."""
    lines = [line.strip() for output in outputs for line in output.splitlines()]
    errors = [line for line in lines if "error" in line.lower() and not line.lower().startswith("warning")]
    return errors[0][:140] if errors else "see .build/build.log"
