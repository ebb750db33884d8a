"""The search for ink, written with plain loops: what the fast functions of `convscope.data.ink` must equal."""

from __future__ import annotations

import numpy as np

from convscope.data.ink import background, components, ruled_lines, sheet


def connected_components(mask):
    h, w = mask.shape
    labels, count = np.zeros((h, w), np.int64), 0
    for row, column in zip(*np.nonzero(mask), strict=True):
        if labels[row, column]:
            continue
        count += 1
        labels[row, column] = count
        reached = [(row, column)]
        while reached:
            y, x = reached.pop()
            for v in range(max(0, y - 1), min(h, y + 2)):
                for u in range(max(0, x - 1), min(w, x + 2)):
                    if mask[v, u] and not labels[v, u]:
                        labels[v, u] = count
                        reached.append((v, u))
    starts, ends, numbers = [], [], []
    for row in range(h):
        for column in range(w):
            if mask[row, column] and (column == 0 or not mask[row, column - 1]):
                starts.append(row * w + column)
                numbers.append(labels[row, column])
            if mask[row, column] and (column == w - 1 or not mask[row, column + 1]):
                ends.append(row * w + column + 1)
    return components.Components((h, w), *(np.array(one, np.int64) for one in (starts, ends, numbers)), count)


def measure_components(found, *, weights, edge):
    parts = []
    for number in range(1, found.count + 1):
        at = np.flatnonzero(found.labels.reshape(-1) == number)
        ys, xs = np.divmod(at, found.shape[1])
        box = ys.min(), ys.max() + 1, xs.min(), xs.max() + 1
        sums = (int(one.reshape(-1)[at].astype(np.int64).sum()) for one in (weights, edge))
        parts.append(components.Component(number, *map(int, box), len(at), *sums))
    return parts


