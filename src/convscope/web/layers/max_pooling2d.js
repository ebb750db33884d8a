// MaxPooling2D: the largest value of each window.

import { by } from "#web/core/layer_descriptions.js";
import { pooling_kind } from "#web/core/pooling_kind.js";

export default pooling_kind("max", "window", ({ config }) => `Each ${by(config.pool_size)} window is replaced by its largest value.`);
