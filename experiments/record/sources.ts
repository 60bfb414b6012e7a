/** The papers, as claims and tables name them. */
export const B1 = 'BitNet (2310.11453)';
export const B158 = 'BitNet b1.58 (2402.17764)';
export const REPORT = 'BitNet b1.58 2B4T (2504.12285)';
