#!/usr/bin/env python3
"""An AWS on this machine with Carepath deployed on it: MiniStack, and the stacks of infra/ in their local stage.

    stack.py up --file stack.json      starts it all, writes the file when it is ready, and runs until it is stopped
    stack.py down --file stack.json    stops what the file tells of
    stack.py run -- COMMAND…           starts it all, runs a command that finds the file at CAREPATH_AWS_STACK, and stops

The file says where everything is (docs/AWS-LOCAL.md). Several can run beside each other. Whatever ends `up`, be it
Ctrl-C or kill -9, what it started ends too, and its folder goes.
"""

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
CDK = INFRA / "node_modules/.bin/cdk"
MINISTACK = ROOT / "target/venv/bin/ministack"
FUNCTIONS = ["api", "engagement", "timer", "executor", "projector"]
TABLES = ["contacts", "runs", "config", "reports"]
ACCOUNT, REGION, PREFIX = "000000000000", "us-east-1", "carepath-"
KEPT_ASSEMBLIES = 3


class Failed(Exception):
    """What went wrong, for a person."""


class Stopped(Exception):
    """Somebody wants it to end."""


class Reaper:
    """A process that outlives this one by a moment: it ends all that was started and removes the folder.

    It waits at a pipe that this process holds open. However this process ends, the pipe closes then."""

    def __init__(self, folder):
        told, self.tell = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.tell)
            os.setsid()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            self._wait(told, folder)
            os._exit(0)
        os.close(told)

    @staticmethod
    def _wait(told, folder):
        groups = set()
        with os.fdopen(told) as lines:
            for line in lines:
                groups ^= {int(line)}
        for number, patience in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0)):
            alive = [group for group in groups if _signalled(group, number)]
            until = time.monotonic() + patience
            while alive and time.monotonic() < until:
                time.sleep(0.02)
                alive = [group for group in alive if _signalled(group, 0)]
        shutil.rmtree(folder, ignore_errors=True)

    def start(self, command, **how):
        """Starts a process in a group of its own, which ends with this one."""
        process = subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL, **how)
        self._say(process.pid)
        return process

    def ended(self, process):
        """Says that a process is over: its number may be another's soon."""
        self._say(process.pid)

    def _say(self, number):
        os.write(self.tell, f"{number}\n".encode())

    def done(self):
        """Ends all of it, and waits until that is so."""
        os.close(self.tell)
        os.waitpid(self.pid, 0)


def _signalled(group, number):
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def clean_environment(folder, endpoint):
    """What MiniStack, its functions and the CDK see: nothing of this machine's own AWS, and no way out of it."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "USER", "RUST_BACKTRACE") if key in os.environ}
    return kept | {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(folder / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none"),
        "AWS_ENDPOINT_URL": endpoint,
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_VALIDATION": "false",
        "NODE_NO_WARNINGS": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "TMPDIR": str(folder),
        # MiniStack: on loopback alone, without listeners of services that nobody asks for, and without Docker.
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": endpoint.rsplit(":", 1)[1],
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        "DOCKER_HOST": f"unix://{folder}/none.sock",
    }


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def started(reaper, folder):
    """MiniStack on a port that was free; where somebody took it in between, on another."""
    for _ in range(5):
        port = free_port()
        env = clean_environment(folder, f"http://127.0.0.1:{port}")
        with open(folder / "ministack.log", "wb") as log:
            process = reaper.start([str(MINISTACK)], env=env, cwd=folder, stdout=log, stderr=log)
        until = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{env['AWS_ENDPOINT_URL']}/_ministack/ready", timeout=1).close()
                return process, env
            time.sleep(0.05)
        _signalled(process.pid, signal.SIGKILL)
        process.wait()
        reaper.ended(process)
    raise Failed(f"MiniStack does not start:\n{tail(folder / 'ministack.log')}")


def tail(path):
    """The end of a log, and before it what failed first: what is rolled back after it fills a page."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError as error:
        # It is asked for when something failed already, and that is what is to be told.
        return f"({path.name} cannot be read: {error.strerror})"
    failed = [line for line in lines[:-20] if "_FAILED" in line]
    return "\n".join(failed + lines[-20:])


def run(reaper, what, command, env, log, seconds):
    """Runs a command to its end, within a time."""
    with open(log, "wb") as out:
        process = reaper.start([str(part) for part in command], env=env, cwd=INFRA, stdout=out, stderr=out)
    try:
        code = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        _signalled(process.pid, signal.SIGKILL)
        process.wait()
        raise Failed(f"{what} took longer than {seconds} s:\n{tail(log)}") from None
    finally:
        if process.returncode is not None:
            reaper.ended(process)
    if code != 0:
        raise Failed(f"{what} failed:\n{tail(log)}")


def binaries(folder, given):
    """The functions as Lambda wants them: each a folder with a file `bootstrap`."""
    for name in FUNCTIONS:
        binary = given / f"carepath-{name}"
        if binary.is_dir():
            binary /= "bootstrap"
        if not binary.is_file():
            raise Failed(f"{binary} is not there: build the functions first (make aws-local does)")
        target = folder / "bin" / f"carepath-{name}"
        target.mkdir(parents=True)
        shutil.copy2(binary, target / "bootstrap")
        (target / "bootstrap").chmod(0o755)
    return folder / "bin"


