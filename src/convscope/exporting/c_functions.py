"""The functions of the C file, by name; only those that a network calls are written.

Maps are rows, columns, channels, channels fastest. ``kr, kc`` is the kernel size, ``sr, sc`` strides, ``dr, dc``
dilation, ``top, left`` the padding before; windows are clipped to the image.
"""

CONV2D = """\
static void conv2d(const float *x, const float *kernel, const float *bias, float *y, int h, int w, int c, int oh,
                   int ow, int f, int kr, int kc, int sr, int sc, int dr, int dc, int top, int left, int groups) {
  const int depth = c / groups, filters = f / groups;
  for (int row = 0; row < oh; row++) for (int column = 0; column < ow; column++) {
    float *out = y + (row * ow + column) * f;
    for (int k = 0; k < f; k++) out[k] = bias ? bias[k] : 0.0f;
    for (int i = 0; i < kr; i++) for (int j = 0; j < kc; j++) {
      const int r = row * sr + i * dr - top, s = column * sc + j * dc - left;
      if (r < 0 || r >= h || s < 0 || s >= w) continue;
      for (int g = 0; g < groups; g++) for (int d = 0; d < depth; d++) {
        const float value = x[(r * w + s) * c + g * depth + d];
        const float *row_of_kernel = kernel + ((i * kc + j) * depth + d) * f + g * filters;
        for (int k = 0; k < filters; k++) out[g * filters + k] += value * row_of_kernel[k];
      }
    }
  }
}
"""

DEPTHWISE_CONV2D = """\
static void depthwise_conv2d(const float *x, const float *kernel, const float *bias, float *y, int h, int w, int c,
                             int oh, int ow, int f, int kr, int kc, int sr, int sc, int dr, int dc, int top, int left) {
  const int multiplier = f / c;
  for (int row = 0; row < oh; row++) for (int column = 0; column < ow; column++) {
    float *out = y + (row * ow + column) * f;
    for (int k = 0; k < f; k++) out[k] = bias ? bias[k] : 0.0f;
    for (int i = 0; i < kr; i++) for (int j = 0; j < kc; j++) {
      const int r = row * sr + i * dr - top, s = column * sc + j * dc - left;
      if (r < 0 || r >= h || s < 0 || s >= w) continue;
      for (int d = 0; d < c; d++) for (int m = 0; m < multiplier; m++)
        out[d * multiplier + m] += x[(r * w + s) * c + d] * kernel[((i * kc + j) * c + d) * multiplier + m];
    }
  }
}
"""

SEPARABLE_CONV2D = """\
static void separable_conv2d(const float *x, const float *depthwise, const float *pointwise, const float *bias,
                             float *y, int h, int w, int c, int oh, int ow, int f, int middle, int kr,
                             int kc, int sr, int sc, int dr, int dc, int top, int left) {
  const int multiplier = middle / c;
  for (int row = 0; row < oh; row++) for (int column = 0; column < ow; column++) {
    float *out = y + (row * ow + column) * f;
    for (int k = 0; k < f; k++) out[k] = bias ? bias[k] : 0.0f;
    for (int d = 0; d < middle; d++) {
      float sum = 0.0f;
      for (int i = 0; i < kr; i++) for (int j = 0; j < kc; j++) {
        const int r = row * sr + i * dr - top, s = column * sc + j * dc - left;
        if (r < 0 || r >= h || s < 0 || s >= w) continue;
        sum += x[(r * w + s) * c + d / multiplier] * depthwise[(i * kc + j) * middle + d];
      }
      for (int k = 0; k < f; k++) out[k] += sum * pointwise[d * f + k];
    }
  }
}
"""

DENSE = """\
static void dense(const float *x, const float *kernel, const float *bias, float *y, int n, int units) {
  for (int k = 0; k < units; k++) y[k] = bias ? bias[k] : 0.0f;
  for (int i = 0; i < n; i++) for (int k = 0; k < units; k++) y[k] += x[i] * kernel[i * units + k];
}
"""

_POOLING = """\
static void {name}(const float *x, float *y, int h, int w, int c, int oh, int ow, int kr, int kc, int sr,
                   int sc, int top, int left) {{
  for (int row = 0; row < oh; row++) for (int column = 0; column < ow; column++) for (int k = 0; k < c; k++) {{
    {start}
    for (int i = 0; i < kr; i++) for (int j = 0; j < kc; j++) {{
      const int r = row * sr + i - top, s = column * sc + j - left;
      if (r < 0 || r >= h || s < 0 || s >= w) continue;
      const float value = x[(r * w + s) * c + k];
      {step}
    }}
    y[(row * ow + column) * c + k] = {end};
  }}
}}
"""

MAX_POOLING2D = _POOLING.format(
    name="max_pooling2d", start="float found = -INFINITY;", step="if (value > found) found = value;", end="found"
)

AVERAGE_POOLING2D = _POOLING.format(
    name="average_pooling2d",
    start="float sum = 0.0f; int count = 0;",
    step="sum += value; count++;",
    end="sum / (float)count",
)

GLOBAL_AVERAGE_POOLING2D = """\
static void global_average_pooling2d(const float *x, float *y, int places, int c) {
  for (int k = 0; k < c; k++) {
    float sum = 0.0f;
    for (int i = 0; i < places; i++) sum += x[i * c + k];
    y[k] = sum / (float)places;
  }
}
"""

