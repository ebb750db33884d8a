// GlobalMaxPooling2D: the largest value of each feature map.

import { pooling_kind } from "#web/core/pooling_kind.js";
import { word } from "#web/core/words.js";

export default pooling_kind("max", "global", () => word("layer.global_max"));
