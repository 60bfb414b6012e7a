/**
 * The arms of the quantization ablation: what each changes on BitNet b1.58, one thing at a time, and the paper's Table 4
 * crossed in full (arXiv 2310.11453), on binary weights as there.
 */
import { BITNET_B158, FULL_PRECISION, type AblationOptions, type ModelConfig } from '@bitnet-notebooks/lib';
import { findNamed } from '../sweep/find-named.js';

/** Which question an arm belongs to. */
export const AXES = [
  'reference',
  'weights',
  'activations',
  'norm',
  'table-4',
  'straight-through',
  'schedule',
  'feed-forward',
] as const;
export type Axis = (typeof AXES)[number];

/** How the rates fall. `cosine` is the reference; `two-stage` is that of the Training Tips, with a drop halfway. */
export type ScheduleKind = 'cosine' | 'two-stage';

/** One arm: what it changes of the reference, and what it is compared with. */
export interface Arm {
  name: string;
  axis: Axis;
  /** In words, for tables. */
  label: string;
  options: AblationOptions;
  schedule: ScheduleKind;
  /** Weight decay ends halfway. */
  dropsDecay: boolean;
  activation: ModelConfig['hidden_act'];
  /** The arm that this one is compared with: the same but for what the arm changes. */
  against: string;
}

const B1: AblationOptions = { ...BITNET_B158, weight_quantizer: 'sign' };

function arm(axis: Axis, name: string, label: string, change: Partial<Arm> = {}): Arm {
  return {
    name,
    axis,
    label,
    options: { ...BITNET_B158 },
    schedule: 'cosine',
    dropsDecay: false,
    activation: 'relu2',
    against: 'b1.58',
    ...change,
  };
}

function with158(change: Partial<AblationOptions>): Pick<Arm, 'options'> {
  return { options: { ...BITNET_B158, ...change } };
}

function table4(name: string, label: string, change: Partial<AblationOptions>): Arm {
  return arm('table-4', name, label, { options: { ...B1, ...change }, against: 'weights-sign' });
}

const FULL: Pick<Arm, 'options' | 'against'> = { options: { ...FULL_PRECISION }, against: 'full-precision' };

