"""Rounding errors of Winograd's algorithm F(4x4, 3x3) in f32, by evaluation points.

Prints the largest error, as a fraction of the largest output, on 512 channels: `python points.py`. Needs NumPy.
"""

import numpy as np

CHANNELS, OUTPUTS, SPAN, STEP, TAPS = 512, 64, 6, 4, 3


def transforms(points):
    """A^T, G and B^T of y = A^T [(G g) * (B^T d)], with infinity as the last point."""
    power = lambda count: [[point**i for i in range(count)] for point in points]
    to_outputs = np.array(power(STEP) + [[0.0] * (STEP - 1) + [1.0]]).T
    denominators = [np.prod([p - q for q in points if q != p]) for p in points]
    of_taps = np.array(power(TAPS)) / np.array(denominators)[:, None]
    of_taps = np.vstack([of_taps, [0.0] * (TAPS - 1) + [1.0]])
    # Output i is the sum over taps j of input i + j: linear equations for B^T.
    products = np.array([to_outputs[i] * of_taps[:, j] for i in range(STEP) for j in range(TAPS)])
    inputs = np.array([np.eye(SPAN)[i + j] for i in range(STEP) for j in range(TAPS)])
    of_inputs = np.linalg.lstsq(products, inputs, rcond=None)[0]
    return [matrix.astype(np.float32) for matrix in (to_outputs, of_taps, of_inputs)]


def winograd(points, image, weights):
    to_outputs, of_taps, of_inputs = transforms(points)
    both = lambda matrix, values: matrix @ values @ matrix.T
    sums = np.zeros((OUTPUTS, SPAN, SPAN), np.float32)
    for channel in range(CHANNELS):
        sums += both(of_taps, weights[:, channel]) * both(of_inputs, image[channel])
    return both(to_outputs, sums)


def correlation(image, weights):
    """In the order of an ordinary sum, in the type of its inputs."""
    outputs = np.zeros((OUTPUTS, STEP, STEP), image.dtype)
    for channel in range(CHANNELS):
        for y in range(TAPS):
            for x in range(TAPS):
                window = image[channel, y : y + STEP, x : x + STEP]
                outputs += weights[:, channel, y, x, None, None] * window
    return outputs


def main():
    random = np.random.default_rng(0)
    image = random.uniform(-1, 1, (CHANNELS, SPAN, SPAN)).astype(np.float32)
    weights = random.uniform(-1, 1, (OUTPUTS, CHANNELS, TAPS, TAPS)).astype(np.float32)
    exact = correlation(image.astype(float), weights.astype(float))
    error = lambda found: np.abs(found - exact).max() / np.abs(exact).max()
    print(f"ordinary sums: {error(correlation(image, weights)):.1e}")
    for a, b in [(0.625, 1.5), (1.0, 2.0)]:
        found = winograd([0.0, a, -a, b, -b], image, weights)
        print(f"points 0, ±{a}, ±{b}, infinity: {error(found):.1e}")


if __name__ == "__main__":
    main()
