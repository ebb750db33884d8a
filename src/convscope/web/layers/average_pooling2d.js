// AveragePooling2D: the mean of each window.

import { by } from "#web/core/layer_descriptions.js";
import { pooling_kind } from "#web/core/pooling_kind.js";
import { word } from "#web/core/words.js";

export default pooling_kind("average", "window", ({ config }) => word("layer.average", { size: by(config.pool_size) }));
