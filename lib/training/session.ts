/** One session of a training run: its steps, from where the run's checkpoint stands. */
import { noteEagerSteps } from '../backend/tensorflow.js';
import type { Corpus, TokenWindows } from '../corpora/corpus.js';
import type { BitLM } from '../model/bitlm.js';
import type { RunStore } from '../runs/memory-run.js';
import { diagnose, weightCodes } from './diagnostics.js';
import { meanLosses, type ForwardPasses } from './evaluate.js';
import { restoreState, saveState } from './run-state.js';
import { schedule, type Rates, type Schedule } from './schedule.js';
import type { StepResult } from './step.js';
import { TrainingSteps } from './steps.js';
import { DivergedError, type RunOptions, type TrainingOptions, type TrainingPoint } from './types.js';

/** What a session holds: the model, its optimizer, the run and where it stands. */
export class TrainingSession {
  private steps: TrainingSteps;
  private readonly rates: Schedule;
  private evaluation: ForwardPasses;
  private drawnWindows: TokenWindows | undefined;
  /** Updates made in all sessions of the run. */
  private done = 0;
  private seconds = 0;

  /** @param run where the run is kept, if it is */
  constructor(
    private readonly model: BitLM,
    private readonly corpus: Corpus,
    private readonly options: TrainingOptions,
    private readonly run: RunStore<TrainingPoint> | undefined,
    private readonly form: RunOptions['form'],
  ) {
    this.rates = schedule(options.schedule);
    const from = run?.checkpointStep ?? 0;
    model.quantizes = this.quantizesAt(from);
    this.steps = this.stepsFrom(from);
    this.evaluation = this.evaluationFrom(from);
  }

  get isFinished(): boolean {
    return this.done >= this.options.steps;
  }

  /** Goes to where the run's checkpoint stands. */
  async resume(): Promise<void> {
    const { run } = this;
    if (run?.checkpointStep === undefined) return;
    await restoreState(run, this.model, this.steps);
    this.done = run.checkpointStep;
    this.seconds = run.points.at(-1)?.seconds ?? 0;
    // Killed between the last checkpoint and the mark, or between the two halves of being given more steps.
    if (this.isFinished && !run.completed) await run.complete();
  }

  /**
   * One update, and at steps that ask for it an evaluation.
   * @throws DivergedError where a loss or gradient is not finite
   */
  async step(): Promise<TrainingPoint> {
    const { model, options } = this;
    if (model.quantizes !== this.quantizesAt(this.done)) this.quantize();
    const rates = this.rates(this.done);
    model.drawFrom(options.seeds.weights, this.done);
    const isEvaluated = this.done + 1 === options.steps || (this.done + 1) % options.evaluateEvery === 0;
    const codes = isEvaluated && options.diagnostics ? weightCodes(model) : undefined;
    const started = performance.now();
    const { loss, gradientNorm } = await this.update(rates);
    this.done++;
    const trained = performance.now();
    const validationLoss = isEvaluated ? this.evaluate(rates) : undefined;
    return {
      step: this.done,
      trainLoss: loss,
      ...(validationLoss !== undefined && { validationLoss }),
      ...(codes && { diagnostics: diagnose(model, codes, this.windows, options.context) }),
      ...rates,
      gradientNorm,
      tokensPerSecond: (options.batch * options.context * 1000) / (trained - started),
      seconds: (this.seconds += (performance.now() - started) / 1000),
    };
  }

  /** Writes a point to the run, and a checkpoint where one is due or the session is about to stop. */
  async record(point: TrainingPoint, isStopping: boolean): Promise<void> {
    const { run, options } = this;
    if (!run) return;
    await run.append(point);
    const saveEvery = options.checkpointEvery ?? options.evaluateEvery;
    if (this.isFinished || this.done % saveEvery === 0 || isStopping) await this.save();
    if (this.isFinished) await run.complete();
  }

