// LeakyReLU as a layer; its default slope, 0.3, is not that of the activation "leaky_relu", 0.2.

import { leaky_relu } from "#web/core/activation_functions.js";
import { activation_kind } from "#web/core/activation_kind.js";

export default activation_kind(({ config }) => leaky_relu(config.negative_slope ?? 0.3), { arguments: { negative_slope: 0.3 } });
