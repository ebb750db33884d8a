// GlobalMaxPooling2D: the largest value of each feature map.

import { pooling_kind } from "#web/core/pooling_kind.js";

export default pooling_kind("max", "global", () => "Each map is replaced by its largest value.");
