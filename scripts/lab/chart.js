/**
 * Draws `application/vnd.plotly.v1+json` below a cell. Unlike PyPI's plotly it redraws an output that is updated, so that
 * a chart can be hovered while it grows; it adds no picture to the notebook, so that opening a file does not change it;
 * and it takes the width that there is.
 */
const MIME = 'application/vnd.plotly.v1+json';

/**
 * @typedef {{ data: object[], layout: Record<string, unknown>, config?: object }} Chart
 * @typedef {{ data: Record<string, unknown> }} Model what JupyterLab tells of an output
 * @typedef {{ node: HTMLElement, addClass(name: string): void, dispose(): void, isDisposed: boolean }} Widget Lumino's
 */

/** @type {Promise<any> | undefined} */
let loading;

/** plotly.js, loaded once for the page. */
export function loadPlotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = new URL('plotly.min.js', import.meta.url).href;
    script.addEventListener('load', () => resolve(/** @type {any} */ (window).Plotly));
    script.addEventListener('error', () => {
      loading = undefined;
      reject(
        new Error(`charts: plotly.js must be at ${script.src}, but it did not load. Run: npm run setup`),
      );
    });
    document.head.append(script);
  });
  return loading;
}

/**
 * What JupyterLab asks for a renderer of a mime type.
 * @param {new () => Widget} Widget
 */
export function chartRenderer(Widget) {
  class ChartWidget extends Widget {
    constructor() {
      super();
      this.addClass('bitnet-chart');
      this.plot = document.createElement('div');
      this.node.append(this.plot);
      /** @type {MouseEvent | undefined} where the pointer is, while it is on the chart */
      this.pointer = undefined;
      this.node.addEventListener('mousemove', (event) => {
        if (event.isTrusted) this.pointer = event;
      });
      this.node.addEventListener('mouseleave', () => (this.pointer = undefined));
      this.sizes = new ResizeObserver(() => this.fit());
      this.sizes.observe(this.node);
      /** @type {Chart | undefined} */
      this.next = undefined;
      /** @type {Promise<void> | undefined} */
      this.drawing = undefined;
      this.takesWidth = false;
    }

    /** @param {Model} model */
    renderModel(model) {
      this.next = /** @type {Chart} */ (model.data[MIME]);
      this.drawing ??= this.draw().finally(() => (this.drawing = undefined));
      return this.drawing;
    }

    /** Draws the latest frame until no later one has come: frames may come faster than they are drawn. */
    async draw() {
      const Plotly = await loadPlotly();
      while (this.next !== undefined && !this.isDisposed) {
        const { data, layout, config } = this.next;
        this.next = undefined;
        this.takesWidth = layout.width === undefined;
        // plotly keeps what the reader zoomed and hid as long as uirevision stays the same.
        const kept = { uirevision: true, ...layout };
        await Plotly.react(this.plot, data, kept, { displaylogo: false, ...config });
        this.hoverAgain();
      }
    }

    /** A redraw takes away what was shown at the pointer. */
    hoverAgain() {
      const { pointer } = this;
      if (pointer === undefined) return;
      const { clientX, clientY } = pointer;
      const below = document.elementFromPoint(clientX, clientY);
      if (below === null || !this.node.contains(below)) return;
      for (const type of ['mouseover', 'mousemove'])
        below.dispatchEvent(new MouseEvent(type, { clientX, clientY, bubbles: true }));
    }

    /** Takes the width that there is, where the chart names none. */
    fit() {
      if (!this.takesWidth || this.node.offsetWidth === 0) return;
      void loadPlotly().then((Plotly) => (this.isDisposed ? undefined : Plotly.Plots.resize(this.plot)));
    }

    /** @override */
    dispose() {
      if (!this.isDisposed) {
        this.sizes.disconnect();
        void loading?.then((Plotly) => Plotly.purge(this.plot));
      }
      super.dispose();
    }
  }
  return { safe: true, mimeTypes: [MIME], createRenderer: () => new ChartWidget() };
}
