/** The one function of jStat that is used here; the package ships no types. */
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
    };
  }
}