def sharp_parts(mask, found, rise, contrast):
    window = 2 * max(1, max(rise.shape) // 64) + 1
    step = running(rise, window, np.maximum) - running(rise, window, np.minimum)
    outline = mask & (running(mask.astype(np.uint8), 3, np.minimum) == 0)
    sharp = [False]
    for number in range(1, found.count + 1):
        levels = step[outline & (found.labels == number)]
        sharp.append(bool(np.count_nonzero(2 * levels.astype(int) >= contrast) * 2 >= len(levels) > 0))
    return np.array(sharp)


def divide_out(gray, region, *, uneven):
    h, w = gray.shape
    if np.count_nonzero(gray) * 2 <= gray.size or min(h, w) < 2 * background.GRID:
        return gray
    samples = kept = block_levels(gray, region)
    surface: list[float] = []
    for turn in range(5):
        if turn:
            heights = background._height(surface, samples[:, 0], samples[:, 1])
            kept = samples[(0.8 * heights <= samples[:, 2]) & (samples[:, 2] <= 1.25 * heights)]
        if len(kept) < background.MIN_BLOCKS or len(kept) * 2 < len(samples):
            return gray
        surface = fit(kept)
    u, v = (2 * np.arange(w) + 1 - w) * background.GRID / w, (2 * np.arange(h) + 1 - h) * background.GRID / h
    values = np.floor(background._height(surface, u[None, :], v[:, None]) + 0.5)
    if not region.any() or values[region].max() <= uneven * max(values[region].min(), 1.0):
        return gray
    high = min(values[region].max(), 255.0)
    values = np.maximum(values, max(1.0, np.floor(high / 12)))
    return np.minimum(255, np.floor(gray * high / values)).astype(np.uint8)


def running(gray, window, better):
    reach, out = window // 2, gray
    for axis in (0, 1):
        before = out
        out = before.copy()
        for step in range(1, reach + 1):
            ahead, behind = [slice(None)] * 2, [slice(None)] * 2
            ahead[axis], behind[axis] = slice(step, None), slice(None, -step)
            ahead, behind = tuple(ahead), tuple(behind)
            out[behind] = better(out[behind], before[ahead])
            out[ahead] = better(out[ahead], before[behind])
    return out


def difference_from_background(gray, region, *, dark):
    window = max(3, min(gray.shape) // 3) | 1
    low = running(np.where(region, gray, 255).astype(np.uint8), window, np.minimum)
    ground = running(np.where(region, low, 0).astype(np.uint8), window, np.maximum).astype(np.int64)
    least = background.MIN_BRIGHTNESS if dark else background.MIN_RANGE
    rise = ((gray - ground) * 255 // np.maximum(255 - ground, least)).clip(0, 255)
    return np.where(region, rise, 0).astype(np.uint8)


def is_darker(gray, region, counts=None):
    padded = np.pad(region, 1)
    inner = np.ones(gray.shape, bool)
    for y in range(3):
        for x in range(3):
            inner &= padded[y : y + gray.shape[0], x : x + gray.shape[1]]
    border, whole = np.sort(gray[region & ~inner]), np.sort(gray[region])

    def level(ordered, fraction):
        return int(ordered[int(fraction * (len(ordered) - 1) + 1e-6)])

    darker = level(border, 0.1) - level(whole, 0.002)
    lighter = level(whole, 0.998) - level(border, 0.9)
    return level(border, 0.5) >= 128 if darker == lighter else darker > lighter


def block_levels(gray, region):
    h, w = gray.shape
    found = []
    for i in range(background.GRID):
        for j in range(background.GRID):
            rows, columns = (
                slice(i * h // background.GRID, (i + 1) * h // background.GRID),
                slice(j * w // background.GRID, (j + 1) * w // background.GRID),
            )
            levels = np.sort(gray[rows, columns][region[rows, columns]])
            if len(levels) * 2 >= (rows.stop - rows.start) * (columns.stop - columns.start):
                level = int(levels[(len(levels) - 1) // 2])
                found.append((2 * j + 1 - background.GRID, 2 * i + 1 - background.GRID, level))
    return np.array(found, np.int64).reshape(-1, 3)


def fit(samples):
    rows = [[0.0] * 7 for _ in range(6)]
    for u, v, level in samples.tolist():
        terms = (1, u, v, u * u, u * v, v * v)
        for i in range(6):
            for j in range(6):
                rows[i][j] += terms[i] * terms[j]
            rows[i][6] += terms[i] * level
    return background.solve(rows)


def find_lines(runs, region):
    mask = runs.mask
    h, w = mask.shape
    free = ruled_lines.dilated_rows(mask)
    ys, xs = np.nonzero(free)
    if len(ys) == 0:
        return []
    candidates: list[tuple[int, int, int]] = []
    reach = w // ruled_lines.SLOPES
    for rise in range(-reach, reach + 1, 2):
        counts = np.bincount(ys - ruled_lines.shift(xs, rise, w) + w, minlength=h + 2 * w)
        rows = np.flatnonzero(counts * 5 >= w)
        peak = counts[rows]
        better = (peak >= counts[np.maximum(rows - 1, 0)]) & (peak > counts[np.minimum(rows + 1, len(counts) - 1)])
        candidates += [(-int(n), int(row) - w, rise) for row, n in zip(rows[better], peak[better], strict=True)]
    candidates.sort()
    del candidates[ruled_lines.MAX_CANDIDATES :]
    lines: list = []
    visible: list[float] = []
    used = np.zeros_like(mask)
    columns = np.arange(w)
    for _, row, rise in candidates:
        at = row + ruled_lines.shift(columns, rise, w)
        within = (at >= 0) & (at < h)
        at, x = at[within], columns[within]
        length = int(region[at, x].sum())
        if length * 3 < w:
            continue
        seen = int((free[at, x] & region[at, x] & ~used[at, x]).sum())
        if seen < ruled_lines.MIN_COVER * length:
            continue
        thickness = ruled_lines.median_thickness(runs, at, x)
        if thickness == 0 or thickness > ruled_lines.MAX_THICKNESS * max(h, w):
            continue
        lines.append(ruled_lines.Line(row, rise, thickness))
        visible.append(seen / length)
        for offset in range(-4, 5):
            used[np.clip(at + offset, 0, h - 1), x] = True
    if len(lines) == 1 and (
        visible[0] < ruled_lines.MIN_COVER_ALONE or lines[0].thickness > ruled_lines.MAX_THICKNESS_ALONE * max(h, w)
    ):
        return []
    return lines


def erase(runs, line, taken):
    w = taken.shape[1]
    most = line.thickness + max(1, line.thickness // 2)
    columns = np.arange(w)
    top, bottom = runs.along(line.row + ruled_lines.shift(columns, line.rise, w), columns)
    for column in np.flatnonzero((bottom > top) & (bottom - top <= most)).tolist():
        taken[max(0, top[column] - 1) : bottom[column] + 1, column] = True


def convex_hull(mask):
    points = []
    for row in np.flatnonzero(mask.any(axis=1)).tolist():
        columns = np.flatnonzero(mask[row])
        left, right = int(columns[0]), int(columns[-1]) + 1
        points += [(left, row), (right, row), (left, row + 1), (right, row + 1)]
    points = sorted(set(points))
    lower, upper = _chain(points), _chain(points[::-1])
    return lower[:-1] + upper[:-1]


def _chain(points):
    out = []
    for point in points:
        while len(out) > 1 and sheet._turn(out[-2], out[-1], point) <= 0:
            out.pop()
        out.append(point)
    return out


def largest_quadrilateral(outline):
    xs, ys = np.array(outline).T
    best = 0
    for i in range(len(outline)):  # a diagonal from corner i to each other, and the farthest corners on its two sides
        x, y = xs - xs[i], ys - ys[i]
        turns = x[:, None] * y[None, :] - y[:, None] * x[None, :]
        best = max(best, int((turns.max(axis=1) - turns.min(axis=1)).max()))
    return best


def fill_polygon(outline, h, w):
    y, x = 2 * np.arange(h)[:, None] + 1, 2 * np.arange(w)[None, :] + 1
    inside = np.ones((h, w), bool)
    for (ax, ay), (bx, by) in zip(outline, outline[1:] + outline[:1], strict=True):
        inside &= (bx - ax) * (y - 2 * ay) - (by - ay) * (x - 2 * ax) >= 0
    return inside


def is_sharp(shown, outline, step):
    h, w = shown.shape
    sharp = n = 0
    for (ax, ay), (bx, by) in zip(outline, outline[1:] + outline[:1], strict=True):
        length = max(abs(bx - ax), abs(by - ay))
        reach = max(abs(bx - ax), abs(by - ay), 1)
        # One step inside is one pixel along the longer coordinate of the normal.
        nx, ny = -(by - ay) / reach, (bx - ax) / reach
        for k in range(length):
            px, py = ax + (bx - ax) * (k + 0.5) / length, ay + (by - ay) * (k + 0.5) / length
            if min(px, py) < 3 or px > w - 3 or py > h - 3:
                continue
            n += 1
            ends = []
            for side in (sheet.SHARP_WITHIN, -sheet.SHARP_WITHIN):
                column = min(max(int(np.floor(px + side * nx)), 0), w - 1)
                row = min(max(int(np.floor(py + side * ny)), 0), h - 1)
                ends.append(int(shown[row, column]))
            sharp += 2 * (ends[0] - ends[1]) >= step
    return n > 0 and sharp >= sheet.MIN_SHARP * n
