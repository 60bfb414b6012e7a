/**
 * Type attributes of TensorFlow's kernels. A call finds them out from its inputs; a graph wants them written down.
 *
 * Kernels by the attributes of their inputs, one word an input: `T` says that the input's type is the attribute T,
 * `T*N` that N inputs of type T stand here, `-` that the type is fixed. From TensorFlow's own list of operations.
 */
const KERNELS: Readonly<Record<string, string>> = {
  T:
    'Abs Acos Acosh Asin Asinh Atan Atanh AvgPool AvgPool3D Ceil ComplexAbs Cos Cosh DepthToSpace Diag Elu Erf Exp ' +
    'Expm1 Floor Identity Imag IsFinite IsInf IsNan L2Loss LRN LeakyRelu Log Log1p LogSoftmax MaxPool MaxPool3D Neg ' +
    'OnesLike Real Reciprocal Relu Relu6 Rint Round Rsqrt Selu Sigmoid Sign Sin Sinh Softmax Softplus Sqrt Square ' +
    'Tan Tanh Unpack Where ZerosLike',
  'T T':
    'Add AddV2 Atan2 BatchMatMulV2 BitwiseAnd BroadcastArgs Complex Conv2D Conv3D DepthwiseConv2dNative Dilation2D ' +
    'Div DivNoNan EluGrad Equal FloorDiv FloorMod Greater GreaterEqual Less LessEqual MatMul Maximum Minimum Mul ' +
    'MulNoNan NotEqual Pow RealDiv SquaredDifference Sub',
  'T T T':
    'ClipByValue Dilation2DBackpropFilter Dilation2DBackpropInput LRNGrad MaxPoolGrad QuantizeAndDequantizeV2',
  'T*N': 'AddN Einsum Pack',
  'T*N Tidx': 'ConcatV2',
  'T Tidx': 'ArgMax ArgMin BroadcastTo Cumprod Cumsum Max Mean Min Prod ReverseV2 Sum',
  '- Tidx': 'All Any',
  '- T': 'AvgPool3DGrad AvgPoolGrad ResizeBilinearGrad',
  '- T T': 'Conv2DBackpropInput DepthwiseConv2dNativeBackpropInput Select SelectV2',
  '- - T': 'Bincount',
  'T -': 'NthElement ResizeBilinear ResizeNearestNeighbor ResizeNearestNeighborGrad',
  'T - T': 'Conv2DBackpropFilter Conv3DBackpropFilterV2 DepthwiseConv2dNativeBackpropFilter',
  'T - - -': 'CropAndResize',
  '-': 'LogicalNot',
  '- -': 'LogicalAnd LogicalOr',
  SrcT: 'Cast',
  Tcomplex: 'FFT IFFT',
  'T Tdim': 'ExpandDims',
  'T Tk': 'TopKV2',
  'T Tlabels': 'SparseSoftmaxCrossEntropyWithLogits',
  'T Tlen -': 'SplitV',
  'T Tmultiples': 'Tile',
  'T Tpaddings': 'MirrorPad Pad',
  'T Tpaddings T': 'PadV2',
  'T Tperm': 'Transpose',
  'T Tshape': 'Reshape',
  'Tshape T T': 'Conv3DBackpropInputV2',
  'T T Tidx': 'LinSpace',
  'T T T T T': 'FusedBatchNorm',
  'T Index Index': 'Slice',
  'T Index Index Index': 'StridedSlice',
  'T Tblock_shape Tcrops': 'BatchToSpaceND',
  'T Tblock_shape Tpaddings': 'SpaceToBatchND',
  'T Tindices T': 'TensorScatterUpdate',
  'T Tindices Tnumsegments': 'UnsortedSegmentSum',
  'Tidx Tidx Tidx': 'Range',
  'Tindices T Tindices': 'ScatterNd',
  'Tindices Tindices T T': 'SparseToDense',
  'Tparams Tindices': 'GatherNd',
  'Tparams Tindices Taxis': 'GatherV2',
  'TInput TInput T': 'MaxPool3DGrad',
  'TI - T T': 'OneHot',
  'index_type T': 'Fill',
};

const INPUTS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(KERNELS).flatMap(([words, names]) =>
    names.split(' ').map((name): [string, string[]] => [name, words.split(' ')]),
  ),
);

/**
 * Attributes that follow from the types of a kernel's inputs: types by the attribute's name, and the number of inputs
 * where it is an attribute too. Undefined for kernels that are not listed here: those that draw numbers at random,
 * change something outside, or were never met.
 */
export function inferredAttributes(
  kernel: string,
  types: readonly number[],
): { types: Map<string, number>; counts: Map<string, number> } | undefined {
  const words = INPUTS.get(kernel);
  if (!words) return undefined;
  const found = { types: new Map<string, number>(), counts: new Map<string, number>() };
  let at = 0;
  for (const word of words) {
    const [type, number] = word.split('*');
    const count = number === undefined ? 1 : types.length - (words.length - 1);
    if (number !== undefined) found.counts.set(number, count);
    if (type !== '-') found.types.set(type, types[at]);
    at += count;
  }
  return found;
}