  /** Saves what the last checkpoint does not hold yet. */
  async saveRest(): Promise<void> {
    const { run } = this;
    if (run && !run.completed && this.done > (run.checkpointStep ?? 0)) await this.save();
  }

  /** Frees everything but the model, which quantizes from now on however far it was trained. */
  close(): void {
    this.steps.close();
    this.evaluation.close();
    this.model.quantizes = true;
  }

  /** Whether the step after `done` updates is quantized. */
  private quantizesAt(done: number): boolean {
    return done >= (this.options.quantizeFrom ?? 0);
  }

  /** Brings the quantizers in: steps and evaluations are other functions from now on, the moments stay. */
  private quantize(): void {
    const state = this.steps.state();
    this.steps.close();
    this.evaluation.close();
    this.model.quantizes = true;
    this.steps = this.stepsFrom(this.done);
    this.steps.restore(state);
    this.evaluation = this.evaluationFrom(this.done);
  }

  /** Steps after `done` updates, as far as they are computed alike. */
  private stepsFrom(done: number): TrainingSteps {
    const { options, form } = this;
    return new TrainingSteps(this.model, {
      sequences: options.batch,
      steps: this.lastAlike(done) - done,
      clipNorm: options.clipNorm ?? 1,
      betas: options.betas,
      form,
      onEager: noteEagerSteps,
    });
  }

  private evaluationFrom(done: number): ForwardPasses {
    const { options, form } = this;
    const count = Math.ceil((this.lastAlike(done) - done) / options.evaluateEvery);
    return meanLosses(this.model, form === 'eager' ? 0 : count);
  }

  /** The last step that is computed as the one after `done` updates. */
  private lastAlike(done: number): number {
    const { quantizeFrom = 0, steps } = this.options;
    return done < quantizeFrom ? quantizeFrom : steps;
  }

  /** Validation windows, drawn when they are first asked for. */
  private get windows(): TokenWindows {
    const { validationWindows, context } = this.options;
    return (this.drawnWindows ??= this.corpus.validationWindows(validationWindows, context));
  }

  private async update(rates: Rates): Promise<StepResult> {
    const { model, corpus, options, steps, done } = this;
    const batch = corpus.sampleBatch(done, options.seeds.batches, options.batch, options.context);
    const result = steps.step(batch, rates);
    const { loss, gradientNorm } = result;
    if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) return result;
    const isSound = hasFiniteWeights(model);
    if (isSound && done > (this.run?.checkpointStep ?? -1)) await this.save();
    const ruined = isSound ? '' : ', and that update ruined it: not all weights are finite';
    throw new DivergedError(
      done + 1,
      `train: loss and gradient must be finite, got loss ${loss} and gradient norm ${gradientNorm} at step ` +
        `${done + 1}. The model is as after step ${done}${ruined}. ` +
        advice(model, rates),
    );
  }

  private evaluate(rates: Rates): number {
    const loss = this.evaluation.mean(this.windows, this.options.context);
    if (Number.isFinite(loss)) return loss;
    // No checkpoint: the update that ruined the model has been made. The one before stays.
    throw new DivergedError(
      this.done,
      `train: validation loss must be finite, got ${loss} after step ${this.done}. ` +
        advice(this.model, rates),
    );
  }

  private async save(): Promise<void> {
    if (this.run) await saveState(this.run, this.model, this.steps, this.corpus, this.done);
  }
}

/** What to try where a loss is not finite. */
function advice({ own }: BitLM, { learningRate }: Rates): string {
  const hasOwn = own.weights !== undefined || own.activations !== undefined;
  const look = hasOwn ? ', and look for values in your quantizer that are not finite' : '';
  return `Try a lower learning rate (now ${learningRate})${look}.`;
}

function hasFiniteWeights(model: BitLM): boolean {
  return model.tensors().every(({ data }) => data.every((value) => Number.isFinite(value)));
}
