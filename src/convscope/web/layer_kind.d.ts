// What a file of layers/ exports. Types only: this file is not part of any page.

import type { Activation, SoftmaxTerms } from "#web/core/activations.js";
import type { Span } from "#web/core/conv_arithmetic.js";
import type { LayerRow, Tensor } from "#web/core/network.js";
import type { ChannelTaps, Pixel } from "#web/core/window_terms.js";

/** The default export of a file of layers/. */
export interface LayerKind {
  /** The arguments that are shown, in Keras's order, with Keras's defaults: undefined for a required argument, a function to compute the default from the config. */
  arguments: Record<string, unknown>;
  /** What the layer does, without its activation: one or more sentences. */
  describe: (row: LayerRow) => string;
  /** Shapes by Keras's names; none by default. */
  weight_shapes?: (row: LayerRow) => Record<string, number[]>;
  /** The layer without its activation, prepared for any number of images. */
  forward: (row: LayerRow, weight: Weight) => Step;
  /** The gradient at each input. */
  backward: (given: Backward) => Float64Array[];
  /** For a layer that is not linear, multipliers at each input that treat its statistics as fixed; `backward` by default. */
  linearized?: (given: Backward) => Float64Array[];
  /** What one output value is made of. */
  terms: (place: Place) => Terms;
  /** The same as an equation and parts to show. */
  explain: (terms: any, names: Names) => Explanation;
  /** For a layer that is an activation; by default the one that `config.activation` names. */
  activation?: (row: LayerRow) => Activation | null;
  /** The rows and columns of the input that some outputs depend on; by default those of the window in `config`, or the same ones. */
  input_span?: (row: LayerRow, span: Span) => Span | null;
  /** For a flat output: the place of the input that one unit copies. */
  unit_source?: (row: LayerRow, index: number) => { row: number; column: number; channel: number } | null;
  /** For a flat output: where one unit comes from. */
  origin?: (row: LayerRow, index: number) => string;
  /** Of several inputs, the one that the value comes from; the first by default. */
  strongest_input?: (terms: any) => number;
  /** Of several input channels, the one that contributes most. */
  strongest_channel?: (terms: any) => number;
  /** Each output has the position of one input value. */
  keeps_positions?: boolean;
  /** Each output map is made of the input map with the same number. */
  keeps_maps?: boolean;
  /** Each output depends on one input value only. */
  elementwise?: boolean;
  /** Outputs equal inputs when predicting. */
  identity?: boolean;
}

/** A weight of one layer by Keras's name, such as "kernel"; null where the layer has none of that name. */
export type Weight = (name: string) => Tensor | null;

export type Step = (inputs: Float32Array[]) => { result: Float32Array; depthwise?: Tensor };

/** `gradient` is at the output, before the activation. */
export interface Backward {
  row: LayerRow;
  weight: Weight;
  inputs: Tensor[];
  gradient: Float64Array;
}

/** One output value. */
export interface Place {
  row: LayerRow;
  weight: Weight;
  inputs: Tensor[];
  /** Ignored where the output has no rows and columns. */
  r: number;
  c: number;
  /** Or unit. */
  channel: number;
  /** The output itself, after the activation. */
  value: number;
  /** All values of the layer before its activation. */
  pre_activation: Float32Array | null;
  /** How many products of a dense unit to list. */
  limit: number;
}

/** What to call the inputs, and the source of one value of a flat input. */
export interface Names {
  inputs: string[];
  origin: (index: number) => string;
}

export type Product = { index: number; input: number; weight: number; product: number };

/** `sum` is before the activation. */
export type Ending = { bias: number; sum: number; activation: string; value: number };

export type ConvolutionTerms = { kind: "convolution"; channels: ChannelTaps[] } & Ending;
export type SeparableTerms = { kind: "separable"; depthwise: ChannelTaps[]; pointwise: Product[] } & Ending;
/** `contributions` are the largest products, positive or negative; `rest` is the sum of the others. */
export type DenseTerms = { kind: "dense"; contributions: Product[]; rest: number; rest_count: number; softmax: SoftmaxTerms | null } & Ending;
/** `winner` is the index of the largest pixel, the first of equals; null for a mean. */
export type PoolingTerms = { kind: "pooling"; pixels: Pixel[]; winner: number | null; value: number };
export type NormalizationTerms = {
  kind: "normalization"; input: number; mean: number; variance: number; gamma: number; beta: number; epsilon: number; value: number;
};
export type AffineTerms = { kind: "affine"; input: number; scale: number; offset: number; value: number };
export type SumTerms = { kind: "sum"; inputs: number[]; value: number };
export type ActivationTerms = { kind: "activation"; activation: string; input: number; softmax: SoftmaxTerms | null; value: number };
/** The place of the input that is copied; not inside means a 0 of the padding. `source` says which of several inputs. */
export type CopyTerms = { kind: "copy"; source?: number; input: number; row: number; column: number; channel: number; inside: boolean; value: number };

export type Terms =
  | ConvolutionTerms | SeparableTerms | DenseTerms | PoolingTerms | NormalizationTerms | AffineTerms | SumTerms | ActivationTerms
  | CopyTerms;

export type Item = { name: string; input: number; weight: number; product: number };

/** A part of an explanation; `view/terms.js` shows each type. */
export type Part =
  | { type: "text"; text: string }
  | { type: "windows"; channels: ChannelTaps[]; source: string }
  | { type: "products"; title: string; items: Item[]; rest: number; rest_count: number }
  | { type: "ending"; ending: Ending }
  | { type: "pixels"; pixels: Pixel[]; winner: number | null }
  | { type: "softmax"; softmax: SoftmaxTerms };

export type Explanation = { equation: string; parts: Part[] };
