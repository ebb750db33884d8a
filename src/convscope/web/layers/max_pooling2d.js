// MaxPooling2D: the largest value of each window.

import { by } from "#web/core/layer_descriptions.js";
import { pooling_kind } from "#web/core/pooling_kind.js";
import { word } from "#web/core/words.js";

export default pooling_kind("max", "window", ({ config }) => word("layer.max", { size: by(config.pool_size) }));
