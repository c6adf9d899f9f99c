"""NeuroCLIP Live: the command line. Parses, then starts the window or the headless run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, get_args

from pipeline.bundled import TOUR, default_prompts
from pipeline.capture.messages import FramerSettings
from pipeline.options import Options, network_address
from pipeline.precision import PRECISIONS
from pipeline.sources.base import (
    VIDEO_SUFFIXES,
    CameraSpec,
    GroundKind,
    LightKind,
    NetworkSpec,
    NoiseKind,
    RecordingSpec,
    SimulationSpec,
    SourceSpec,
    VideoSpec,
    WebcamSpec,
)
from pipeline.sources.camera_config import CameraConfig, read_config
from pipeline.sources.camera_settings import SettingError
from pipeline.threads import prepare_threads
from pipeline.version import __version__

CTRL_C = 130
_SCENE = ("objects", "ground", "light", "noise", "seed")
DESCRIPTION = """\
Live recognition for event cameras. Events from a camera, a recording, a network
stream, a simulated scene, a webcam or a film go in; a window shows what the sensor
sees and how probable each class is that you type while it runs."""

EPILOG = """\
examples
  main.py                                  the bundled recording, in a loop
  main.py --camera                         the first event camera that is found
  main.py --camera DXB00010 --record walk.aedat4
  main.py walk.aedat4 --prompts "a person, a dog, nothing but noise"
  main.py walk.aedat4 --headless --output walk.csv
  main.py --connect 192.168.0.7:7777       a stream that another program sends
  main.py --simulate                       live, without any camera
  main.py --simulate --objects "star, logo.png" --light dark
  main.py --webcam 0                       an ordinary camera, its pictures as events
  main.py --video cup.mp4 --loop           a film, its pictures as events
  main.py --camera --headless --output - | your-program
  main.py --camera --camera-config night.toml --record night.aedat4

prompts
  One class a row. A row is a word or two ("a cup"), put into the template, or
  "label = full prompt", which is used as it stands and shown by its label.
  --prompts splits at commas; --prompts-file takes one row a line. In the window
  type, edit, reorder and paste them while the stream runs (F1 lists the keys).

templates
  A text with {} where the class goes, or one of: %(templates)s.

models
  auto    a real CLIP whose weights are already on this machine, else the small
          one that comes with the program; it says which.
  NAME    any architecture of open_clip (--list-models). Weights are downloaded
          once by their tag, or read from a file: --pretrained openai,
          --pretrained weights.safetensors.

output
  CSV: start_us,end_us,events,state,label,probability, then p:<label> for each
  prompt, p:something else last with --something-else. JSON lines: first what made
  them, then one object a window. Times are the recording's own microseconds; a
  window is [start, end). "-" is standard output, which then carries nothing else.
  A file is analysed completely: every window, the same on every run.

exit status
  0 finished   1 failed while running   2 wrong usage   130 Ctrl-C
"""


def positive_int(text: str) -> int:
    """Read a whole number from 1 on."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive whole number")
    return number


def count_from_zero(text: str) -> int:
    """Read a number of events, 0 to 254."""
    number = int(text)
    if not 0 <= number <= 254:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 254")
    return number


def webcam_number(text: str) -> int:
    """Read the number of a webcam, from 0 on."""
    if not text.isascii() or not text.isdigit() or len(text) > 3:
        raise argparse.ArgumentTypeError(f"{text} is no number of a webcam: 0 is the first camera, 1 the second")
    return int(text)


