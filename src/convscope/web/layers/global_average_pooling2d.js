// GlobalAveragePooling2D: the mean of each feature map.

import { pooling_kind } from "#web/core/pooling_kind.js";

export default pooling_kind("average", "global", () => "Each map is replaced by its mean.");
