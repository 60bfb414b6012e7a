/**
 * What each command needs, in the order in which it can be made.
 */
import { build } from './build.js';
import { kernelspec } from './kernelspec.js';
import { labExtension } from './lab-extension.js';
import { packages } from './packages.js';
import { pythonStep } from './python.js';
import { tensorflowStep } from './tensorflow.js';

/** Everything; later steps use what earlier ones made (the TensorFlow wheel comes by the environment's pip). */
export const allSteps = [packages, pythonStep(), tensorflowStep(), kernelspec, labExtension, build];
