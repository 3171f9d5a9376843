"""What the most costly small pictures cost: python -m benchmarks.hostile.costs

Thin strokes, crowded pages, all families of growing pictures, and a JPEG 2000 file of very many passes, each read as
one digit and as a page, in a process that has read small images before. The time is of the processor, the shortest of
some; the memory is what the process needed more at its highest point than before. Then several clients send all of them
to a service of one worker, mixed with large images; and twice as many send it the longest bodies, at once and again and
again. `--files FOLDER` measures the files of a folder instead, and `--bodies` sends the longest bodies alone. The
command fails if a picture takes more than 1 second as one digit or 2 seconds as a page, or if the worker takes more
than 400 MB or refuses everything.
"""

import argparse
import base64
import json
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import cv2

from benchmarks.hostile.bombs import Cost, Meter
from benchmarks.hostile.costly_pictures import Picture
from benchmarks.hostile.crowded_pages import CROWDED
from benchmarks.hostile.growing_pictures import GROWING
from benchmarks.hostile.large_files import LARGE, stored_png
from benchmarks.hostile.rare_bombs import jpeg2000_passes
from benchmarks.hostile.specimens import specimens
from benchmarks.support.client import Connection, UnansweredError, address_of, request, upload, upload_batch
from benchmarks.support.machine import describe_machine
from benchmarks.support.servers import SERVE, running
from digits.cli.arguments import whole_number
from digits.numbers.reader import PAGE_SIDE
from digits.recognizer import shipped_model

# Seconds of the processor that a picture may take, by route, and MB that a worker may take.
SECONDS: Mapping[str, float] = {"/predict/": 1.0, "/read/": 2.0}
MEGABYTES = 400.0
# A digit or a refusal, also because of too many at a time.
_ANSWERS = {"200", "413", "415", "422", "503"}


def _png(draw: Callable[[int], Picture], side: int) -> bytes:
    return cv2.imencode(".png", draw(side))[1].tobytes()


def costly_files(folder: Path | None) -> dict[str, Callable[[], bytes]]:
    """Returns what makes each file, by name: those of a folder, or the project's own."""
    if folder is not None:
        return {file.name: file.read_bytes for file in sorted(folder.iterdir()) if file.is_file()}
    families = {f"{name}, {side}": partial(_png, draw, side) for name, draw in GROWING.items() for side in _SIDES}
    return families | {f"page of {name}": make for name, make in CROWDED.items()} | {"jpeg2000 passes": jpeg2000_passes}


