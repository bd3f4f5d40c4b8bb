"""Speed of sentiment and fingerprints, beside vaderSentiment in the same run.

    python benchmarks/bench_sentiment.py [--json FILE]

Both sides score the same texts by turns, so that a busy machine slows both. Texts are VADER's rated tweets and patient
feedback where ../shared/data holds them (or TRENDMONITOR_SHARED names the folder), otherwise texts drawn from VADER's
own lexicon. Longer texts are tweets and feedback joined: far denser in feeling than prose, so hard for us.
The table goes to standard error and JSON to standard output or the file.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import random
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from vaderSentiment.vaderSentiment import BOOSTER_DICT, NEGATE, SentimentIntensityAnalyzer

from monitor.core.fingerprint import content_hash, duplicate_keys
from monitor.core.sentiment import Sentiment
from monitor.core.vader import Vader, package_lexicon

ROOT = Path(__file__).parents[1]
TARGETS = {"tweets": 3.0, "600 characters": 6.0, "6 KB": 10.0}


def real_texts(folder: Path) -> tuple[list[str], list[str]] | None:
    tweets = folder / "sentiment" / "vader" / "tweets_GroundTruth.txt"
    feedback = folder / "sentiment" / "nhs_feedback" / "neas.csv"
    if not (tweets.is_file() and feedback.is_file()):
        return None
    lines = tweets.read_text(encoding="utf-8").splitlines()
    with feedback.open(encoding="utf-8", newline="") as file:
        answers = [row["text"] for row in csv.DictReader(file)]
    return [line.split("\t", 2)[2] for line in lines if line], answers


def generated_texts(chooser: random.Random) -> tuple[list[str], list[str]]:
    scored = sorted(word for word in package_lexicon() if word.isalpha())
    modifiers = [*BOOSTER_DICT, *NEGATE, "but", "this", "no"]
    plain = [f"word{i}" for i in range(3000)]

    def sentence() -> str:
        words = [chooser.choices((plain, scored, modifiers), (8, 1, 1))[0] for _ in range(chooser.randint(8, 20))]
        return " ".join(chooser.choice(kind) for kind in words) + chooser.choice(".....!?")

    return [sentence() for _ in range(4000)], [sentence() for _ in range(4000)]


def joined(pool: Sequence[str], characters: int, count: int, chooser: random.Random) -> list[str]:
    return [" ".join(chooser.choices(pool, k=characters // 25))[:characters] for _ in range(count)]


def by_turns(sides: dict[str, Callable[[str], Any]], texts: Sequence[str], rounds: int) -> dict[str, float]:
    """Seconds per text of each side, the best of some rounds in which the sides take turns."""
    best = dict.fromkeys(sides, float("inf"))
    for _ in range(rounds):
        for name, score in sides.items():
            started = time.perf_counter()
            for text in texts:
                score(text)
            best[name] = min(best[name], (time.perf_counter() - started) / len(texts))
    return best


def run() -> dict[str, Any]:
    chooser = random.Random(1)
    folder = Path(os.environ.get("TRENDMONITOR_SHARED") or ROOT.parent / "shared" / "data")
    real = real_texts(folder)
    tweets, feedback = real or generated_texts(chooser)
    sets = {
        "tweets": (tweets[:1500], 5),
        "feedback": (feedback[:1500], 5),
        "600 characters": (joined([*tweets, *feedback], 600, 150, chooser), 5),
        "6 KB": (joined([*tweets, *feedback], 6_000, 12, chooser), 3),
    }
    reference, fast = SentimentIntensityAnalyzer(), Vader()
    sentiment = Sentiment.build(yaml.safe_load((ROOT / "config" / "lexicon.yaml").read_text(encoding="utf-8")))
    rows = []
    for name, (texts, rounds) in sets.items():
        differing = sum(reference.polarity_scores(text) != fast.polarity_scores(text) for text in texts)
        seconds = by_turns(
            {
                "vaderSentiment": reference.polarity_scores,
                "four scores": fast.polarity_scores,
                "with medical lexicon": lambda text: sentiment.score(text, "en"),
                "duplicate keys": lambda text: duplicate_keys("", text),
                "content hash": lambda text: content_hash("", text, None),
            },
            texts,
            rounds,
        )
        rows.append(
            {
                "texts": name,
                "count": len(texts),
                "mean_characters": round(sum(map(len, texts)) / len(texts)),
                "differences": differing,
                "microseconds": {side: round(spent * 1e6, 2) for side, spent in seconds.items()},
                "ratio": round(seconds["vaderSentiment"] / seconds["four scores"], 2),
                "target": TARGETS.get(name),
            }
        )
    return {
        "benchmark": "sentiment",
        "corpus": "rated tweets and patient feedback" if real else "generated",
        "python": platform.python_version(),
        "vaderSentiment": version("vaderSentiment"),
        "rows": rows,
    }


def table(result: dict[str, Any]) -> str:
    lines = [
        f"sentiment, {result['corpus']}, Python {result['python']}, µs per text (best of interleaved rounds)",
        f"{'texts':<16}{'chars':>7}{'VADER':>10}{'ours':>9}{'ratio':>8}{'target':>8}{'differ':>8}"
        f"{'medical':>10}{'dup. keys':>11}{'hash':>7}",
    ]
    for row in result["rows"]:
        spent = row["microseconds"]
        target = "" if row["target"] is None else f"{row['target']:.0f}x"
        lines.append(
            f"{row['texts']:<16}{row['mean_characters']:>7}{spent['vaderSentiment']:>10.1f}{spent['four scores']:>9.1f}"
            f"{row['ratio']:>7.1f}x{target:>8}{row['differences']:>8}{spent['with medical lexicon']:>10.1f}"
            f"{spent['duplicate keys']:>11.1f}{spent['content hash']:>7.1f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of sentiment and fingerprints beside vaderSentiment.")
    parser.add_argument("--json", type=Path, help="write the JSON document here instead of to standard output")
    arguments = parser.parse_args()
    result = run()
    print(table(result), file=sys.stderr)
    document = json.dumps(result, indent=2)
    if arguments.json:
        arguments.json.write_text(document + "\n", encoding="utf-8")
    else:
        print(document)


if __name__ == "__main__":
    main()