GLOBAL_MAX_POOLING2D = """\
static void global_max_pooling2d(const float *x, float *y, int places, int c) {
  for (int k = 0; k < c; k++) {
    float found = x[k];
    for (int i = 1; i < places; i++) if (x[i * c + k] > found) found = x[i * c + k];
    y[k] = found;
  }
}
"""

AFFINE = """\
static void affine(const float *x, const float *factor, const float *shift, float *y, int places, int c) {
  for (int i = 0; i < places; i++) for (int k = 0; k < c; k++) y[i * c + k] = x[i * c + k] * factor[k] + shift[k];
}
"""

LAYER_NORMALIZATION = """\
static void layer_normalization(const float *x, const float *gamma, const float *beta, float *y, int places, int c,
                                float epsilon) {
  for (int i = 0; i < places; i++) {
    float mean = 0.0f, variance = 0.0f;
    for (int k = 0; k < c; k++) mean += x[i * c + k];
    mean /= (float)c;
    for (int k = 0; k < c; k++) variance += (x[i * c + k] - mean) * (x[i * c + k] - mean);
    const float deviation = sqrtf(variance / (float)c + epsilon);
    for (int k = 0; k < c; k++)
      y[i * c + k] = (x[i * c + k] - mean) / deviation * (gamma ? gamma[k] : 1.0f) + (beta ? beta[k] : 0.0f);
  }
}
"""

LEAKY = """\
static void leaky(const float *x, float *y, int n, float slope) {
  for (int i = 0; i < n; i++) y[i] = x[i] > 0.0f ? x[i] : slope * x[i];
}
"""

ZERO_PADDING2D = """\
static void zero_padding2d(const float *x, float *y, int h, int w, int c, int oh, int ow, int top, int left) {
  for (int i = 0; i < oh * ow * c; i++) y[i] = 0.0f;
  for (int row = 0; row < h; row++) for (int i = 0; i < w * c; i++)
    y[((row + top) * ow + left) * c + i] = x[row * w * c + i];
}
"""

ADD = """\
static void add(const float *x, const float *other, float *y, int n) {
  for (int i = 0; i < n; i++) y[i] = x[i] + other[i];
}
"""

COPY_CHANNELS = """\
static void copy_channels(const float *x, float *y, int places, int c, int channels, int start) {
  for (int i = 0; i < places; i++) for (int k = 0; k < c; k++) y[i * channels + start + k] = x[i * c + k];
}
"""

COPY = """\
static void copy(const float *x, float *y, int n) {
  for (int i = 0; i < n; i++) y[i] = x[i];
}
"""

_ELEMENTWISE = {
    "relu": "x > 0.0f ? x : 0.0f",
    "relu6": "x < 0.0f ? 0.0f : x > 6.0f ? 6.0f : x",
    "leaky_relu": "x > 0.0f ? x : 0.2f * x",
    "elu": "x > 0.0f ? x : expm1f(x)",
    "selu": "1.05070099f * (x > 0.0f ? x : 1.67326324f * expm1f(x))",
    "gelu": "0.5f * x * (1.0f + erff(x * 0.707106781f))",
    "silu": "x / (1.0f + expf(-x))",
    "hard_silu": "x * (x < -3.0f ? 0.0f : x > 3.0f ? 1.0f : x / 6.0f + 0.5f)",
    "mish": "x * tanhf(x > 20.0f ? x : log1pf(expf(x)))",
    "softplus": "x > 20.0f ? x : log1pf(expf(x))",
    "softsign": "x / (1.0f + fabsf(x))",
    "sigmoid": "1.0f / (1.0f + expf(-x))",
    "hard_sigmoid": "x < -3.0f ? 0.0f : x > 3.0f ? 1.0f : x / 6.0f + 0.5f",
    "tanh": "tanhf(x)",
}
"""Each activation as an expression of x."""

ACTIVATIONS = {name: f"activate_{name}" for name in _ELEMENTWISE}
"""Activation to the function that applies it in place."""

FUNCTIONS = {
    "conv2d": CONV2D,
    "depthwise_conv2d": DEPTHWISE_CONV2D,
    "separable_conv2d": SEPARABLE_CONV2D,
    "dense": DENSE,
    "max_pooling2d": MAX_POOLING2D,
    "average_pooling2d": AVERAGE_POOLING2D,
    "global_average_pooling2d": GLOBAL_AVERAGE_POOLING2D,
    "global_max_pooling2d": GLOBAL_MAX_POOLING2D,
    "affine": AFFINE,
    "layer_normalization": LAYER_NORMALIZATION,
    "leaky": LEAKY,
    "zero_padding2d": ZERO_PADDING2D,
    "add": ADD,
    "copy_channels": COPY_CHANNELS,
    "copy": COPY,
} | {
    f"activate_{name}": (
        f"static void activate_{name}(float *y, int n) {{\n"
        f"  for (int i = 0; i < n; i++) {{\n    const float x = y[i];\n    y[i] = {expression};\n  }}\n}}\n"
    )
    for name, expression in _ELEMENTWISE.items()
}
