"""What the teacher's weights are worth: the bundled ones beside random ones and a file of one's own.

Each method learns the same photographs with each teacher and judges the same parts; nothing else differs::

    python benchmarks/teachers.py --data DIR --weights bundled,random,file:resnet18.pth --json teachers.json

Sets, stock runs and ``--cache`` are those of ``benchmarks/judgement.py``: what was run there is not run
again, and a benchmark that was stopped goes on where it was. ``ours_stfpm`` is judged by the network as
trained; what does not touch a score's rank (students for the threshold, export, twin) is left out.
``random`` is a ResNet-18 as timm sets it up, from a fixed seed. The last of ``--weights`` is the reference.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import numpy as np

if not __package__:  # started as a file, not with -m
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import figures
from benchmarks.inspection_sets import InspectionSet, find_sets
from benchmarks.judgement import BUNDLED, CACHE
from benchmarks.judgement_runs import OURS, Run, Task, cached, keep, perform
from edge_service.inference.preprocess import to_model_input
from trainer.domain import Photograph, PhotographSet

_SEED = 0
_BETTER_THAN_RANDOM, _BELOW_REFERENCE = 0.10, 0.03  # what is asked of the bundled teacher

Found = Mapping[tuple[str, str, str], float]  # image AUROC by method, set and teacher


@dataclass(frozen=True, slots=True)
class Teacher:
    """Weights under the name that the table gives them."""

    name: str
    file: Path


def teachers(names: list[str], cache: Path) -> list[Teacher]:
    """Return a file for each of ``bundled``, ``random`` and ``file:PATH``; random ones are made here."""
    found = []
    for name in names:
        kind, _, path = name.partition(":")
        if name == "bundled":
            found.append(Teacher(name, BUNDLED))
        elif name == "random":
            found.append(Teacher(name, _random(cache)))
        elif kind == "file" and Path(path).is_file():
            found.append(Teacher(Path(path).stem, Path(path)))
        else:
            sys.exit(f"--weights {name}: say bundled, random or file:PATH of an existing file")
    return found


def _random(cache: Path) -> Path:
    """Write the values that timm gives a new ResNet-18, once."""
    path = cache / f"random-resnet18-seed-{_SEED}.safetensors"
    if path.exists():
        return path
    import timm  # noqa: PLC0415 - loaded only where something is made
    import torch  # noqa: PLC0415
    from safetensors.torch import save_file  # noqa: PLC0415

    torch.manual_seed(_SEED)
    network = timm.create_model("resnet18", pretrained=False, features_only=True, out_indices=(1, 2, 3))
    cache.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, path)
    return path


def runs(
    options: argparse.Namespace, sets: Mapping[str, InspectionSet], using: list[Teacher]
) -> Iterator[tuple[Teacher, Task, Run]]:
    """Yield every run that is in the cache or may be made: all teachers on a set before the next set."""
    for method, name, teacher in product(options.methods, options.sets, using):
        task = Task(name, method, options.shots, options.seed, teacher.file, options.epochs)
        run = cached(task, options.cache)
        if run is None and method in OURS:
            task_cache = options.cache / "ranks"
            run = cached(task, task_cache)
            if run is None and not options.report_only:
                run = _ranked(task, sets[name], task_cache)
        elif run is None and not options.report_only:
            run = perform(task, dict(sets), options.cache)
        if run is not None:
            yield teacher, task, run


def _ranked(task: Task, inspection_set: InspectionSet, cache: Path) -> Run:
    """Train our STFPM as the pipeline does, judge all test parts by it, and keep the scores."""
    from trainer.calibration.score_head import score_maps  # noqa: PLC0415 - loads torch and anomalib
    from trainer.pipeline import learning  # noqa: PLC0415
    from trainer.pipeline.settings import TrainingSettings  # noqa: PLC0415
    from trainer.teacher.weights import load_weights  # noqa: PLC0415
    from trainer.training.stfpm import layer_maps  # noqa: PLC0415

    learning.MOST_FOLDS = 0  # they move the threshold alone
    began = time.monotonic()
    trial = inspection_set.trial(task.shots, task.seed)
    photographs = tuple(
        Photograph(Path(f"{number}.png"), pixels, "") for number, pixels in enumerate(trial.photographs)
    )
    settings = TrainingSettings(weights=f"file:{task.weights}", algorithm="stfpm", seed=task.seed)
    model = learning.learn(
        PhotographSet(photographs, "", ()), load_weights(settings.weights), settings, lambda _: None
    )
    train_s = time.monotonic() - began
    scores: dict[bool, list[float]] = {False: [], True: []}
    for test in trial.tests():
        maps = layer_maps(model.network, to_model_input(test.pixels, *model.input_size))
        scores[test.defective].append(float(score_maps(model.head, maps)[0]))
    run = Run(scores[False], scores[True], train_s, None, None)
    keep(task, run, cache)
    return run


def table(found: Found, using: list[Teacher]) -> list[str]:
    """Return the table in Markdown: a row a method and set, and the mean where all teachers ran."""
    lines = [
        f"| method | set | {' | '.join(each.name for each in using)} |",
        f"|---|---|{'---|' * len(using)}",
    ]
    for method in dict.fromkeys(method for method, _, _ in found):
        for name in _sets_of(found, method):
            values = [found.get((method, name, each.name)) for each in using]
            cells = ["" if value is None else f"{value:.3f}" for value in values]
            lines.append(f"| {method} | {name} | {' | '.join(cells)} |")
        means = mean_by_teacher(found, method, using)
        if means:
            cells = [f"**{means[each.name]:.3f}**" for each in using]
            lines.append(f"| {method} | **mean** | {' | '.join(cells)} |")
    return lines


def mean_by_teacher(found: Found, method: str, using: list[Teacher]) -> dict[str, float]:
    """Return each teacher's mean over the sets where all of them ran; nothing where there is no such set."""
    common = [
        name for name in _sets_of(found, method) if all((method, name, each.name) in found for each in using)
    ]
    if not common:
        return {}
    return {each.name: float(np.mean([found[method, name, each.name] for name in common])) for each in using}


