// GlobalAveragePooling2D: the mean of each feature map.

import { pooling_kind } from "#web/core/pooling_kind.js";
import { word } from "#web/core/words.js";

export default pooling_kind("average", "global", () => word("layer.global_average"));
