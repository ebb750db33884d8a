// Activation: the function that its config names.

import { activation } from "#web/core/activations.js";
import { activation_kind } from "#web/core/activation_kind.js";

export default activation_kind(({ config }) => activation(config.activation), { arguments: { activation: undefined } });