def _sets_of(found: Found, method: str) -> list[str]:
    return list(dict.fromkeys(name for each, name, _ in found if each == method))


def verdicts(found: Found, using: list[Teacher]) -> list[str]:
    """Return a sentence a method and demand: what was asked of the bundled teacher, and what it reached."""
    said = []
    names = [each.name for each in using]
    for method in dict.fromkeys(method for method, _, _ in found):
        means = mean_by_teacher(found, method, using)
        if not means or "bundled" not in means:
            continue
        if "random" in means:
            above = means["bundled"] - means["random"]
            said.append(
                f"{method}: bundled is {100 * above:+.1f} points from random; asked for at least "
                f"{100 * _BETTER_THAN_RANDOM:.0f}: {'reached' if above >= _BETTER_THAN_RANDOM else 'missed'}."
            )
        if names[-1] not in {"bundled", "random"}:
            below = means[names[-1]] - means["bundled"]
            said.append(
                f"{method}: bundled is {-100 * below:+.1f} points from {names[-1]}; asked for at most "
                f"{100 * _BELOW_REFERENCE:.0f} below: {'reached' if below <= _BELOW_REFERENCE else 'missed'}."
            )
    return said


def write_page(lines: list[str], said: list[str], options: argparse.Namespace) -> None:
    """Write the page of docs/reference."""
    weights = ",".join(
        f"file:{Path(name.partition(':')[2]).name}" if name.startswith("file:") else name
        for name in options.weights
    )
    command = (
        f"python benchmarks/teachers.py --data DIR --weights {weights} --methods {','.join(options.methods)} "
        f"--shots {options.shots} --seed {options.seed}"
    )
    text = [
        "# The teacher's weights: measured",
        "",
        f"Written by `{command}`",
        f"on {datetime.now(UTC):%Y-%m-%d}. Image AUROC on each set's test parts, {options.shots} photos;",
        "only the weights of the frozen teacher differ. `ours_stfpm` is the network that `okng-trainer",
        f"train` learns, `stfpm` anomalib's as it comes, {options.epochs} epochs. `random`: never trained.",
        "An empty cell was not run. What is installed: `okng-trainer weights`; to make others:",
        "`okng-trainer teacher pretrain`.",
        "",
        *lines,
        "",
        *(f"- {each}" for each in said),
        "",
    ]
    options.page.write_text("\n".join(text), "utf-8")


def main() -> None:
    """Run, print each figure as it comes and the table at the end, write figures and page where asked."""
    options = _options()
    sets = find_sets(options.data)
    options.sets = options.sets or list(sets)
    unknown = [name for name in options.sets if name not in sets]
    if unknown:
        sys.exit(f"no set called {', '.join(unknown)}; there are {', '.join(sets)}")
    using = teachers(options.weights, options.cache)
    found: dict[tuple[str, str, str], float] = {}
    for teacher, task, run in runs(options, sets, using):
        auroc = figures.auroc(np.array(run.good), np.array(run.bad))
        found[task.method, task.set_name, teacher.name] = auroc
        print(
            f"{task.method:12}{task.set_name:16}{teacher.name:32}{auroc:6.3f}{run.train_s:7.0f} s", flush=True
        )
    if not found:
        sys.exit("nothing was run and nothing is in the cache")
    lines, said = table(found, using), verdicts(found, using)
    print("", *lines, "", *said, sep="\n")
    if options.json:
        options.json.write_text(json.dumps(_as_json(found, using), indent=2) + "\n", "utf-8")
    if options.page:
        write_page(lines, said, options)


def _as_json(found: Found, using: list[Teacher]) -> dict[str, object]:
    methods = dict.fromkeys(method for method, _, _ in found)
    return {
        method: {
            "sets": {
                name: {
                    each.name: found[method, name, each.name]
                    for each in using
                    if (method, name, each.name) in found
                }
                for name in _sets_of(found, method)
            },
            "mean": mean_by_teacher(found, method, using),
        }
        for method in methods
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of sets; without it only the rendered products")
    parser.add_argument(
        "--weights", type=_names, default=["bundled", "random"], help="bundled, random, file:PATH"
    )
    parser.add_argument("--methods", type=_names, default=["ours_stfpm"], help="ours_stfpm, stfpm")
    parser.add_argument("--sets", type=_names, help="default: all there are")
    parser.add_argument("--shots", type=int, default=4, help="photographs to learn from")
    parser.add_argument("--seed", type=int, default=0, help="the draw of the photographs")
    parser.add_argument("--epochs", type=int, default=400, help="of anomalib's STFPM")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where every run is kept")
    parser.add_argument("--report-only", action="store_true", help="sum up what is in the cache")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--page", type=Path, help="write the page (Markdown) here")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


if __name__ == "__main__":
    main()
