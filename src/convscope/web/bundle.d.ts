// Generated from report/bundle.py by scripts/types: do not edit.

/** As `arithmetic.ReceptiveField`, on one axis. */
export interface ReceptiveFieldJson {
  size: number;
  jump: number;
  start: number;
}

/** One row of the shape table; an input is the name of a layer, or "input" for the image. */
export interface LayerJson {
  name: string;
  kind: string;
  config: Record<string, any>;
  inputs: string[];
  input_shape: number[];
  output_shape: number[];
  parameters: number;
  multiply_adds: number;
  receptive_field: ReceptiveFieldJson[] | null;
}

/** A spec with its shapes. */
export interface NetworkJson {
  name: string;
  input_shape: number[];
  num_classes: number;
  parameters: number;
  multiply_adds: number;
  layers: LayerJson[];
}

/** An array: little-endian bytes in base64, row-major. */
export interface ArrayJson {
  dtype: string;
  shape: number[];
  base64: string;
}

/** What another engine computed for a few images; `model.reference` defines which values are sampled. */
export interface ReferenceJson {
  engine: string;
  images: ArrayJson;
  logits: ArrayJson;
  samples: Record<string, ArrayJson>;
}

/** One labeled image; its pixels are in `PicturesJson.pixels` at the same position. */
export interface PictureJson {
  index: number;
  name: string;
  label: number;
  predicted: number;
  probability: number;
  known_wrong: boolean;
  gallery: boolean;
}

/** Images of the evaluated split: a gallery that was not selected by prediction, then the mistakes. With encoding "deflate", the bytes of ``pixels`` are compressed by zlib, which keeps them exact; with "zeros", each run of zeros is a 0 and its length; with "", and in older bundles, which have no encoding, they are as they are. */
export interface PicturesJson {
  part: string;
  encoding: string;
  pixels: ArrayJson;
  entries: PictureJson[];
}

/** The limit of the total variation: an image of twice ``largest`` has ``weight`` added to its distance. */
export interface VariationJson {
  largest: number;
  weight: number;
}

/** When the page gives no class. The features are the input of ``layer``, maps of shape ``grid``. A direction is a column of ``directions`` times its step. ``quantiles`` are evenly spaced quantiles of the scores of ``n`` held-out images; above ``threshold`` an image is rejected, which is so for at most ``level`` of images like these. Both are null where too few were held out. ``codes`` has a row for each image of the page: its first coordinates along the directions, divided by ``code_step``. */
export interface RejectionJson {
  layer: string;
  grid: number[];
  center: ArrayJson;
  directions: ArrayJson;
  steps: number[];
  scale: number;
  n: number;
  level: number | null;
  threshold: number | null;
  quantiles: number[];
  rejects_blank: boolean;
  centers_logits: boolean;
  variation: VariationJson | null;
  codes: ArrayJson;
  code_step: number;
}

/** Test images as points, one row of each array for each image. A coordinate is ``low + point / 65535 * span``. Another image has the components ``components @ features * scale - offset``; with PCA these are its coordinates. */
export interface TestMapJson {
  method: string;
  layer: string;
  trustworthiness: number;
  explained_variance: number | null;
  indexes: ArrayJson;
  labels: ArrayJson;
  predicted: ArrayJson;
  points: ArrayJson;
  low: number[];
  span: number;
  components: ArrayJson;
  scale: number[];
  offset: number[];
  codes: ArrayJson | null;
}

/** For each map of a layer its images, the most exciting first: ``(maps, images)``. ``entries`` are positions in `PicturesJson.entries`, ``places`` are ``row * width + column`` of the maximum in the map, in the output of the layer ``output``. ``best`` is the largest value of each map in all images examined, ``examined`` their number. */
export interface TopImagesJson {
  output: string;
  entries: ArrayJson;
  places: ArrayJson;
  values: ArrayJson;
  best: ArrayJson;
  examined: number;
}

/** One moment: its weights, and how its network classifies the images of all moments. ``weights`` is base64 of the compressed bytes of all tensors, sorted by name. A tensor with at least two dimensions has float32 steps, one for each entry of its last axis, then int8 values, which are multiples of them; another one has float16 values. Numbers are little-endian. The last moment has none: it is the trained network. */
export interface MomentJson {
  step: number;
  epoch: number;
  confusion: number[][];
  weights: string;
}

/** Moments of the training, in order; the last one is the trained network. ``bits`` are those of kernels. */
export interface MomentsJson {
  images: number;
  bits: number;
  dropped: number;
  moments: MomentJson[];
}

/** With ``folds``: the accuracy of all images, each by a network that was trained without it. */
export interface CrossValidationJson {
  folds: number;
  accuracy: Record<string, any>;
}

/** Everything the page shows. */
export interface Bundle {
  schema_version: number;
  convscope: string;
  title: string;
  network: NetworkJson;
  class_names: string[];
  preprocessing: Record<string, any>;
  temperature: number;
  weights: Record<string, ArrayJson>;
  reference: ReferenceJson;
  pictures: PicturesJson;
  rejection: RejectionJson | null;
  test_map: TestMapJson | null;
  top_images: Record<string, TopImagesJson>;
  moments: MomentsJson | null;
  evaluation: Record<string, any> | null;
  cross_validation: CrossValidationJson | null;
  reliability: Record<string, any> | null;
  claimed_pairs: (Record<string, any>)[];
  history: (Record<string, any>)[];
  training: Record<string, any>;
  keras_source: string;
}
