"""The report's experiment in ten lines: how often does a run reach zero training error?

Run it: python examples/half_moons.py
"""

from chainrule import TwoLayerClassifier
from chainrule.points import double_moon

RUNS = 10


def main() -> int:
    """Train with other initial weights each time, and give how many runs reach zero."""
    points = double_moon(1000)
    reached = 0
    for seed in range(RUNS):
        network = TwoLayerClassifier(
            hidden=7, learning_rate=0.2, iterations=50_000, random_state=seed
        )
        error = 1 - network.fit(points.features, points.labels).score(
            points.features, points.labels
        )
        print(f"seed {seed}: {100 * error:.1f} % of the training points wrong")
        reached += error == 0
    print(f"{reached} of {RUNS} runs reach zero")
    return reached


if __name__ == "__main__":
    main()
