/** The functions of jStat that are used here; the package ships no types. */
declare module 'jstat' {
  const jstat: { readonly jStat: JStat };
  export default jstat;
  interface JStat {
    readonly studentt: {
      /**
       * Quantile of Student's t distribution.
       * @param p probability, 0 to 1
       * @param dof degrees of freedom
       */
      inv(p: number, dof: number): number;
      /** Probability that Student's t is at most x. */
      cdf(x: number, dof: number): number;
    };
    readonly centralF: {
      /** Probability that the ratio of two independent variances is at most x. */
      cdf(x: number, numeratorDof: number, denominatorDof: number): number;
    };
    /** Inverse of a square matrix, by rows. A singular one gives values that are not finite. */
    inv(matrix: readonly (readonly number[])[]): number[][];
  }
}