def content(paths):
    """A hash of what is in files and folders."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(f"{file.relative_to(path)}\0{file.stat().st_size}\0".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def assembly(reaper, folder, bins, context, env):
    """What the CDK makes of the app. It is made once for the same sources, binaries and settings, whoever asks."""
    sources = [INFRA / name for name in ("bin", "src", "cdk.json", "package-lock.json")]
    key = content([*sources, bins]) + hashlib.sha256(json.dumps(context).encode()).hexdigest()[:8]
    shelf = ROOT / "target/aws-local/assemblies"
    shelf.mkdir(parents=True, exist_ok=True)
    with open(shelf / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = shelf / key
        if not made.is_dir():
            new = folder / "assembly"
            settings = [part for pair in context.items() for part in ("--context", "=".join(pair))]
            command = [CDK, "synth", "--quiet", "--no-notices", "--no-lookups", "--output", new, *settings]
            run(reaper, "cdk synth", [*command, "--context", f"binaries={bins}"], env, folder / "synth.log", 150)
            shutil.move(new, made)
        os.utime(made)
        old = sorted((it for it in shelf.iterdir() if it.is_dir()), key=lambda it: it.stat().st_mtime)[:-KEPT_ASSEMBLIES]
        for it in old:
            shutil.rmtree(it, ignore_errors=True)
        # A copy, since others may clear the shelf.
        shutil.copytree(made, folder / "cdk.out")
    return folder / "cdk.out"


def deployed(reaper, folder, app, env):
    """Deploys, and returns what the stacks say of themselves."""
    outputs = folder / "outputs.json"
    common = ["--app", app, "--no-notices"]
    bootstrap = [CDK, "bootstrap", f"aws://{ACCOUNT}/{REGION}", *common]
    run(reaper, "cdk bootstrap", bootstrap, env, folder / "bootstrap.log", 90)
    deploy = [CDK, "deploy", "--all", "--require-approval", "never", "--progress", "events", "--outputs-file", outputs]
    run(reaper, "cdk deploy", [*deploy, *common], env, folder / "deploy.log", 150)
    told = {}
    for stack in json.loads(outputs.read_text()).values():
        told |= stack
    return told


def description(told, ministack, env, folder):
    endpoint = env["AWS_ENDPOINT_URL"]
    api = told["ApiUrl"].split("//")[1].split(".")[0]
    queue = {name: told[f"{name.title()}QueueUrl"] for name in ("work", "timers", "engagement")}
    dead = {name: told[f"{name.title()}DeadLetterUrl"] for name in ("work", "timers", "engagement", "projector")}
    return {
        "endpoint": endpoint,
        "region": REGION,
        "api_url": f"{endpoint}/_aws/execute-api/{api}/$default",
        "tables": {name: PREFIX + name for name in TABLES},
        "functions": {name: PREFIX + name for name in FUNCTIONS},
        "api_function": f"{PREFIX}api",
        "schedule_group": f"{PREFIX}waits",
        "queue_urls": queue,
        "dead_letter_urls": dead,
        "topic_arn": told["EventsTopicArn"],
        "people": {"user_pool_id": told["PeopleIssuer"].rsplit("/", 1)[1], "client_id": told["PeopleAudience"]},
        "mails_url": f"{endpoint}/_ministack/ses/messages",
        "log": str(folder / "ministack.log"),
        "ministack_pid": ministack.pid,
        "pid": os.getpid(),
    }


def written(path, told):
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(told, indent=2) + "\n")
    new.replace(path)


def up(args):
    for needed in (CDK, MINISTACK):
        if not needed.exists():
            raise Failed(f"{needed} is not there: `make target/venv/ready infra/node_modules/.ready` brings it")
    with contextlib.suppress(FileNotFoundError):
        args.file.unlink()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    folder = Path(tempfile.mkdtemp(prefix="carepath-aws-"))
    (folder / "none").touch()
    reaper = Reaper(folder)
    try:
        began = time.monotonic()
        bins = binaries(folder, args.binaries)
        ministack, env = started(reaper, folder)
        context = {"stage": "local", "architecture": "arm64" if os.uname().machine == "aarch64" else "x86_64"}
        context |= {"timers": args.timers, "mailDomain": "example.org"}
        if args.longest_delay:
            context["longestDelay"] = str(args.longest_delay)
        app = assembly(reaper, folder, bins, context, env)
        told = description(deployed(reaper, folder, app, env), ministack, env, folder)
        written(args.file, told)
        print(f"ready after {time.monotonic() - began:.1f} s: {told['api_url']}", flush=True)
        if args.command == "run":
            return subprocess.run(args.words, env=os.environ | {"CAREPATH_AWS_STACK": str(args.file)}).returncode
        print(f"what is where: {args.file}; Ctrl-C stops it", flush=True)
        code = ministack.wait()
        raise Failed(f"MiniStack ended by itself ({code}):\n{tail(folder / 'ministack.log')}")
    except Stopped:
        return 0
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        with contextlib.suppress(FileNotFoundError):
            args.file.unlink()
        reaper.done()


def _stop(_number, _frame):
    raise Stopped


def down(args):
    try:
        pid = json.loads(args.file.read_text())["pid"]
        os.kill(pid, signal.SIGTERM)
    except (FileNotFoundError, ProcessLookupError):
        return 0
    until = time.monotonic() + 15
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return 0
        time.sleep(0.05)
    raise Failed(f"process {pid} does not end")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, does in (("up", up), ("down", down), ("run", up)):
        command = commands.add_parser(name)
        command.set_defaults(does=does)
        command.add_argument("--file", type=Path, default=ROOT / "target/aws-local/stack.json", help="says where all is")
        if name != "down":
            command.add_argument("--binaries", type=Path, default=ROOT / "target/function", help="where the functions are")
            command.add_argument("--timers", choices=["scheduler", "due"], default="scheduler", help="what wakes long waits")
            command.add_argument("--longest-delay", type=int, metavar="S", help="longer waits get a schedule (900)")
        if name == "run":
            command.add_argument("words", nargs="+", metavar="COMMAND")
    args = parser.parse_args()
    args.file = args.file.resolve()
    try:
        return args.does(args)
    except Stopped:
        return 0
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main())
