export { MARGIN } from '../record/margin.js';
