"""Forecast a wave from its last 40 values with an LSTM.

    python examples/sine_forecast.py

Prints the mean absolute error of forecasts of the next value, on a stretch of the series that was
not trained on, beside that of saying "as now". It must be at most 0.05 (the script exits with 1
above it). Writes sine_forecast.png: forecast against truth, and a run of 120 values in which the
network goes on from its own forecasts.
"""

import sys

import numpy as np

import kerasish as ks

GOAL, WINDOW, AHEAD = 0.05, 40, 120

time = np.arange(2000)
noise = np.random.default_rng(0).normal(0, 0.02, len(time))
wave = 0.6 * np.sin(time / 6) + 0.3 * np.sin(time / 17 + 1) + noise
x = np.lib.stride_tricks.sliding_window_view(wave, WINDOW)[:-1, :, None]  # (N, steps, 1)
y = wave[WINDOW:]
cut = 1500

ks.set_random_seed(0)
model = ks.Sequential([ks.layers.LSTM(32), ks.layers.Dense(1)])
model.compile(ks.optimizers.Adam(0.01), "mse")
model.fit(x[:cut], y[:cut], epochs=12, validation_split=0.1)

forecast = model.predict(x[cut:], verbose=0)[:, 0]
error = float(np.abs(forecast - y[cut:]).mean())
naive = float(np.abs(x[cut:, -1, 0] - y[cut:]).mean())
print(f"mean absolute error: {error:.4f} (goal: {GOAL}; the last value instead: {naive:.4f})")

window = list(x[cut, :, 0])
for _ in range(AHEAD):
    window.append(float(model.predict_on_batch(np.array(window[-WINDOW:])[None, :, None])[0, 0]))

figure = ks.viz.new_figure((9, 6))
above, below = figure.subplots(2, 1)
above.plot(y[cut : cut + 200], label="truth")
above.plot(forecast[:200], "--", label="forecast of the next value")
above.set_title(f"One step ahead: mean absolute error {error:.3f}")
below.plot(y[cut : cut + AHEAD], label="truth")
below.plot(window[WINDOW:], "--", label="from its own forecasts")
below.set_title(f"{AHEAD} steps ahead")
for axes in (above, below):
    axes.set_ylim(-1, 1.3)
    axes.legend(loc="upper right", ncols=2)
    axes.set_xlabel("steps after the training data")
figure.savefig("sine_forecast.png")
print("wrote sine_forecast.png")

sys.exit(0 if error <= GOAL else 1)
