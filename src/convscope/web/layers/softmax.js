// Softmax as a layer.

import { activation } from "#web/core/activations.js";
import { activation_kind } from "#web/core/activation_kind.js";

export default activation_kind(() => activation("softmax"), { elementwise: false });
