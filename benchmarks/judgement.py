"""How well parts are judged from a few good photographs: ours beside anomalib's STFPM, PaDiM and PatchCore.

All methods learn the same photographs, see through the same teacher weights, and judge the same parts::

    python benchmarks/judgement.py --data DIR --shots 4 --seeds 1 --sets cookie,pcb --json figures.json

DIR holds sets in the MVTec AD layout (NAME/train/good, NAME/test/KIND, NAME/ground_truth/KIND); the two
rendered products come along without it. ``ours`` is `okng-trainer train` with no options, ``ours_stfpm`` the
same with `--algorithm stfpm`. Every run is kept under ``--cache``, so a benchmark that was stopped goes on
where it was; ``--report-only`` sums up what is there. ``--page`` writes the page in docs/reference.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

if not __package__:  # started as a file, not with -m
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import trainer.teacher
from benchmarks.inspection_sets import InspectionSet, find_sets
from benchmarks.judgement_page import write_page
from benchmarks.judgement_runs import METHODS, Run, Task, cached, perform
from benchmarks.judgement_summary import header, row, summarise

BUNDLED = Path(trainer.teacher.__file__).parent / "resnet18_l123_distilled_v0.safetensors"
CACHE = Path.home() / ".cache" / "okng" / "judgement"


def tasks(options: argparse.Namespace, sets: dict[str, InspectionSet]) -> Iterator[Task]:
    """Yield what is to be run: every set before the next seed of any."""
    for shots, seed, name, method in product(
        options.shots, range(options.seeds), options.sets, options.methods
    ):
        if shots <= sets[name].most:
            yield Task(name, method, shots, seed, options.weights, options.epochs)


def run_all(options: argparse.Namespace, sets: dict[str, InspectionSet]) -> dict[Task, Run]:
    """Run what is not in the cache; print each as it comes."""
    done: dict[Task, Run] = {}
    print(header())
    for task in tasks(options, sets):
        run = cached(task, options.cache)
        if run is None and not options.report_only:
            run = perform(task, sets, options.cache)
        if run is not None:
            done[task] = run
            print(row(task, run), flush=True)
    return done


def main() -> None:
    """Run, print the table, write figures and page where asked."""
    options = _options()
    if options.threads:
        import torch  # noqa: PLC0415 - loaded only where something is run

        torch.set_num_threads(options.threads)
    sets = find_sets(options.data)
    options.sets = options.sets or list(sets)
    unknown = [name for name in options.sets if name not in sets]
    if unknown:
        sys.exit(f"no set called {', '.join(unknown)}; there are {', '.join(sets)}")
    done = run_all(options, sets)
    if not done:
        sys.exit("nothing was run and nothing is in the cache")
    summary = summarise(done, options.cache)
    if options.json:
        options.json.write_text(json.dumps(summary, indent=2) + "\n", "utf-8")
    if options.page:
        write_page(done, summary, options.page)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of sets; without it only the rendered products")
    parser.add_argument("--shots", type=_numbers, default=[1, 4, 10], help="photographs to learn from")
    parser.add_argument("--seeds", type=int, default=3, help="how many draws of the photographs")
    parser.add_argument("--sets", type=_names, help="default: all there are")
    parser.add_argument("--methods", type=_names, default=list(METHODS), help=", ".join(METHODS))
    parser.add_argument("--weights", type=Path, default=BUNDLED, help="the one teacher of all methods")
    parser.add_argument("--epochs", type=int, default=400, help="of anomalib's STFPM")
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 = its choice")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where every run is kept")
    parser.add_argument("--report-only", action="store_true", help="sum up what is in the cache")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--page", type=Path, help="write the page (Markdown) here, its plot beside it")
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _names(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


if __name__ == "__main__":
    main()