/** Every arm. The cell absmax + SubLN of Table 4 is `weights-sign`. */
export const ARMS: readonly Arm[] = [
  arm('reference', 'b1.58', 'b1.58: ternary, int8, SubLN'),
  arm('reference', 'full-precision', 'full precision', { options: { ...FULL_PRECISION } }),
  // What the papers compare with: Pre-LN in the first, LLaMA's body with SwiGLU in the second.
  arm('reference', 'full-precision-papers', 'full precision, Pre-LN and SwiGLU (the papers’ baseline)', {
    options: { ...FULL_PRECISION, norm_placement: 'preln' },
    activation: 'silu',
  }),

  arm(
    'weights',
    'weights-none',
    'weights in full precision, int8 activations',
    with158({ weight_quantizer: 'none' }),
  ),
  arm('weights', 'weights-sign', '{−1, 1} (b1)', { options: { ...B1 } }),
  arm('weights', 'weights-groups', 'ternary, four scales a matrix', with158({ weight_groups: 4 })),
  arm('weights', 'weights-sign-groups', '{−1, 1}, four scales a matrix', {
    options: { ...B1, weight_groups: 4 },
    against: 'weights-sign',
  }),
  arm('weights', 'weights-sign-own-body', 'b1 in its own body (LayerNorm, no gate)', {
    options: { ...B1, body: 'bitnet-b1' },
    activation: 'gelu',
    against: 'weights-sign',
  }),
  arm(
    'weights',
    'weights-absmedian',
    'ternary by absmedian',
    with158({ weight_quantizer: 'absmedian-ternary' }),
  ),
  arm('weights', 'weights-zero-one', '{0, 1}', with158({ weight_quantizer: 'zero-one' })),
  arm('weights', 'weights-2bit', '2-bit absmax', with158({ weight_quantizer: 'absmax-2bit' })),
  arm('weights', 'weights-4bit', '4-bit absmax', with158({ weight_quantizer: 'absmax-4bit' })),
  arm('weights', 'weights-8bit', '8-bit absmax', with158({ weight_quantizer: 'absmax-8bit' })),

  arm(
    'activations',
    'activations-none',
    'activations in full precision',
    with158({ activation_quantizer: 'none' }),
  ),
  arm(
    'activations',
    'activations-int8-tensor',
    'int8 per tensor',
    with158({ activation_quantizer: 'absmax-int8-tensor' }),
  ),
  arm(
    'activations',
    'activations-int4-absmax',
    'int4 absmax',
    with158({ activation_quantizer: 'absmax-int4-token' }),
  ),
  arm(
    'activations',
    'activations-int4-not-down',
    'int4 absmax, int8 before down_proj',
    with158({ activation_quantizer: 'absmax-int4-token', down_activation_quantizer: 'absmax-int8-token' }),
  ),
  arm(
    'activations',
    'activations-int4-down',
    'int8, int4 absmax before down_proj',
    with158({ down_activation_quantizer: 'absmax-int4-token' }),
  ),
  arm(
    'activations',
    'activations-int4-absmean',
    'int4 absmean (a4.8)',
    with158({ activation_quantizer: 'absmean-int4-token' }),
  ),
  arm(
    'activations',
    'activations-a4.8',
    'int4 and int8 at the sites of a4.8',
    with158({
      activation_quantizer: 'absmean-int4-token',
      output_activation_quantizer: 'top-half-int8-token',
      down_activation_quantizer: 'absmax-int8-token',
    }),
  ),
  arm(
    'activations',
    'activations-elastic',
    'elastic int8 (learned step)',
    with158({ activation_quantizer: 'elastic-int8' }),
  ),

  arm('norm', 'norm-preln', 'Pre-LN', with158({ norm_placement: 'preln' })),
  arm('norm', 'norm-none', 'no norm before the quantizer', with158({ norm_placement: 'none' })),
  arm('norm', 'norm-bmt', 'BMT-like', with158({ norm_placement: 'bmt' })),

  table4('table4-absmax-preln', 'absmax + Pre-LN', { norm_placement: 'preln' }),
  table4('table4-absmax-bmt', 'absmax + BMT', { norm_placement: 'bmt' }),
  table4('table4-elastic-subln', 'elastic + SubLN (not in the paper)', {
    activation_quantizer: 'elastic-int8',
  }),
  table4('table4-elastic-preln', 'elastic + Pre-LN', {
    activation_quantizer: 'elastic-int8',
    norm_placement: 'preln',
  }),
  table4('table4-elastic-bmt', 'elastic + BMT (not in the paper)', {
    activation_quantizer: 'elastic-int8',
    norm_placement: 'bmt',
  }),

  arm(
    'straight-through',
    'straight-through-clipped',
    'clipped straight-through',
    with158({ straight_through: 'clipped' }),
  ),

  arm('schedule', 'two-stage', 'two stages, weight decay dropped', {
    schedule: 'two-stage',
    dropsDecay: true,
  }),
  arm('schedule', 'two-stage-decay', 'two stages, constant weight decay', { schedule: 'two-stage' }),
  arm('schedule', 'decay-dropped', 'cosine, weight decay dropped', { dropsDecay: true }),
  arm('schedule', 'full-precision-two-stage', 'full precision, two stages', {
    ...FULL,
    schedule: 'two-stage',
    dropsDecay: true,
  }),

  arm('feed-forward', 'swiglu', 'SwiGLU', { activation: 'silu' }),
  arm('feed-forward', 'full-precision-swiglu', 'full precision, SwiGLU', { ...FULL, activation: 'silu' }),
];

/** @throws Error that names the arms there are */
export function findArm(name: string): Arm {
  return findNamed('ablation: the arm', ARMS, name);
}
