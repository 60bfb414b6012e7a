/** The papers' claims on quality at few bits, at equal shape and at equal bytes. */
import {
  interval,
  judge,
  type Claim,
  type Contrast,
  type Expectation,
  type JudgedClaim,
} from '@bitnet-notebooks/lib';
import { MARGIN } from '../record/margin.js';
import { roundingOf, type FinishedRun } from '../sweep/finished-run.js';
import { FRONTIER_ARMS } from './arms.js';
import { atEqualBytes, atEqualShape, pointsOfForm, type Comparison, type RateCosts } from './compare.js';
import { rateCostsOf } from './rate-costs.js';
import { frontierOf, type CorpusFrontier, type FrontierPoint } from './results.js';
import { table3Claims } from './table-3-claims.js';
import { table3Of } from './table-3.js';
import { B1, B158 } from '../record/sources.js';

/** Corpora in words. */
const CORPORA: Readonly<Record<string, string>> = {
  'tiny-shakespeare': 'Tiny Shakespeare',
  'zipf-facts': 'Zipf facts',
};

export function frontierClaims(finished: readonly FinishedRun[]): JudgedClaim[] {
  return frontierOf(finished).flatMap((frontier) => {
    const costs = rateCostsOf(frontier.corpus, finished);
    return [
      ...closenessClaims(frontier, costs),
      ...lateClaims(frontier, costs),
      ...halfPrecisionClaims(frontier),
      ...table3Of(frontier).slice(-1).flatMap(table3Claims),
    ].map(judge);
  });
}

/** What few trained bits are held against. */
interface Opponent {
  form: string;
  words: string;
  source: (arm: string) => string;
  paper: string;
  expected: Expectation;
}

const CLOSE: Expectation = { atMost: MARGIN, ours: 'the margin' };

const OPPONENTS: readonly Opponent[] = [
  {
    form: 'fp16',
    words: 'comes close to fp16 in its own layers',
    source: (arm) => (arm === 'b1' ? `${B1}, abstract` : `${B158}, Table 1`),
    paper: 'matches at 3B, behind at 700M; another tokenization, so no number to compare',
    expected: CLOSE,
  },
  {
    form: 'fp16-llama',
    words: 'comes close to fp16 in the layers of LLaMA, the papers’ baseline',
    source: (arm) => (arm === 'b1' ? `${B1}, section 3` : `${B158}, Table 1`),
    paper: 'matches at 3B, behind at 700M; another tokenization, so no number to compare',
    expected: CLOSE,
  },
  {
    form: 'int8-a8',
    words: 'comes close to 8-bit weights and activations, rounded after training',
    source: () => `${B1}, abstract and section 4.2`,
    paper: 'competitive with 8-bit quantization',
    expected: CLOSE,
  },
  {
    form: 'int4-g32-gptq',
    words: 'beats 4-bit weights by GPTQ',
    source: () => `${B1}, section 4.2 and Table 3`,
    paper: 'better on average accuracy; 17.07 and 16.05 in perplexity',
    expected: { below: 0 },
  },
];

/** Close to fp16, close to 8 bits, better than 4 bits: at the largest shape, and at equal bytes over all sizes that allow it. */
function closenessClaims(frontier: CorpusFrontier, costs: RateCosts): Claim[] {
  return ['b1.58', 'b1'].flatMap((arm) =>
    OPPONENTS.flatMap(({ form, words, source, paper, expected }): Claim[] => {
      const forms = [arm, form] as const;
      const largest = pointsOfForm(frontier, arm).at(-1);
      const shape = largest && atEqualShape(frontier, forms, largest.shape, costs);
      const bytes = atEqualBytes(frontier, forms, costs);
      const shared = { kind: 'trained models', source: source(arm), paper, expected } as const;
      return [
        ...made(shape, (sizes) => ({
          ...shared,
          ...(form !== 'int4-g32-gptq' && { headline: 2 }),
          claim: `${arm} ${words}, at equal shape, ${sizes} parameters (${nameOf(frontier)})`,
          measure: `test loss of ${arm} − ${form}, nats`,
        })),
        ...made(bytes, (sizes) => ({
          ...shared,
          ...(form !== 'int4-g32-gptq' && { headline: 2 }),
          claim: `${arm} ${words}, at equal bytes, ${sizes} parameters (${nameOf(frontier)})`,
          measure: `test loss of ${arm} − ${form} of as many bytes, mean over the sizes, nats`,
        })),
      ];
    }),
  );
}

function lateClaims(frontier: CorpusFrontier, costs: RateCosts): Claim[] {
  return FRONTIER_ARMS.filter(({ quantizedShare = 1 }) => quantizedShare < 1).flatMap(({ name, label }) => {
    const largest = pointsOfForm(frontier, name).at(-1);
    const comparison = largest && atEqualShape(frontier, [name, 'b1.58'], largest.shape, costs);
    return made(comparison, (sizes) => ({
      kind: 'trained models',
      claim: `Full precision first (${label}) beats b1.58 from the first step on, ${sizes} parameters (${nameOf(frontier)})`,
      source: '2502.11895 and 2509.22935; against the b1.58 FAQ, where it brought nothing',
      paper: 'better at equal steps',
      measure: `test loss of ${name} − b1.58, nats`,
      expected: { below: 0 },
    }));
  });
}

/** A claim on a comparison; none where it could not be made. */
function made(
  comparison: Comparison | undefined,
  draft: (sizes: string) => Omit<Claim, 'ours' | 'contrast'>,
): Claim[] {
  if (comparison === undefined) return [];
  const { contrast, points } = comparison;
  return [{ ...draft(sizesOf(points)), ours: interval(contrast), contrast: usable(contrast) }];
}

/** Of runs that diverged there is no power to speak of. */
function usable(contrast: Contrast): Contrast {
  return Number.isFinite(contrast.value) ? contrast : { ...contrast, standardError: Infinity, degrees: 0 };
}

function sizesOf(points: readonly FrontierPoint[]): string {
  const [least, most] = [points[0], points.at(-1)!].map(({ parameters }) => millions(parameters));
  return least === most ? least : `${least} to ${most}`;
}

function millions(parameters: number): string {
  return parameters < 1e5 ? `${(parameters / 1e3).toFixed(0)} k` : `${(parameters / 1e6).toFixed(2)} M`;
}

function nameOf({ corpus }: CorpusFrontier): string {
  return CORPORA[corpus] ?? corpus;
}

function halfPrecisionClaims(frontier: CorpusFrontier): Claim[] {
  const changes = frontier.runs.flatMap((run) => roundingOf(run) ?? []);
  if (changes.length === 0) return [];
  const farthest = changes.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
  const [low, high] = [Math.min(...changes), Math.max(...changes)];
  return [
    {
      kind: 'self-check',
      claim: `Half precision costs a full-precision model nothing, so that fp16 can stand for it (${nameOf(frontier)})`,
      source: 'taken for granted in all three papers',
      paper: 'no number',
      measure:
        'loss with weights and inputs in fp16 − in fp32, the largest of all runs and their range, nats',
      ours: { value: farthest, low, high, count: changes.length },
      digits: 5,
      expected: { atLeast: -0.001, atMost: 0.001, ours: 'the margin' },
    },
  ];
}
