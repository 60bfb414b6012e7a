"""
Reference values for lib/analysis, by statsmodels and SciPy:  pip install statsmodels scipy && python analysis.py
Writes analysis.json beside itself: losses of arms and seeds (some missing) with the differences of an additive least-squares
model, Holm's adjustment, a parabola's lowest point with its delta-method error, and a line over sizes.
"""
import json
from pathlib import Path

import numpy as np
import scipy.stats as stats
import statsmodels.api as sm
import statsmodels.formula.api as smf
import pandas as pd
from statsmodels.stats.multitest import multipletests

random = np.random.default_rng(7)
runs = [
    {"arm": f"arm{a}", "seed": s, "loss": round(1.7 + 0.02 * a + 0.01 * s + 0.012 * random.standard_normal(), 6)}
    for a in range(5)
    for s in range(4)
    if (a, s) not in {(1, 0), (3, 2)}
]
table = pd.DataFrame(runs)
fit = smf.ols("loss ~ C(arm) + C(seed)", table).fit()
contrasts = []
for a in range(1, 5):
    test = fit.t_test(f"C(arm)[T.arm{a}] = 0")
    low, high = test.conf_int(alpha=0.05)[0]
    contrasts.append(
        {
            "arm": f"arm{a}",
            "value": float(test.effect[0]),
            "standardError": float(test.sd[0, 0]),
            "low": float(low),
            "high": float(high),
            "p": float(test.pvalue),
        }
    )

p_values = [0.01, 0.04, 0.03, 0.005, 0.2]
rates = [{"rate": r, "seed": s, "loss": None} for s in range(2) for r in (0.001, 0.0014142, 0.002, 0.0028284, 0.004)]
for row in rates:
    x = np.log2(row["rate"] / 0.0022)
    row["loss"] = round(1.7 + 0.05 * x * x + 0.004 * row["seed"] + 0.002 * random.standard_normal(), 6)
x = np.array([np.log2(row["rate"] / 0.002) for row in rates])
design = np.column_stack([np.ones(len(x)), x, x * x, [row["seed"] for row in rates]])
parabola = sm.OLS([row["loss"] for row in rates], design).fit()
_, slope, curvature, _ = parabola.params
gradient = np.array([0, -1 / (2 * curvature), slope / (2 * curvature**2), 0])

sizes = [1000, 3000, 9000, 20000, 70000]
differences = [0.09, 0.071, 0.066, 0.05, 0.041]
log_sizes = np.log2(sizes)
line = sm.OLS(differences, sm.add_constant(log_sizes - log_sizes.mean())).fit()
centred = log_sizes - log_sizes.mean()
bend = sm.OLS(differences, np.column_stack([np.ones(5), centred, centred**2])).fit()

json.dump(
    {
        "runs": runs,
        "deviation": float(np.sqrt(fit.mse_resid)),
        "degrees": int(fit.df_resid),
        "contrasts": contrasts,
        "holm": {"p": p_values, "adjusted": [float(p) for p in multipletests(p_values, method="holm")[1]]},
        "rates": rates,
        "parabola": {
            "best": float(0.002 * 2 ** (-slope / (2 * curvature))),
            "curvature": float(curvature),
            "octaves": float(np.sqrt(gradient @ parabola.cov_params() @ gradient)),
        },
        "sizes": [{"size": s, "value": d} for s, d in zip(sizes, differences)],
        "slope": {"value": float(line.params[1]), "standardError": float(line.bse[1])},
        "bend": {"value": float(bend.params[2]), "standardError": float(bend.bse[2])},
        "t": [[0.975, 7, float(stats.t.ppf(0.975, 7))], [0.8, 30, float(stats.t.ppf(0.8, 30))]],
    },
    open(Path(__file__).with_suffix(".json"), "w"),
    indent=1,
)