# Half as large as a page is read, as large, and larger.
_SIDES = (PAGE_SIDE // 2, PAGE_SIDE, 2 * PAGE_SIDE)


def longest_requests() -> list[bytes]:
    """Returns requests whose bodies have nearly as many bytes as they may.

    For both routes there are forms and JSON, also with a character for which Python keeps all text in four bytes for
    each; and there is a batch.
    """
    png, ppm = stored_png(2_600), LARGE["ppm 15 bit"]()
    coded = base64.b64encode(png).decode()
    texts = [json.dumps({"image": coded, **more}, ensure_ascii=False) for more in ({}, {"name": "\U0001f600"})]
    packed = [text.encode() for text in texts]
    headers = {"Content-Type": "application/json"}
    single = [
        one
        for route in SECONDS
        for one in (upload(png, route), upload(ppm, route), *(request("POST", route, headers, body) for body in packed))
    ]
    return [*single, upload_batch([png] * _BATCH, "/predict/batch/")]


# So many of them each client sends, one after the other; and so many files of theirs are in a batch.
_LONG_EACH, _BATCH = 6, 5


def serve(files: Mapping[str, Callable[[], bytes]], clients: int, seed: int = 0) -> tuple[float, Counter[str]]:
    """Sends all files to a service of one worker, each to both routes; then the longest bodies.

    Args:
        files: what makes each file, by name; none for the bodies alone.
        clients: that send at a time; twice as many send the longest bodies.
        seed: of the order.

    Returns:
        The memory of the worker and its processes at the highest point that was seen, in MB; and the number of
        answers by HTTP status.
    """
    requests = [(make, route) for make in files.values() for route in SECONDS]
    random.Random(seed).shuffle(requests)  # noqa: S311
    environment = {"DIGITS_MODEL": str(shipped_model()), "DIGITS_ACCESS_LOG": "false"}
    with running(SERVE, next(iter(specimens().values())), environment, ("--workers", "1")) as server:
        address = address_of(server.url)

        # Each client counts on its own: a counter that several threads add to loses answers.
        def send(mine: Iterable[bytes]) -> Counter[str]:
            answers: Counter[str] = Counter()
            with Connection(address, 60.0) as connection:
                for one in mine:
                    try:
                        answers[str(connection.exchange(one).status)] += 1
                    except UnansweredError as error:
                        answers[error.loss] += 1
            return answers

        def made(number: int) -> Iterator[bytes]:
            return (upload(make(), route) for make, route in requests[number::clients])

        long = longest_requests()
        with server.watched() as memory, ThreadPoolExecutor(2 * clients) as threads:
            counted = list(threads.map(send, map(made, range(clients))))
            # Neighbors begin with different ones.
            turns = [[long[(number + turn) % len(long)] for turn in range(_LONG_EACH)] for number in range(2 * clients)]
            counted += threads.map(send, turns)
        return max(memory), sum(counted, Counter())


def answered_well(answers: Counter[str]) -> bool:
    """Whether a service gave answers that it may give, and not only refusals because of too many requests.

    Args:
        answers: the number of answers by HTTP status.
    """
    return not set(answers) - _ANSWERS and set(answers) != {"503"}


def serve_all(files: Mapping[str, Callable[[], bytes]], clients: int) -> bool:
    """Prints what `serve` returns; returns whether the worker took no more memory than it may, and answered."""
    peak, answers = serve(files, clients)
    told = ", ".join(f"{count:,} with {answer}" for answer, count in sorted(answers.items()))
    all_of_them = f"{clients} clients send all of them to, and " if files else ""
    print(
        f"A worker that {all_of_them}{2 * clients} clients send the longest bodies to takes {peak:.0f} MB at the most; "
        f"answers: {told}."
    )
    return peak <= MEGABYTES and answered_well(answers)


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table and the worst of each route; returns 1 if a picture costs more than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=Path, metavar="FOLDER", help="measure the files of a folder")
    parser.add_argument("--bodies", action="store_true", help="measure no picture, and send the longest bodies alone")
    parser.add_argument("--repeats", type=whole_number(1, 100), default=2, help="default: 2")
    parser.add_argument("--clients", type=whole_number(1, 100), default=8, help="at a time (default: 8)")
    options = parser.parse_args(argv)
    print(f"{describe_machine()}\n")
    if options.bodies:
        return 0 if serve_all({}, options.clients) else 1
    files = costly_files(options.files)
    if not files:
        parser.error(f"There is no file in {options.files}. Name a folder with pictures.")
    costs: dict[str, list[tuple[str, Cost]]] = {route: [] for route in SECONDS}
    print("| file | size, kB | for | outcome | processor, ms | memory, MB |\n| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        meter = Meter(Path(folder))
        try:
            for name, make in files.items():
                file = make()
                for route in SECONDS:
                    cost = meter.measure(file, options.repeats, whole=route == "/read/")
                    costs[route].append((name, cost))
                    figures = f"{cost.busy * 1e3:,.0f} | {cost.megabytes:.0f}"
                    print(f"| {name} | {len(file) / 1e3:,.1f} | {route} | {cost.outcome} | {figures} |", flush=True)
        finally:
            meter.stop()
    print()
    for route, measured in costs.items():
        slowest, largest = max(measured, key=lambda one: one[1].busy), max(measured, key=lambda one: one[1].megabytes)
        print(
            f"{route} (n = {len(measured)}): at most {slowest[1].busy:.2f} s of the processor ({slowest[0]}),"
            f" and {largest[1].megabytes:.0f} MB more ({largest[0]})."
        )
    is_well = serve_all({**files, **LARGE}, options.clients)
    dear = [
        f"{name} for {route}"
        for route, measured in costs.items()
        for name, cost in measured
        if cost.busy > SECONDS[route]
    ]
    print(f"Over {' or '.join(f'{most:g} s' for most in SECONDS.values())}: {', '.join(dear) or 'none'}.")
    return 0 if is_well and not dear else 1


if __name__ == "__main__":
    raise SystemExit(main())