def seed(text: str) -> int:
    """Read a whole number from 0 on."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0 to 999999999")
    return int(text)


def milliseconds(text: str) -> int:
    """Read a time in ms, give it in µs."""
    microseconds = round(float(text) * 1000)
    if not 100 <= microseconds <= 60_000_000:
        raise argparse.ArgumentTypeError(f"{text} ms is not between 0.1 and 60000")
    return microseconds


def speed(text: str) -> float | None:
    """Read a pace; None for ``max``."""
    if text == "max":
        return None
    number = float(text)
    if not 0.001 <= number <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is neither max nor between 0.001 and 1000")
    return number


def address(text: str) -> NetworkSpec:
    """Read HOST:PORT, [IPV6]:PORT or unix:PATH."""
    try:
        return network_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def looks_like_a_file(text: str) -> bool:
    """Tell a path of weights from a tag."""
    return Path(text).suffix.lower() in (".safetensors", ".pt", ".pth", ".bin", ".ckpt") or Path(text).name != text


def build_parser() -> argparse.ArgumentParser:
    """Give the parser; its ``--help`` is the manual."""
    from pipeline.prompts import PRESETS

    names = ", ".join(PRESETS)
    parser = argparse.ArgumentParser(
        prog="main.py" if Path(sys.argv[0]).name == "main.py" else "neuroclip-live",
        description=DESCRIPTION,
        epilog=EPILOG % {"templates": names},
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    source = parser.add_argument_group("source (one of them; none: the bundled recording)")
    source.add_argument("recording", nargs="?", type=Path, metavar="RECORDING", help="a recording, .aedat4 (or a film)")
    source.add_argument(
        "--camera", nargs="?", const="", metavar="SERIAL", help="an event camera; the first without SERIAL"
    )
    source.add_argument(
        "--camera-config", type=Path, metavar="FILE", help="settings for --camera, as the window saves them (TOML)"
    )
    source.add_argument("--connect", type=address, metavar="ADDRESS", help="HOST:PORT or unix:PATH of a stream")
    source.add_argument("--simulate", action="store_true", help="a simulated scene, live")
    source.add_argument(
        "--webcam",
        nargs="?",
        const=0,
        type=webcam_number,
        metavar="N",
        help="an ordinary camera as an event camera, counted from 0 (--list-cameras); the first without N",
    )
    source.add_argument("--video", type=Path, metavar="FILE", help="a film as an event camera would have seen it")
    source.add_argument("--stream", metavar="NAME", help="which event stream, where a recording has several")
    source.add_argument(
        "--tls-certificate", type=Path, metavar="FILE", help="certificate chain, for an encrypted --connect"
    )
    source.add_argument("--tls-key", type=Path, metavar="FILE", help="private key that belongs to it")

    scene = parser.add_argument_group("the scene of --simulate (the window remembers ground, light and noise)")
    scene.add_argument(
        "--objects", metavar='"star, FILE"', help="what appears in turn: drawings by name, and pictures from files"
    )
    scene.add_argument("--ground", choices=get_args(GroundKind), help="what is behind (plain)")
    scene.add_argument("--light", choices=get_args(LightKind), help="in the dark a sensor is slow and noisy (day)")
    scene.add_argument("--noise", choices=get_args(NoiseKind), help="events without a change of light (usual)")
    scene.add_argument("--seed", type=seed, metavar="N", help="the same number, the same motion and noise (0)")

    play = parser.add_argument_group("playing a recording or a film")
    play.add_argument(
        "--speed",
        type=speed,
        metavar="X",
        default=argparse.SUPPRESS,
        help="1 (default; max with --output), 0.5, ..., max",
    )
    play.add_argument("--loop", action="store_true", help="start again at the end")
    play.add_argument("--record", type=Path, metavar="OUT.aedat4", help="write every event to a new file")

    classes = parser.add_argument_group("classes")
    rows = classes.add_mutually_exclusive_group()
    rows.add_argument("--prompts", metavar='"A, B, C"', help="the classes, separated by commas")
    rows.add_argument("--prompts-file", type=Path, metavar="FILE", help="the classes, one a line")
    classes.add_argument(
        "--template", default="plain", metavar="T", help="text around each class, with {} (default: plain)"
    )
    classes.add_argument(
        "--something-else",
        action="store_true",
        help="without a window: a last row for all that was not typed (the window has it)",
    )

    model = parser.add_argument_group("model")
    model.add_argument(
        "--model", default="auto", metavar="NAME", help="auto (default), an open_clip name or local-dir:FOLDER"
    )
    model.add_argument("--pretrained", metavar="TAG_OR_FILE", help="tag of the weights, or a file that holds them")
    model.add_argument("--device", choices=("auto", "cuda", "mps", "cpu"), default="auto")
    model.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="auto",
        help="number format; int8 and openvino-bf16 need the extra [fast]",
    )

    frames = parser.add_argument_group("event frames")
    frames.add_argument(
        "--timesteps", type=positive_int, default=10, metavar="T", help="timesteps a window (default: 10)"
    )
    length = frames.add_mutually_exclusive_group()
    length.add_argument(
        "--timestep-ms", type=milliseconds, default=30_000, metavar="MS", help="time of a timestep (default: 30)"
    )
    length.add_argument(
        "--timestep-events", type=positive_int, metavar="N", help="events of a timestep, instead of a time"
    )
    frames.add_argument(
        "--threshold",
        type=count_from_zero,
        default=0,
        metavar="N",
        help="a pixel needs more events than this (default: 0)",
    )
    frames.add_argument(
        "--view",
        choices=("crop", "stretch", "fit"),
        default="crop",
        help="how the model's square is filled (default: crop)",
    )
    frames.add_argument(
        "--normalisation", choices=("clip", "reference"), default="clip", help="the model's own, or E/255 - 0.5"
    )

    run = parser.add_argument_group("running")
    run.add_argument("--headless", action="store_true", help="no window: predictions in the terminal or to --output")
    run.add_argument(
        "--output", metavar="FILE", help="without a window: write labels.csv, labels.jsonl, or - (standard output)"
    )
    run.add_argument(
        "--list-cameras", action="store_true", help="say which event cameras and webcams are found, and end"
    )
    run.add_argument(
        "--install-udev-rules",
        action="store_true",
        help="Linux: let every user open event cameras; asks first, and end",
    )
    run.add_argument("--list-models", action="store_true", help="say which models can be had, and end")
    run.add_argument("--version", action="version", version=f"NeuroCLIP Live {__version__}")
    return parser


def source_spec(parser: argparse.ArgumentParser, given: argparse.Namespace) -> SourceSpec:
    """Give the one source that was asked for; ends with status 2 when there are several."""
    live = [given.camera is not None, given.connect is not None, given.simulate, given.webcam is not None]
    if sum([given.recording is not None, given.video is not None, *live]) > 1:
        parser.error("choose one source: a recording, --camera, --connect, --simulate, --webcam or --video")
    tls = (given.tls_certificate, given.tls_key)
    if any(tls) and (not all(tls) or given.connect is None or given.connect.unix_path is not None):
        parser.error("--tls-certificate and --tls-key belong together, and to --connect HOST:PORT")
    film = given.video
    if film is None and given.recording is not None and given.recording.suffix.lower() in VIDEO_SUFFIXES:
        film = given.recording
    if given.stream is not None and (film is not None or any(live)):
        parser.error("--stream chooses a stream of a recording: name the recording, or leave it out")
    scene = [name for name in _SCENE if getattr(given, name) is not None]
    if scene and not given.simulate:
        parser.error(f"--{scene[0]} is of the simulated scene: add --simulate")
    if given.camera is not None:
        return CameraSpec(given.camera or None)
    if given.connect is not None:
        connect: NetworkSpec = given.connect
        return NetworkSpec(connect.host, connect.port, connect.unix_path, *tls)
    if given.simulate:
        return simulation_spec(parser, given)
    if given.webcam is not None:
        return WebcamSpec(given.webcam)
    if film is not None:
        return VideoSpec(film)
    return RecordingSpec(given.recording if given.recording is not None else TOUR, given.stream)


def simulation_spec(parser: argparse.ArgumentParser, given: argparse.Namespace) -> SimulationSpec:
    """Give the scene that was asked for; ends with status 2 where it cannot be had."""
    from pipeline.simulation.chosen_objects import read_objects
    from pipeline.simulation.picture_file import picture_names, read_thing

    names: tuple[str, ...] = ()
    pictures: tuple[Path, ...] = ()
    if given.objects is not None:
        try:
            names, pictures = read_objects(given.objects)
            for path, name in zip(pictures, picture_names(pictures), strict=True):
                read_thing(path, name)
        except ValueError as error:
            parser.error(f"--objects: {error}")
    return SimulationSpec(
        seed=given.seed or 0,
        objects=names,
        pictures=pictures,
        ground=given.ground,
        light=given.light,
        noise=given.noise,
    )


def camera_config(parser: argparse.ArgumentParser, given: argparse.Namespace) -> CameraConfig | None:
    """Read the file of settings; ends with status 2 where it is none."""
    if given.camera_config is None:
        return None
    if given.camera is None:
        parser.error("--camera-config has settings for an event camera: name it with --camera")
    try:
        return read_config(given.camera_config)
    except SettingError as error:
        parser.error(f"--camera-config {error}")


def prompt_rows(parser: argparse.ArgumentParser, given: argparse.Namespace, spec: SourceSpec) -> tuple[str, ...]:
    """Give the rows typed by the user, or those that fit the source."""
    from pipeline.prompts import parse_prompt_lines, parse_prompts

    if given.prompts is not None:
        rows = parse_prompts(given.prompts)
    elif given.prompts_file is not None:
        try:
            rows = parse_prompt_lines(given.prompts_file.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            parser.error(f"--prompts-file {given.prompts_file}: {reason}; give a text file with one class a line")
    elif isinstance(spec, SimulationSpec):
        from pipeline.simulation.picture_file import picture_names
        from pipeline.simulation.shapes import SHAPES, label

        return tuple(label(name) for name in (*SHAPES, *picture_names(spec.pictures)))
    else:
        return default_prompts(spec.path if isinstance(spec, RecordingSpec) else None)
    if not rows:
        parser.error('no class was given: name at least one, as in --prompts "a cup, a star"')
    return tuple(rows)


def parse_options(argv: Sequence[str] | None = None) -> tuple[Options, argparse.Namespace]:
    """Read the command line; wrong usage ends with status 2 and one line that says what to do."""
    from pipeline.output import OutputError, output_kind
    from pipeline.prompts import PromptError, Template

    parser = build_parser()
    given = parser.parse_args(argv)
    spec = source_spec(parser, given)
    try:
        Template.named_or_text(given.template)
        if given.output is not None:
            output_kind(given.output)
    except (PromptError, OutputError) as error:
        parser.error(str(error))
    if given.record is not None and given.record.suffix.lower() != ".aedat4":
        parser.error(f"--record {given.record}: the name must end in .aedat4")
    if given.pretrained is not None and looks_like_a_file(given.pretrained) and not Path(given.pretrained).is_file():
        parser.error(f"--pretrained {given.pretrained}: there is no such file; give the path of the weights, or a tag")
    bundled = isinstance(spec, RecordingSpec) and given.recording is None
    no_speed_given = not hasattr(given, "speed")
    options = Options(
        source=spec,
        prompts=prompt_rows(parser, given, spec),
        template=given.template,
        model=given.model,
        pretrained=given.pretrained,
        device=given.device,
        precision=given.precision,
        framer=FramerSettings(given.timestep_ms, given.timestep_events, given.threshold, given.timesteps),
        view=given.view,
        normalisation=given.normalisation,
        speed=(None if given.output is not None else 1.0) if no_speed_given else given.speed,
        loop=given.loop or bundled,
        record_to=given.record,
        output=given.output,
        something_else=given.something_else,
        camera_config=camera_config(parser, given),
    )
    return options, given


def run(argv: Sequence[str] | None = None) -> int:
    """Run the program; gives the exit status."""
    try:
        return start(argv)
    except KeyboardInterrupt:
        return CTRL_C


def start(argv: Sequence[str] | None) -> int:
    """Do what the command line asks for, in the window, in the terminal, or as a list."""
    options, given = parse_options(argv)
    if given.install_udev_rules:
        from pipeline.sources.udev_rules import install_rules

        return install_rules(input, print)
    if given.list_cameras or given.list_models:
        prepare_threads()
        from pipeline.listing_tables import print_cameras, print_models

        return print_cameras() if given.list_cameras else print_models()

    headless = given.headless or given.output is not None
    looped = given.loop
    if not headless:
        from app.display import missing_display, missing_libraries

        if reason := missing_display():
            print(f"No display ({reason}): playing in the terminal instead, as with --headless.", file=sys.stderr)
            headless = True
        elif reason := missing_libraries():
            print(f"error: {reason}", file=sys.stderr)
            return 1
    if headless:
        prepare_threads()
        from pipeline.headless import run_headless

        return run_headless(options, loop=looped)
    prepare_threads(for_window=True)
    from app.application import run_window

    return run_window(options)


def main() -> NoReturn:
    """Run the program as a process of its own."""
    from pipeline.leaving import leave

    leave(run())


if __name__ == "__main__":
    main()
